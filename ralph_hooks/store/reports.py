"""Reports of past runs, for `ralph-hooks show`."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence

import msgspec
from msgspec import Struct

from ralph_hooks.core.codec import from_json
from ralph_hooks.core.report import Report
from ralph_hooks.errors import RalphError
from ralph_hooks.store.session import Row
from ralph_hooks.store.sqlite import Database, RepositoryId, Unavailable

_KEEP = 200  # reports a repository
_YEAR = 366 * 86_400  # seconds
_EPOCH = 1_735_689_600  # 2025-01-01 UTC, in seconds since 1970: six characters last until 2059
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # https://www.crockford.com/base32.html: no i, l, o, u to misread
_ID_LENGTH = 6
_LISTED = 5
_COLUMNS = "number, at, repository, repository_name, body"


class StoredReport(Struct, frozen=True, kw_only=True):
    """A report of a past run."""

    id: str
    """Six characters; later reports sort after earlier ones."""
    time: float
    """The end of the run, in seconds since 1970."""
    repository: RepositoryId
    report: Report


class Reports:
    """Implements `core.ports.store.History`.

    The newest ``keep`` of each repository stay, none for longer than a year.
    """

    def __init__(
        self,
        database: Database,
        repository: RepositoryId,
        *,
        clock: Callable[[], float] = time.time,
        keep: int = _KEEP,
    ) -> None:
        self._database = database
        self._repository = repository
        self._clock = clock
        self._keep = keep

    def add(self, report: Report) -> None:
        """Keep ``report``. One that cannot be written is among the database's troubles: the verdict stands."""
        body = _encode(report)
        try:
            self._database.transact(lambda connection: self._write(connection, body))
        except Unavailable as error:
            self._database.note(f"{error.message}; this run's report is not saved")

    def last(self) -> StoredReport | None:
        """Return the latest report of this repository."""
        return next(iter(self.recent(_LISTED)), None)

    def recent(self, limit: int) -> tuple[StoredReport, ...]:
        """Return the readable reports of this repository, newest first. Raises RalphError if none can be read."""
        rows = self._database.read(
            f"SELECT {_COLUMNS} FROM reports WHERE repository = ? ORDER BY number DESC LIMIT ?",  # noqa: S608 - constants
            (self._repository.key, limit),
            _checked,
        )
        found: list[StoredReport] = []
        for row in rows:
            try:
                found.append(_kept(row))
            except RalphError:
                if row is rows[-1] and not found:
                    raise
        return tuple(found)

    def get(self, prefix: str) -> StoredReport:
        """Return the report of any repository whose id starts with ``prefix``. Raises RalphError for none, several."""
        name = prefix.strip().lower()
        rows: list[_Row] = []
        if name and len(name) <= _ID_LENGTH and set(name) <= set(_ALPHABET):
            first = _number(name.ljust(_ID_LENGTH, _ALPHABET[0]))
            end = _number(name.ljust(_ID_LENGTH, _ALPHABET[-1]))
            rows = self._database.read(
                f"SELECT {_COLUMNS} FROM reports WHERE number BETWEEN ? AND ? ORDER BY number DESC LIMIT ?",  # noqa: S608 - constants
                (first, end, _LISTED),
                _checked,
            )
        if not rows:
            raise RalphError(f"no report has the id '{prefix}'", "omit the id to show this repository's last report")
        if len(rows) > 1:
            ids = ", ".join(_id(row[0]) for row in rows)
            raise RalphError(f"more than one report has an id that begins with '{prefix}'", f"choose one: {ids}")
        return _kept(rows[0])

    def _write(self, connection: sqlite3.Connection, body: bytes) -> None:
        now = self._clock()
        last: int | None = connection.execute("SELECT max(number) FROM reports").fetchone()[0]
        number = max(int(now) - _EPOCH, (last or 0) + 1)  # one more than the last, where the clock stands or goes back
        where = self._repository
        connection.execute(
            f"INSERT INTO reports ({_COLUMNS}) VALUES (?, ?, ?, ?, ?)",  # noqa: S608 - constants
            (number, now, where.key, where.name, body),
        )
        connection.execute(
            "DELETE FROM reports WHERE repository = ? AND number <="
            " (SELECT number FROM reports WHERE repository = ? ORDER BY number DESC LIMIT 1 OFFSET ?)",
            (where.key, where.key, self._keep),
        )
        connection.execute("DELETE FROM reports WHERE number < ?", (int(now) - _EPOCH - _YEAR,))


def _encode(report: Report) -> bytes:
    try:
        return msgspec.json.encode(report)
    except UnicodeEncodeError:
        # A path whose bytes are not UTF-8. msgspec cannot encode it; Python's own JSON escapes it, and is slower.
        import json

        return json.dumps(msgspec.to_builtins(report)).encode()


def _decode(body: bytes) -> Report:
    try:
        return from_json(body, Report)
    except msgspec.DecodeError:
        import json

        return msgspec.convert(json.loads(body), Report)


_Row = tuple[int, float, str, str, bytes]


def _checked(row: Row) -> _Row:
    """Return the columns as they were written. Raises ValueError."""
    checked: _Row = msgspec.convert(row, _Row, builtin_types=(bytes,))  # else text would be read as base64
    return checked


def _kept(row: _Row) -> StoredReport:
    number, at, repository, name, body = row
    try:
        report = _decode(body)
    except ValueError as error:  # msgspec's errors are ValueErrors too
        raise RalphError(
            f"report {_id(number)} was written by another release of ralph-hooks and cannot be read",
            "show a later report",
        ) from error
    return StoredReport(id=_id(number), time=at, repository=RepositoryId(repository, name), report=report)


def _id(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits.rjust(_ID_LENGTH, _ALPHABET[0])


def _number(digits: Sequence[str]) -> int:
    number = 0
    for digit in digits:
        number = number * len(_ALPHABET) + _ALPHABET.index(digit)
    return number
