"""An errand spends what it was given, and says what it would have needed."""

from __future__ import annotations

from decimal import Decimal

import pytest

from ralph_hooks.core.model_errors import BudgetReached
from ralph_hooks.core.ports.models import Reservation
from ralph_hooks.core.route import Phase
from ralph_hooks.core.usage import Usage
from ralph_hooks.engine.backtest.task import TaskCache, TaskLedger, WorkerOutages

SOME = Usage(input_tokens=1, output_tokens=1)


def call(usd: str | None) -> Reservation:
    worst = None if usd is None else Decimal(usd)
    return Reservation(run="r", phase=Phase.ANALYZE, model="a/b", worst_usd=worst)


def test_what_is_under_way_counts_at_its_worst_and_what_is_over_at_what_it_was() -> None:
    purse = TaskLedger(Decimal("0.10"), price_needed=False)
    first = purse.reserve(call("0.08"))
    with pytest.raises(BudgetReached) as told:
        purse.reserve(call("0.05"))
    assert told.value.may_fit_later
    assert purse.short is None
    purse.settle(first, SOME, Decimal("0.01"), "ok", 1.0)
    second = purse.reserve(call("0.09"))
    purse.settle(second, None, None, "timeout", 1.0)
    assert [booked.cost_usd for booked in purse.calls] == [Decimal("0.01"), Decimal("0.09")]
    with pytest.raises(BudgetReached) as told:
        purse.reserve(call("0.02"))
    assert not told.value.may_fit_later
    assert purse.short == Decimal("0.02")
    purse.reserve(call("0"))


def test_a_call_without_a_price_is_made_unless_prices_are_needed() -> None:
    assert TaskLedger(Decimal(0), price_needed=False).reserve(call(None))
    with pytest.raises(BudgetReached, match="a/b has no known price"):
        TaskLedger(Decimal(0), price_needed=True).reserve(call(None))


def test_what_holds_for_a_while_stays_with_the_worker() -> None:
    now = [0.0]
    marks = WorkerOutages(lambda: now[0])
    memory = TaskCache({"known": b"1"}, marks)
    memory.put({"fresh": b"2"})
    memory.put({"outage": b"3"}, ttl=60)
    assert memory.get(["known", "fresh", "outage"]) == {"known": b"1", "fresh": b"2", "outage": b"3"}
    assert memory.fresh == {"fresh": b"2"}
    assert TaskCache({}, marks).get(["fresh", "outage"]) == {"outage": b"3"}
    now[0] = 60.0
    assert TaskCache({}, marks).get(["outage"]) == {}
