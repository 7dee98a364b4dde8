"""A machine with a state of its own, and a team's database that it shares."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

from ralph_hooks.core.ports.models import Reservation
from ralph_hooks.core.route import Phase
from ralph_hooks.core.usage import Usage
from ralph_hooks.store.cache import SharedModelCache
from ralph_hooks.store.ledger import Caps, StoredLedger
from ralph_hooks.store.sqlite import Database, RepositoryId
from ralph_hooks.store.state import State
from ralph_hooks.store.team import TeamStore

MODEL = "openrouter/deepseek/deepseek-v4-flash"


class Machine:
    """One run of one command on one machine."""

    def __init__(self, database: Database, team: TeamStore, run: str, caps: Caps, clock: Callable[[], float]) -> None:
        self.database = database
        self.team = team
        self.state = State(database, team)
        self.run = run
        self.answers = SharedModelCache(self.state, clock=clock)
        repository = RepositoryId(f"key on {run}", "shop")
        self.ledger = StoredLedger(self.state, run=run, repository=repository, command="gate", caps=caps, clock=clock)

    def reserve(self, usd: str, *, phase: Phase = Phase.ANALYZE) -> int:
        return self.ledger.reserve(Reservation(run=self.run, phase=phase, model=MODEL, worst_usd=Decimal(usd)))

    def settle(self, call: int, usd: str) -> None:
        self.ledger.settle(call, Usage(input_tokens=100, output_tokens=10), Decimal(usd), "ok", 0.5)

    def spend(self, usd: str) -> None:
        self.settle(self.reserve(usd), usd)


@contextmanager
def machine(
    state: Path,
    url: str,
    *,
    run: str = "",
    caps: Caps = Caps(),  # noqa: B008 - frozen
    clock: Callable[[], float] = time.time,
) -> Iterator[Machine]:
    """The machine whose state is in ``state``, until its run ends."""
    with Database(state) as database:
        team = TeamStore(database, url, clock)
        try:
            yield Machine(database, team, run or state.name, caps, clock)
        finally:
            team.close()


Open = Callable[..., Machine]
