"""A store that a team shares: paid for once, one budget, and nothing lost or counted twice when the server goes."""

from __future__ import annotations

import re
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from decimal import Decimal
from pathlib import Path

import pytest

from ralph_hooks.core.model_errors import BudgetReached
from ralph_hooks.core.ports.models import Booked, Reservation
from ralph_hooks.core.route import Phase
from ralph_hooks.store.ledger import UNSETTLED, Caps, Unrecorded, statement
from ralph_hooks.store.sqlite import RepositoryId
from ralph_hooks.store.state import State
from ralph_hooks.store.team import Waiting
from tests.support.patience import PATIENCE
from tests.support.postgres import PostgresServer, pooled, pooler
from tests.support.store import Clock, Processes
from tests.support.team import Machine, Open, machine

DOLLAR_A_DAY = Caps(per_day=Decimal(1), per_month=Decimal(100))
CATCH_UP = """\
import sys
from pathlib import Path
from tests.support.team import machine
with machine(Path(sys.argv[1]), sys.argv[2]) as one:
    pass
"""

SCALE = Path(__file__).parents[2] / "docs" / "scale.md"


def rows(postgres: PostgresServer, url: str) -> list[tuple[str, int]]:
    """Outcome and cost of the team's ledger."""
    return postgres.execute(url, "SELECT outcome, cost FROM calls ORDER BY uid")


def until(condition: Callable[[], bool]) -> None:
    """Wait for what another process does."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


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


def test_a_pooler_between_gives_each_transaction_another_connection_and_changes_nothing(
    postgres: PostgresServer, tmp_path: Path, url: str
) -> None:
    programs = pooler()
    if programs is None:
        pytest.skip("PgBouncer is not installed here")
    with pooled(postgres, programs, size=3) as through:

        def client(number: int) -> int:
            made = 0
            with machine(tmp_path / f"m{number}", through, caps=DOLLAR_A_DAY) as one:
                one.answers.put({f"k{number}": b"v"})
                with suppress(BudgetReached):
                    for _ in range(3):
                        one.spend("0.07")
                        made += 1
                assert one.team.notices == ()
            return made

        with ThreadPoolExecutor(10) as pool:
            assert sum(pool.map(client, range(10))) == 14
        with machine(tmp_path / "ann", through) as ann:
            assert len(ann.answers.get([f"k{number}" for number in range(10)])) == 10
    assert postgres.execute(url, "SELECT sum(cost)::bigint FROM days") == [(980_000_000_000,)]


def test_what_is_settled_for_less_makes_room_on_another_machine(open_machine: Open) -> None:
    ann, ben = (open_machine(name, caps=DOLLAR_A_DAY) for name in ("ann", "ben"))
    call = ann.reserve("0.90")
    with pytest.raises(BudgetReached, match=r"per day is \$1.00: \$0.90 are spent or reserved, and .* may cost \$0.50"):
        ben.reserve("0.50")
    ann.settle(call, "0.10")
    ben.reserve("0.50")
    with pytest.raises(BudgetReached):
        ann.reserve("0.50")
    with pytest.raises(BudgetReached, match=r"\$0.20 are kept for reviews"):
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
    team = statement(ben.state)
    assert team == statement(ann.state)
    assert team == statement(State(ann.database))
    assert (team.whole.calls, team.whole.remembered, team.whole.unknown) == (2, 3, 1)
    ben.spend("0.20")
    assert statement(ben.state).whole.cost_usd == Decimal("0.50")
    here = RepositoryId("another key", "shop")  # a clone is somewhere else on each machine
    assert statement(ben.state, repository=here).whole.cost_usd == Decimal("0.50")
    assert statement(ben.state, repository=RepositoryId("k", "other")).whole.calls == 0


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


def test_a_run_that_is_killed_while_it_catches_up_has_sent_nothing_twice(
    postgres: PostgresServer, tmp_path: Path, url: str, start: Processes
) -> None:
    with postgres.stopped(), machine(tmp_path / "ann", url) as ann:
        for _ in range(3):
            ann.spend("0.01")
        ann.answers.put({"k": b"v"})
    sent = [("ok", 10_000_000_000)] * 3
    with postgres.connected(url) as other, closing(sqlite3.connect(tmp_path / "ann" / "state.db")) as local:
        with other.transaction():
            other.execute("SELECT pg_advisory_xact_lock(1918987376, 1)")
            killed = start(CATCH_UP, tmp_path / "ann", url)
            until(lambda: postgres.execute(url, "SELECT 1 FROM pg_locks WHERE NOT granted") != [])  # it would send now
            local.execute("BEGIN IMMEDIATE")  # and cannot tick off what it will have sent
        until(lambda: rows(postgres, url) == sent)
        killed.kill()
        killed.wait()
    with machine(tmp_path / "ann", url) as ann:
        assert ann.team.waiting() == Waiting(verdicts=1, calls=3, remembered=0)
    assert rows(postgres, url) == sent
    assert postgres.execute(url, "SELECT cost::bigint FROM days") == [(30_000_000_000,)]
    with machine(tmp_path / "ann", url) as ann:
        assert not ann.team.waiting()


def test_what_another_run_settles_while_a_row_is_on_its_way_is_not_undone(
    postgres: PostgresServer, open_machine: Open, tmp_path: Path, url: str
) -> None:
    with postgres.stopped():
        slow = open_machine("ann", run="slow")
        call = slow.reserve("0.50")
    with machine(tmp_path / "ann", url, run="other") as other:
        other.team.share()  # as it stands: at its worst case
    assert rows(postgres, url) == [(UNSETTLED, 500_000_000_000)]
    slow.settle(call, "0.20")  # its own store is away for this run
    assert rows(postgres, url) == [(UNSETTLED, 500_000_000_000)]
    with machine(tmp_path / "ann", url, run="third"):
        pass
    assert rows(postgres, url) == [("ok", 200_000_000_000)]


def test_money_set_aside_for_another_machine_becomes_the_calls_it_made(
    postgres: PostgresServer, open_machine: Open, url: str
) -> None:
    ann = open_machine("ann", caps=DOLLAR_A_DAY)
    call = ann.reserve("0.90")
    made = [
        Booked(phase=Phase.ANALYZE, model="a/b", usage=None, cost_usd=Decimal(usd), outcome="ok", seconds=1.0)
        for usd in ("0.10", "0.20")
    ]
    ann.ledger.replace(call, made)
    assert sorted(rows(postgres, url)) == [("ok", 100_000_000_000), ("ok", 200_000_000_000)]
    assert statement(ann.state) == statement(open_machine("ben").state)
    open_machine("carl", caps=DOLLAR_A_DAY).reserve("0.70")


def test_a_call_that_cannot_be_recorded_here_does_not_count_for_the_team(
    postgres: PostgresServer, open_machine: Open, url: str
) -> None:
    ann = open_machine("ann")
    ann.reserve("0.10")
    ann.database.query("PRAGMA query_only = 1")
    with pytest.raises(Unrecorded):
        ann.reserve("0.20")
    assert rows(postgres, url) == [(UNSETTLED, 100_000_000_000)]


# Who comes with what


# The schema


# What docs/scale.md says can be done


def test_the_ledger_can_be_divided_by_month_and_nobody_notices(
    postgres: PostgresServer, open_machine: Open, url: str
) -> None:
    clock = Clock(1_795_000_000.0)  # 2026-11-18
    before = open_machine("ann", clock=clock)
    before.spend("0.10")
    late = before.reserve("0.50")
    (statements,) = re.findall(r"```sql\n(.*?)```", SCALE.read_text(encoding="utf-8"), re.DOTALL)
    postgres.execute(url, statements.replace("GRANT", "-- GRANT"))
    before.settle(late, "0.20")
    clock.now += 60 * 86_400
    after = open_machine("ben", clock=clock, caps=DOLLAR_A_DAY)
    after.spend("0.90")
    with pytest.raises(BudgetReached):
        after.reserve("0.20")
    assert statement(after.state).whole.cost_usd == Decimal("1.20")
    assert postgres.execute(url, "SELECT sum(cost)::bigint FROM days") == [(1_200_000_000_000,)]
    assert postgres.execute(url, "SELECT count(*) FROM calls_2027_01") == [(1,)]
    assert (before.team.notices, after.team.notices) == ((), ())


def test_a_replica_is_enough_to_read_the_ledger(open_machine: Open, url: str) -> None:
    open_machine("ann").spend("0.10")
    replica = f"{url}?options=-c%20default_transaction_read_only%3Don"
    ann = open_machine("ann", url=replica)
    assert statement(ann.state).whole.cost_usd == Decimal("0.10")
    ann.answers.put({"k": b"v"})
    (notice,) = ann.team.notices
    assert "is read-only" in notice
