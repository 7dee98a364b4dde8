"""The state of one user: the local database and, if configured, the database shared with a team."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from ralph_hooks.store.sqlite import Database

if TYPE_CHECKING:
    from ralph_hooks.store.team import TeamStore  # loads the PostgreSQL adapter, which most users do without


class State(Struct, frozen=True):
    """Everything that lasts from one run to the next."""

    database: Database
    team: TeamStore | None = None
    """The team's database that parts of ``database`` are shared with."""
