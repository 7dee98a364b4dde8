"""State shared with a team: cached verdicts, the ledger, outcomes of findings. The rest stays on this machine.

Shared rows are written locally first, with a mark that the team's database does not have them; the mark is removed once
it has. So a run that cannot reach the database, or is killed on the way, loses nothing. Sending twice is idempotent:
verdicts are identified by their key, calls by an identifier made with them.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeVar

from msgspec import Struct

from ralph_hooks.errors import RalphError
from ralph_hooks.store import postgres
from ralph_hooks.store.session import DatabaseSession, Row, TeamStoreUnavailable
from ralph_hooks.store.sqlite import Database, Unavailable

Result = TypeVar("Result")

MEMORY = 60.0  # seconds without another attempt after the database did not answer
_BATCH = 200  # calls, and verdicts, a transaction: about 200 kB
_LINGER = 2.0  # seconds that the end of a run may take for what a long outage has left; the next run goes on
_MANY = 200  # pending records of cached answers that justify a connection of their own
_DAY = 86_400.0  # seconds
_MAX_AGE = 90 * _DAY  # as long as verdicts are kept here
_PRUNE_ONE_IN = 256  # runs that shared something

_MADE = ("uid", "at", "day", "run", "repository", "repository_name", "command", "phase", "model", "remembered")
_SETTLED = (
    *("input_tokens", "cached_input_tokens", "cache_write_tokens", "output_tokens"),
    *("cost", "estimated", "outcome", "seconds"),
)
_COLUMNS = _MADE + _SETTLED
_NEW = ", ".join(f"{column} = EXCLUDED.{column}" for column in _SETTLED)
# A row that is settled stays as it is: what comes after it is older.
_SHARE_CALL = (
    f"INSERT INTO calls ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608 - constants
    f" ON CONFLICT (uid, day) DO UPDATE SET {_NEW} WHERE calls.outcome = 'unsettled'"
)
_GONE = "DELETE FROM calls WHERE uid = ? AND outcome = 'unsettled'"
_SHARE_ANSWER = (
    "INSERT INTO answers (key, value, stored) VALUES (?, ?, ?)"
    " ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value, stored = EXCLUDED.stored"
)
_MARK_CALL = (
    "INSERT INTO unshared_calls (uid, store, changes) VALUES (?, ?, 1)"
    " ON CONFLICT (uid) DO UPDATE SET changes = changes + 1"
)
# Rows that are marked and no longer here were replaced: they come first.
_UNSHARED_CALLS = (
    f"SELECT u.changes, u.uid, {', '.join(f'c.{column}' for column in _COLUMNS)}"  # noqa: S608 - constants
    " FROM unshared_calls u LEFT JOIN calls c ON c.uid = u.uid WHERE u.store = ? ORDER BY c.id LIMIT ?"
)
_UNSHARED_ANSWERS = (
    "SELECT a.key, a.value, a.stored FROM unshared_answers u JOIN answers a ON a.key = u.key WHERE u.store = ? LIMIT ?"
)

_SHARED_LABELS = {
    "labels": (
        *("uid", "at", "repository_name", "change", "source", "category", "evidence", "version", "blocking"),
        "outcome",
    ),
    "judgements": ("uid", "at", "repository_name", "change", "held_back", "cost"),
}


class Waiting(Struct, frozen=True):
    """The number of rows that the team's database does not have yet."""

    verdicts: int
    calls: int
    remembered: int
    """Rows that record answers from the cache, which cost nothing."""

    def __bool__(self) -> bool:
        return bool(self.verdicts or self.calls or self.remembered)


class TeamStore:
    """The team's database beside the local ``database``. Thread-safe.

    Once it is unavailable, it stays so for the rest of the run. ``clock`` gives seconds since 1970.
    """

    def __init__(self, database: Database, url: str, clock: Callable[[], float] = time.time) -> None:
        self.shown = postgres.shown(url)
        self.name = postgres.name(url)
        self._database = database
        self._server = postgres.Postgres(url)
        self._clock = clock
        self._lock = threading.RLock()
        self._away: TeamStoreUnavailable | None = None
        self._asked = False
        self._told = False

    @property
    def notices(self) -> tuple[str, ...]:
        """One sentence for the report if it was unavailable in this run. Reading it marks the outage as reported."""
        sentences = self._sentences()
        self._told = self._told or bool(sentences)
        return sentences

    @property
    def reached(self) -> bool:
        """True if it has answered, and is not away."""
        return self._server.connected

    def new_uid(self) -> str:
        """Return a unique identifier for a call: the time, then 80 random bits."""
        return f"{int(self._clock() * 1000):012x}{os.urandom(10).hex()}"

    def answers(self, keys: Sequence[str]) -> dict[str, bytes]:
        """Return the cached answers for ``keys``; nothing while the database is unavailable."""
        try:
            rows = self.query("SELECT key, value FROM answers WHERE key = ANY(?)", (list(keys),))
        except TeamStoreUnavailable:
            return {}
        return {key: bytes(value) for key, value in rows}

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Return all rows of a SELECT. Raises TeamStoreUnavailable."""
        return self._reach(lambda: self._server.query(sql, parameters))

    def transact(self, work: Callable[[DatabaseSession], Result]) -> Result:
        """Return the result of ``work``, as `sqlite.Database.transact`. Raises TeamStoreUnavailable."""
        return self._reach(lambda: self._server.transact(work))

    def take_back(self, uid: str) -> None:
        """Take a reservation out that is not made use of."""
        with suppress(TeamStoreUnavailable):
            self.transact(lambda session: session.execute(_GONE, (uid,)))

    def marked(self, uid: str) -> tuple[str, Row]:
        """Return the statement that marks call ``uid`` as changed or gone, for the transaction that changes it."""
        return _MARK_CALL, (uid, self.name)

    def mark_answers(self, connection: sqlite3.Connection, keys: Sequence[str], stored: float) -> None:
        """Mark ``keys`` as having new answers, in the transaction that writes them."""
        connection.executemany("REPLACE INTO unshared_answers VALUES (?, ?, ?)", [(k, self.name, stored) for k in keys])

    def share(self) -> None:
        """Send pending rows, as many as fit in one transaction. Rows that cannot be sent stay pending."""
        with suppress(TeamStoreUnavailable, Unavailable):
            self._share()

    def share_labels(self) -> None:
        """Send pending outcomes of findings. Raises TeamStoreUnavailable, Unavailable."""
        while self._share_labels():
            pass

    def _share_labels(self) -> bool:
        """Send some of them; return False if none was left."""
        pending: dict[str, list[Row]] = {}
        for table, columns in _SHARED_LABELS.items():
            named = ", ".join(f"t.{column}" for column in columns)
            pending[table] = self._database.query(
                f"SELECT u.changes, {named} FROM unshared_labels u JOIN {table} t ON t.uid = u.uid"  # noqa: S608 - constants
                " ORDER BY t.id LIMIT ?",
                (_BATCH,),
            )
        if not any(pending.values()):
            return False

        def send(session: DatabaseSession) -> None:
            for table, columns in _SHARED_LABELS.items():
                new = ", ".join(f"{column} = EXCLUDED.{column}" for column in columns[1:])
                insert = (
                    f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"  # noqa: S608 - our own names
                    f" ON CONFLICT (uid) DO UPDATE SET {new}"
                )
                for _, *row in pending[table]:
                    session.execute(insert, row)

        self.transact(send)
        seen = [(uid, changes) for rows in pending.values() for changes, uid, *_ in rows]
        self._database.transact(
            lambda c: c.executemany("DELETE FROM unshared_labels WHERE uid = ? AND changes = ?", seen)
        )
        return True

    def waiting(self) -> Waiting:
        """Return the number of pending rows. Raises Unavailable."""
        ((verdicts,),) = self._database.query(
            "SELECT count(*) FROM unshared_answers WHERE store = ? AND key IN (SELECT key FROM answers)", (self.name,)
        )
        ((calls, remembered),) = self._database.query(
            "SELECT coalesce(sum(remembered IS NULL OR remembered = 0), 0), coalesce(sum(remembered > 0), 0)"
            " FROM unshared_calls u LEFT JOIN calls c ON c.uid = u.uid WHERE u.store = ?",
            (self.name,),
        )
        return Waiting(verdicts, calls, remembered)

    def elsewhere(self) -> int:
        """Return the number of rows that wait for a database at another address. Raises Unavailable."""
        count = "SELECT count(*) FROM {} WHERE store <> ?"
        tables = ("unshared_answers", "unshared_calls")
        return sum(self._database.query(count.format(table), (self.name,))[0][0] for table in tables)

    def examine(self) -> tuple[str, int, float]:
        """Return the server's version, the schema's version and the response time in seconds, for `doctor`.

        Raises TeamStoreUnavailable, ConfigError.
        """
        self._told = True  # by the caller
        started = time.monotonic()
        server, schema = self._server.version()
        seconds = time.monotonic() - started
        with self._lock:
            self._asked, self._away = True, None
        with suppress(Unavailable):
            self._database.transact(lambda c: c.execute("DELETE FROM answers WHERE key = ?", (self._mark,)))
        return server, schema, seconds

    def close(self) -> None:
        """Send pending rows if they are worth a connection, and disconnect. An unreported outage becomes a trouble."""
        try:
            self._database.transact(lambda _: None)  # deferred rows may be for the team's database
            waiting = self.waiting()
            if self.reached or waiting.verdicts or waiting.calls or waiting.remembered >= _MANY:
                end = time.monotonic() + _LINGER
                while self._share() and time.monotonic() < end:
                    pass
                while time.monotonic() < end and self._share_labels():
                    pass
        except (TeamStoreUnavailable, Unavailable):
            pass  # it goes on waiting
        except RalphError as error:  # the judgement stands
            self._database.note(f"{error.message}: {error.hint}")
        finally:
            self._server.close()
            if not self._told:
                for sentence in self._sentences():
                    self._database.note(sentence)

    @property
    def _mark(self) -> str:
        """The cache key under which an outage of the database is recorded."""
        return f"outage/team/{self.name}"

    def _sentences(self) -> tuple[str, ...]:
        if self._away is None:
            return ()
        sentence = (
            f"the team's store ({self.shown}) {self._away}: this run uses only this machine's verdicts and"
            " spending; new ones are sent once the store answers"
        )
        return (sentence,)

    def _reach(self, work: Callable[[], Result]) -> Result:
        """Run ``work`` with the database. Raises TeamStoreUnavailable, at once if it was unavailable just now."""
        with self._lock:
            if not self._asked:
                self._asked = True
                self._away = self._remembered()
            if self._away is not None:
                raise TeamStoreUnavailable(str(self._away))
            try:
                return work()
            except TeamStoreUnavailable as error:
                self._away = error
                if error.silent:
                    self._remember(error)
                raise

    def _remembered(self) -> TeamStoreUnavailable | None:
        with suppress(Unavailable):
            rows = self._database.query(
                "SELECT value, stored FROM answers WHERE key = ? AND stored <= ? AND expires > ?",
                (self._mark, self._clock(), self._clock()),
            )
            for value, stored in rows:
                ago = self._clock() - stored
                return TeamStoreUnavailable(f"was skipped, because {ago:.0f} s ago it {value.decode()}")
        return None

    def _remember(self, error: TeamStoreUnavailable) -> None:
        now = self._clock()
        row = (self._mark, str(error).encode(), now, now + MEMORY)
        with suppress(Unavailable):
            self._database.transact(lambda c: c.execute("REPLACE INTO answers VALUES (?, ?, ?, ?)", row))

    def _share(self) -> bool:
        """Send one transaction; return False if nothing was left. Raises TeamStoreUnavailable, Unavailable."""
        calls = self._database.query(_UNSHARED_CALLS, (self.name, _BATCH))
        answers = self._database.query(_UNSHARED_ANSWERS, (self.name, _BATCH))
        if not calls and not answers:
            return False

        def send(session: DatabaseSession) -> None:
            for _, marked, uid, *rest in calls:
                session.execute(*((_SHARE_CALL, (uid, *rest)) if uid else (_GONE, (marked,))))
            for answer in answers:
                session.execute(_SHARE_ANSWER, answer)
            if answers and os.urandom(1)[0] % _PRUNE_ONE_IN == 0:
                session.execute("DELETE FROM answers WHERE stored < ?", (self._clock() - _MAX_AGE,))

        def unmark(connection: sqlite3.Connection) -> None:
            connection.executemany(
                "DELETE FROM unshared_calls WHERE uid = ? AND changes = ?", [(uid, seen) for seen, uid, *_ in calls]
            )
            connection.executemany(
                "DELETE FROM unshared_answers WHERE key = ? AND stored = ?", [(key, at) for key, _, at in answers]
            )
            connection.execute("DELETE FROM unshared_answers WHERE key NOT IN (SELECT key FROM answers)")  # pruned

        self.transact(send)
        self._database.transact(unmark)  # should this not come about, the same is sent again, and is there once
        return True
