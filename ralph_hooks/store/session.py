"""The database session that SQLite and PostgreSQL both offer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    pass


Row = tuple[Any, ...]


class TeamStoreUnavailable(Exception):
    """The team's store cannot be used now, and what this machine holds has to do. ``str()`` says why, for people."""

    def __init__(self, reason: str, *, silent: bool = False) -> None:
        super().__init__(reason)
        self.silent = silent
        """True if it answered nothing at all: each further try would cost as much time."""


class Rows(Protocol):
    """What a statement has found."""

    def fetchall(self) -> list[Any]:
        """All of it."""
        ...


class DatabaseSession(Protocol):
    """A transaction in either kind of store. Statements write their parameters ``?``, and speak what both know."""

    def execute(self, sql: str, parameters: Sequence[Any] = ..., /) -> Rows:
        """Run one statement."""
        ...
