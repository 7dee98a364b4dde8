"""The one SQLite file of the user's state: opened on first use, shared by threads, processes and repositories."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Self, TypeVar

from msgspec import Struct

from ralph_hooks.core.lazy_pattern import lazy
from ralph_hooks.core.text import plural
from ralph_hooks.errors import RalphError
from ralph_hooks.store.paths import VARIABLE, prepare
from ralph_hooks.store.schema import SQLITE
from ralph_hooks.store.session import Row

Result = TypeVar("Result")
_UNREADABLE = (TypeError, ValueError, AttributeError, ArithmeticError)
"""Errors raised by a row whose values have unexpected types."""

_FILE = "state.db"
_BUSY = 5.0  # seconds to wait for other processes, whose transactions take milliseconds
_WAL_RETRY = 0.01  # seconds

_DERIVED = ("daily", "runs", "unshared_labels")
"""Tables that triggers fill: rows saved from a damaged file fill them again."""
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_NOT_AS_MADE = lazy(
    r"no such (table|column)|has (no|\d+) columns? |because it is a view|does not match any|integer overflow"
    r"|Could not decode"
)
"""Messages of SQLite, or Python's module, about a dropped or altered table and about an impossible value."""
_STORED_AS = {"TEXT": (str,), "BLOB": (bytes,), "INTEGER": (int,), "REAL": (int, float)}
_LARGEST = 10**18  # of an integer: the largest cost, and below the 64 bits that sums have
_AT_ONCE = 1000  # rows that are saved at once
_UNAVAILABLE = {
    sqlite3.SQLITE_BUSY: "another process has locked it",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened",
    sqlite3.SQLITE_FULL: "no space is left on the disk",
    sqlite3.SQLITE_IOERR: "the disk cannot be read or written",
    sqlite3.SQLITE_PERM: "access is denied",
    sqlite3.SQLITE_PROTOCOL: "too many processes have it open",
    sqlite3.SQLITE_READONLY: "it is read-only",
}


class RepositoryId(Struct, frozen=True):
    """The repository of a record."""

    key: str
    """A digest of where it is."""
    name: str
    """For people: the name of its folder."""

    @classmethod
    def at(cls, folder: Path) -> RepositoryId:
        """Return the repository in ``folder``, or the one whose `.git` it is, which linked worktrees share."""
        place = folder.resolve()
        if place.name == ".git":
            place = place.parent
        name = os.fsencode(place.name).decode("utf-8", "replace")
        return cls(hashlib.blake2b(os.fsencode(place), digest_size=8).hexdigest(), name)


class Unavailable(RalphError):
    """The state cannot be read or written now: full disk, read-only file system, a lock that stays.

    A cache answers it by knowing nothing; whatever needs a record of money does not go on.
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"the state in {path} cannot be used: {reason}",
            f"free space or fix its permissions, or set {VARIABLE} to a writable folder",
        )


class Database:
    """One connection behind a lock: a transaction takes less time than a thread would need to open its own.

    A damaged file is kept under another name and a new one begun; ``troubles`` says so. Use as a context manager, or
    `close` it; threads that come later get Unavailable.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / _FILE
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._inode: int | None = None
        self._refusal: Unavailable | None = None
        self._troubles: dict[str, None] = {}
        self._deferred: list[tuple[str, Row]] = []

    @property
    def troubles(self) -> tuple[str, ...]:
        """Warnings for the user about records that could not be kept and files that were damaged."""
        return tuple(self._troubles)

    def note(self, sentence: str) -> None:
        """Add to `troubles`, once."""
        self._troubles[sentence] = None

    def query(self, sql: str, parameters: Sequence[object] | Mapping[str, object] = ()) -> list[Row]:
        """Return all rows of a SELECT. Raises Unavailable."""
        return self._attempt(lambda connection: connection.execute(sql, parameters).fetchall())

    def read(
        self, sql: str, parameters: Sequence[object] | Mapping[str, object], convert: Callable[[Row], Result]
    ) -> list[Result]:
        """Return the rows of a SELECT, each through ``convert``. Raises Unavailable.

        Where it raises, the file is built anew without the rows whose values are of the wrong type; one that it cannot
        read even then is left out.
        """
        rows = self.query(sql, parameters)
        try:
            return [convert(row) for row in rows]
        except _UNREADABLE:
            with self._lock:
                self._rebuild()
        found: list[Result] = []
        for row in self.query(sql, parameters):
            with suppress(*_UNREADABLE):
                found.append(convert(row))
        return found

    def transact(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """Return the result of ``work``; all it wrote is kept, or nothing if it raises. It may be called twice.

        No other thread or process writes meanwhile. Raises Unavailable.
        """

        def transaction(connection: sqlite3.Connection) -> Result:
            connection.execute("BEGIN IMMEDIATE")
            try:
                result = work(connection)
                for sql, parameters in self._deferred:
                    connection.execute(sql, parameters)
                connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # SQLite itself has rolled back after an I/O error
                    connection.execute("ROLLBACK")
                raise
            self._deferred.clear()
            return result

        return self._attempt(transaction)

    def defer(self, sql: str, parameters: Row) -> None:
        """Write this with the next transaction, or when the database is closed: a commit pays for one write."""
        with self._lock:
            self._deferred.append((sql, parameters))

    def close(self) -> None:
        """Write deferred rows and close the file. Rows that cannot be written are reported in `troubles`."""
        with self._lock:
            try:
                if self._deferred:
                    self.transact(lambda _: None)
            except Unavailable as error:
                self.note(error.message)
            finally:
                self._refusal = Unavailable(self.path, "the run has ended")
                self._disconnect()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _attempt(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """Run ``work`` with the connection; retry with a new file if the existing one is damaged."""
        with self._lock:
            try:
                try:
                    return work(self._open())
                except sqlite3.DatabaseError as error:
                    if not _is_damage(error):
                        raise
                    self._rebuild()
                    return work(self._open())
            except sqlite3.DatabaseError as error:
                reason = _UNAVAILABLE.get(_primary_code(error))
                if reason is None and _is_damage(error):
                    reason = "it is damaged"
                if reason is None:
                    raise  # our own mistake
                raise Unavailable(self.path, reason) from error

    def _open(self) -> sqlite3.Connection:
        if self._refusal is not None:
            raise self._refusal
        if self._connection is None:
            try:
                self._connect()
            except OSError as error:
                self._refusal = Unavailable(self.path, error.strerror or str(error))
                raise self._refusal from error
            except sqlite3.DatabaseError as error:
                reason = _UNAVAILABLE.get(_primary_code(error))
                if reason is not None:  # every thread would wait for the same refusal
                    self._refusal = Unavailable(self.path, reason)
                self._disconnect()
                raise
            except BaseException:
                self._disconnect()
                raise
        assert self._connection is not None
        return self._connection

    def _connect(self) -> None:
        prepare(self.path.parent)
        # Created here because SQLite would give it the permissions of the umask; its -wal and -shm take after it.
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        self._inode = os.fstat(descriptor).st_ino
        os.close(descriptor)
        self._connection = sqlite3.connect(self.path, timeout=_BUSY, isolation_level=None, check_same_thread=False)
        # With a write-ahead log NORMAL survives a killed process; only a power cut can take the last transactions.
        self._connection.execute("PRAGMA synchronous = NORMAL")
        _migrate(self._connection, self.path)

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _rebuild(self) -> None:
        """Begin a new file with the readable rows of the damaged one."""
        kept = self._set_aside()
        if kept is None:
            return
        saved = 0
        with suppress(sqlite3.DatabaseError):
            saved = _save(kept, self._open())
        self.note(
            f"the state in {self.path} was damaged: it is saved as {kept.name}, and its readable part "
            f"({plural(saved, 'row')}) is in a new one; lost verdicts are requested again, and lost spending "
            "no longer counts towards the budgets"
        )

    def _set_aside(self) -> Path | None:
        """Keep the damaged file under another name; None if another process has just done so."""
        self._disconnect()
        kept = f"{_FILE}.damaged-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
        try:
            with _exclusive(self.path.parent):
                if self.path.stat().st_ino != self._inode:
                    return None
                for suffix in ("-wal", "-shm", ""):  # the log first: it must never meet the new file
                    with suppress(FileNotFoundError):
                        Path(f"{self.path}{suffix}").rename(self.path.with_name(kept + suffix))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise RalphError(
                f"the state in {self.path} is damaged and cannot be moved: {error.strerror}",
                "stop other runs of ralph-hooks and move the file away",
            ) from error
        return self.path.with_name(kept)


def _save(damaged: Path, connection: sqlite3.Connection) -> int:
    """Copy each row of ``damaged`` whose values match the schema; return their number."""
    log = damaged.with_name(f"{damaged.name}-wal").exists()
    # Without a log nothing is written beside it either: it stays as it was found.
    old = sqlite3.connect(f"{damaged.as_uri()}?{'mode=ro' if log else 'immutable=1'}", uri=True)
    old.text_factory = _text
    saved = 0
    with closing(old):
        names = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
        for (table,) in connection.execute(names).fetchall():
            if table in _DERIVED:
                continue
            columns = connection.execute(f"PRAGMA table_info({table})").fetchall()
            listed = ", ".join(name for _, name, *_ in columns)
            kinds = [(_STORED_AS[kind], bool(needed)) for _, _, kind, needed, *_ in columns]
            marks = ", ".join("?" * len(columns))
            insert = f"INSERT OR IGNORE INTO {table} ({listed}) VALUES ({marks})"  # noqa: S608 - names of our own schema
            with suppress(sqlite3.DatabaseError):  # rows before the damage are read
                rows = old.execute(f"SELECT {listed} FROM {table}")  # noqa: S608 - as above
                while some := rows.fetchmany(_AT_ONCE):
                    good = [row for row in some if all(map(_is_stored_as, row, kinds))]
                    connection.executemany(insert, good)
                    saved += len(good)
    return saved


def _text(data: bytes) -> str | None:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _is_stored_as(value: object, kind: tuple[tuple[type, ...], bool]) -> bool:
    types, needed = kind
    if value is None:
        return not needed
    return isinstance(value, types) and (not isinstance(value, int) or abs(value) <= _LARGEST)


def _is_damage(error: sqlite3.Error) -> bool:
    return _primary_code(error) in _DAMAGED or _NOT_AS_MADE.search(str(error)) is not None


def _primary_code(error: sqlite3.Error) -> int:
    """Return SQLite's result code without its extension; 0 where Python itself raised the error."""
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Bring the schema up to date. Raises RalphError if a newer release made it incompatible."""
    version = _version(connection)
    if SQLITE.is_too_new(version):
        raise RalphError(
            f"the state in {path} was written by a newer ralph-hooks",
            f"upgrade ralph-hooks, or set {VARIABLE} to another folder for this version",
        )
    if version >= SQLITE.version:
        return
    if version == 0:
        _use_write_ahead_log(connection)
    connection.execute("BEGIN IMMEDIATE")
    version = _version(connection)  # another process may have been faster
    for step in SQLITE.missing(version):
        for statement in step:
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {max(version, SQLITE.version)}")
    connection.execute("COMMIT")


def _version(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Allow readers beside a writer. SQLite does not wait for locks here as it does elsewhere, so we do."""
    end = time.monotonic() + _BUSY
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if _primary_code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(_WAL_RETRY)
        else:
            return


@contextmanager
def _exclusive(folder: Path) -> Iterator[None]:
    """Admit one process at a time. Windows has no fcntl, but refuses to rename an open file, which also works."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
