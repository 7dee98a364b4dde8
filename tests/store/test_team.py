"""A store that a team shares: paid for once, one budget, and nothing lost or counted twice when the server goes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path

import pytest

from ralph_hooks.core.faults import BudgetReached
from ralph_hooks.core.ports import Reservation
from ralph_hooks.core.route import Phase
from ralph_hooks.store.db import Repository
from ralph_hooks.store.ledger import UNSETTLED, Caps, statement
from tests.support.postgres import PostgresServer
from tests.support.store import Clock
from tests.support.team import Machine, machine

DOLLAR_A_DAY = Caps(per_day=Decimal(1), per_month=Decimal(100))
HANDS_UP = """\
import sys
from pathlib import Path
from tests.support.team import machine
with machine(Path(sys.argv[1]), sys.argv[2]) as one:
    pass
"""

Open = Callable[..., Machine]


@pytest.fixture
def url(postgres: PostgresServer) -> str:
    return postgres.database()


@pytest.fixture
def open_machine(tmp_path: Path, url: str) -> Iterator[Open]:
    """Machines by name; a machine that is opened again has kept its state."""
    with ExitStack() as stack:

        def opened(name: str, *, url: str = url, **options: object) -> Machine:
            return stack.enter_context(machine(tmp_path / name, url, **options))  # type: ignore[arg-type]

        yield opened


def rows(postgres: PostgresServer, url: str) -> list[tuple[str, int]]:
    """Outcome and cost of the team's ledger."""
    return postgres.execute(url, "SELECT outcome, cost FROM calls ORDER BY uid")


# Verdicts


def test_what_one_has_paid_for_is_free_for_the_others_and_stays_with_them(
    postgres: PostgresServer, open_machine: Open, tmp_path: Path, url: str
) -> None:
    open_machine("ann").answers.put({"k1": b"\x00\xff", "k2": b"two"})
    with machine(tmp_path / "ben", url) as ben:
        assert ben.answers.get(["k1", "k2", "k3"]) == {"k1": b"\x00\xff", "k2": b"two"}
    with postgres.stopped(), machine(tmp_path / "ben", url) as ben:
        assert ben.answers.get(["k1", "k2"]) == {"k1": b"\x00\xff", "k2": b"two"}
        assert ben.team.notices == ()  # what is known here is not asked for there


def test_a_verdict_that_is_paid_for_again_replaces_the_one_that_could_not_be_read(open_machine: Open) -> None:
    open_machine("ann").answers.put({"k": b"of another release"})
    ben = open_machine("ben")
    assert ben.answers.get(["k"]) == {"k": b"of another release"}
    ben.answers.put({"k": b"new"})
    assert open_machine("carl").answers.get(["k"]) == {"k": b"new"}


# Budgets


def test_fifty_clients_at_once_never_overshoot(postgres: PostgresServer, tmp_path: Path, url: str) -> None:
    together = threading.Barrier(50)

    def client(number: int) -> int:
        made = 0
        with machine(tmp_path / f"m{number}", url, caps=DOLLAR_A_DAY) as one:
            together.wait()
            for _ in range(2):
                try:
                    one.reserve("0.07")
                except BudgetReached:
                    continue
                made += 1
            assert one.team.notices == ()  # nobody was sent away: it was the one budget that said no
        return made

    with ThreadPoolExecutor(50) as pool:
        made = sum(pool.map(client, range(50)))
    assert made == 14
    assert rows(postgres, url) == [(UNSETTLED, 70_000_000_000)] * 14


def test_what_is_settled_for_less_makes_room_on_another_machine(open_machine: Open) -> None:
    ann, ben = (open_machine(name, caps=DOLLAR_A_DAY) for name in ("ann", "ben"))
    call = ann.reserve("0.90")
    with pytest.raises(BudgetReached, match=r"per day is \$1.00: \$0.90 are spent or reserved, and .* may cost \$0.50"):
        ben.reserve("0.50")
    ann.settle(call, "0.10")
    ben.reserve("0.50")
    with pytest.raises(BudgetReached):
        ann.reserve("0.50")
    with pytest.raises(BudgetReached, match=r"\$0.20 are kept for judging"):
        ann.reserve("0.25", phase=Phase.IMPLEMENT)


def test_the_month_is_the_sum_of_its_days(open_machine: Open) -> None:
    clock = Clock(1_790_000_000.0)
    caps = Caps(per_day=Decimal(1), per_month=Decimal("1.50"))
    ann, ben = (open_machine(name, caps=caps, clock=clock) for name in ("ann", "ben"))
    ann.spend("0.80")
    clock.now += 86_400
    ben.spend("0.60")
    with pytest.raises(BudgetReached, match="per month"):
        ann.reserve("0.20")
    clock.now += 20 * 86_400
    ann.reserve("0.20")


def test_a_refused_reservation_leaves_nothing_anywhere(postgres: PostgresServer, open_machine: Open, url: str) -> None:
    ann = open_machine("ann", caps=DOLLAR_A_DAY)
    with pytest.raises(BudgetReached):
        ann.reserve("1.01")
    assert rows(postgres, url) == []
    assert ann.database.query("SELECT * FROM calls") == []


# The ledger


def test_the_ledger_is_the_teams_and_the_same_by_either_store(open_machine: Open) -> None:
    ann, ben = open_machine("ann"), open_machine("ben")
    ann.spend("0.30")
    unknown = ann.ledger.reserve(_unpriced(ann))
    ann.ledger.settle(unknown, None, None, "timeout", 2.0)
    ann.ledger.remembered(Phase.ANALYZE, "a/b", 3)
    ann.database.transact(lambda _: None)
    ann.team.share()
    team = statement(ben.database)
    assert team == statement(ann.database)
    ann.database.team = None
    assert team == statement(ann.database)
    assert (team.whole.calls, team.whole.remembered, team.whole.unknown) == (2, 3, 1)
    ben.spend("0.20")
    assert statement(ben.database).whole.cost_usd == Decimal("0.50")
    here = Repository("another key", "shop")  # a clone is somewhere else on each machine
    assert statement(ben.database, repository=here).whole.cost_usd == Decimal("0.50")
    assert statement(ben.database, repository=Repository("k", "other")).whole.calls == 0


def _unpriced(one: Machine) -> Reservation:
    return Reservation(run=one.run, phase=Phase.VERIFY, model="a/b", worst_usd=None)


# The server goes away


def test_a_run_goes_on_by_itself_when_the_server_goes_and_the_next_one_catches_up(
    postgres: PostgresServer, open_machine: Open, tmp_path: Path, url: str
) -> None:
    with machine(tmp_path / "ann", url, caps=DOLLAR_A_DAY) as ann:
        ann.answers.put({"before": b"1"})
        first = ann.reserve("0.40")
        with postgres.stopped():
            ann.settle(first, "0.30")
            ann.spend("0.20")
            ann.answers.put({"after": b"2"})
            assert ann.answers.get(["after", "unknown"]) == {"after": b"2"}
            with pytest.raises(BudgetReached, match=r"\$0.50 are spent"):
                ann.reserve("0.60")  # counted here
            (notice,) = ann.team.notices
        assert rows(postgres, url) == [(UNSETTLED, 400_000_000_000)]
    assert ann.database.troubles == ()  # the report has told it
    assert "refuses connections" in notice or "hung up" in notice
    with machine(tmp_path / "ann", url) as ann:
        ann.answers.put({"later": b"3"})
    expected = [("ok", 300_000_000_000), ("ok", 200_000_000_000)]
    assert rows(postgres, url) == expected
    assert postgres.execute(url, "SELECT sum(cost)::bigint FROM days") == [(500_000_000_000,)]
    assert open_machine("ben").answers.get(["before", "after", "later"]) == {
        "before": b"1",
        "after": b"2",
        "later": b"3",
    }
