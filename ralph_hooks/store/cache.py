"""The cache of model answers: bytes by key, shared by all repositories of this user."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

import msgspec

from ralph_hooks.core.ports.store import Cache
from ralph_hooks.store.sqlite import Database, Unavailable
from ralph_hooks.store.state import State

if TYPE_CHECKING:
    from ralph_hooks.store.team import TeamStore

_DAY = 86_400.0  # seconds
_MAX_AGE = 90 * _DAY
_MAX_BYTES = 64 * 1024 * 1024
_ROW = 100  # bytes: what a row takes besides its key and value, about
_PRUNE_EVERY = 512  # rows written: often enough for the bound to hold, and no single commit pays for it twice


class Verdicts:
    """Implements `core.ports.store.Cache`.

    A database that cannot be read or written counts as an empty cache, and is reported in `troubles`.

    ``max_bytes`` and ``max_age`` (seconds) bound the cache; every few hundred writes the oldest rows are removed.
    """

    def __init__(
        self,
        database: Database,
        *,
        clock: Callable[[], float] = time.time,
        max_bytes: int = _MAX_BYTES,
        max_age: float = _MAX_AGE,
    ) -> None:
        self._database = database
        self._clock = clock
        self._max_bytes = max_bytes
        self._max_age = max_age

    def get(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return the cached, unexpired answers for ``keys``, in one query."""
        names = list(keys)
        if not names:
            return {}
        try:
            rows = self._database.query(
                "SELECT key, value FROM answers WHERE key IN (SELECT value FROM json_each(?))"
                " AND typeof(value) = 'blob'"
                " AND (expires IS NULL OR expires > ?)",
                (msgspec.json.encode(names).decode(), self._clock()),
            )
        except Unavailable as error:
            self._database.note(f"{error.message}; earlier verdicts are not used")
            return {}
        return dict(rows)

    def put(self, items: Mapping[str, bytes], ttl: float | None = None, *, team: TeamStore | None = None) -> None:
        """Keep ``items``, for ``ttl`` seconds or until they are pruned; ``team`` has yet to get them."""
        if not items:
            return
        now = self._clock()
        expires = None if ttl is None else now + ttl
        rows = [(key, value, now, expires) for key, value in items.items()]

        def write(connection: sqlite3.Connection) -> None:
            self._write(connection, rows)
            if team is not None:
                team.mark_answers(connection, list(items), now)

        try:
            self._database.transact(write)
        except Unavailable as error:
            self._database.note(f"{error.message}; this run's verdicts are not cached")

    def _write(self, connection: sqlite3.Connection, rows: list[tuple[str, bytes, float, float | None]]) -> None:
        before = _written(connection)
        # REPLACE gives a new rowid, so that rowids follow the age of what is kept.
        connection.executemany("REPLACE INTO answers (key, value, stored, expires) VALUES (?, ?, ?, ?)", rows)
        if before // _PRUNE_EVERY != _written(connection) // _PRUNE_EVERY:
            self._prune(connection)

    def _prune(self, connection: sqlite3.Connection) -> None:
        now = self._clock()
        connection.execute("DELETE FROM answers WHERE expires <= ? OR stored < ?", (now, now - self._max_age))
        connection.execute(
            "DELETE FROM answers WHERE rowid IN (SELECT id FROM (SELECT rowid AS id,"
            " sum(length(value) + length(key) + ?) OVER (ORDER BY rowid DESC) AS total FROM answers) WHERE total > ?)",
            (_ROW, self._max_bytes),
        )


class SharedModelCache:
    """Implements `core.ports.store.ModelCache`: answers of models to this user or to others of the team.

    Answers cached locally are not requested from the team's database; those that come from it are cached locally.
    """

    def __init__(self, state: State, *, clock: Callable[[], float] = time.time) -> None:
        self._here = Verdicts(state.database, clock=clock)
        self._team = state.team

    @property
    def notices(self) -> tuple[str, ...]:
        """The notices about the team's database for the report."""
        return self._team.notices if self._team is not None else ()

    def get(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return the answers for ``keys`` that are cached locally or in the team's database."""
        names = list(keys)
        found = self._here.get(names)
        missing = [name for name in names if name not in found]
        if self._team is None or not missing:
            return found
        theirs = self._team.answers(missing)
        self._here.put(theirs)
        return found | theirs

    def put(self, items: Mapping[str, bytes], ttl: float | None = None) -> None:
        """Keep ``items`` here, and share them."""
        self._here.put(items, ttl, team=self._team)
        if self._team is not None:
            self._team.share()


class NamespacedCache:
    """Implements `core.ports.store.ModelCache`.

    ``store`` under a name, which separates a backtest's answers from the gate's.
    """

    notices: tuple[str, ...] = ()

    def __init__(self, store: Cache, name: str) -> None:
        self._store = store
        self._prefix = f"{name}/"

    def get(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return the same as `Verdicts.get`."""
        found = self._store.get([self._prefix + key for key in keys])
        return {key.removeprefix(self._prefix): value for key, value in found.items()}

    def put(self, items: Mapping[str, bytes], ttl: float | None = None) -> None:
        """Write as `Verdicts.put` does."""
        self._store.put({self._prefix + key: value for key, value in items.items()}, ttl)


def _written(connection: sqlite3.Connection) -> int:
    """Return a counter that grows with every row written."""
    number: int | None = connection.execute("SELECT max(rowid) FROM answers").fetchone()[0]
    return number or 0
