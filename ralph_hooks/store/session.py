"""The database session that SQLite and PostgreSQL both offer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    pass


Row = tuple[Any, ...]


class TeamStoreUnavailable(Exception):
    """The team's database is unavailable, so the local one is used alone. ``str()`` gives the reason, for people."""

    def __init__(self, reason: str, *, silent: bool = False) -> None:
        super().__init__(reason)
        self.silent = silent
        """True if it answered nothing at all: each further try would cost as much time."""


class Rows(Protocol):
    """The rows that a statement returned."""

    def fetchall(self) -> list[Any]:
        """Return all rows."""
        ...


class DatabaseSession(Protocol):
    """A transaction in either kind of database. Parameters are ``?``; statements use only SQL that both support."""

    def execute(self, sql: str, parameters: Sequence[Any] = ..., /) -> Rows:
        """Run one statement."""
        ...
