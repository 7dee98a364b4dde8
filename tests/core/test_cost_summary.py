"""What the ledger comes to, checked against sums done by hand."""

from __future__ import annotations

from decimal import Decimal

import pytest

from ralph_hooks.core.cost_summary import Statement, Total, forecast, pays
from ralph_hooks.core.usage import Usage


def total(name: str, usd: str, calls: int = 1) -> Total:
    return Total(
        name=name,
        calls=calls,
        remembered=0,
        usage=Usage(input_tokens=1000, output_tokens=100),
        cost_usd=Decimal(usd),
        unknown=0,
        estimated=0,
        seconds=1.0,
    )


def statement(*, gate: str, implement: str, decided: int, escalated: int) -> Statement:
    phases = (total("analyze", gate), total("implement", implement))
    whole = total("", str(Decimal(gate) + Decimal(implement)))
    return Statement(
        whole=whole,
        by_phase=phases,
        by_model=(total("corp/dear", gate),),
        by_day=(),
        by_repository=(),
        by_command=(),
        decided=decided,
        escalated=escalated,
    )


def test_a_month_goes_on_as_the_days_before_it() -> None:
    coming = forecast([Decimal(1)] * 10, Decimal(5), days_left=7)
    assert coming is not None
    assert [coming.low, coming.expected, coming.high] == [Decimal(12)] * 3
    assert coming.days == 10


def test_uneven_days_widen_the_range_and_what_is_spent_stays_spent() -> None:
    """Mean 1, variance 4/3 over four days, nine to come: 1.2816 * sqrt(4/3 * (9 + 81/4)) = 8.003."""
    coming = forecast([Decimal(0), Decimal(2), Decimal(0), Decimal(2)], Decimal(3), days_left=9)
    assert coming is not None
    assert coming.expected == 12
    assert float(coming.high - coming.expected) == pytest.approx(8.003, abs=0.001)
    assert float(coming.expected - coming.low) == pytest.approx(8.003, abs=0.001)
    steep = forecast([Decimal(0), Decimal(0), Decimal(9)], Decimal(50), days_left=2)
    assert steep is not None
    assert steep.low == 50


def test_two_days_say_nothing_of_a_month() -> None:
    assert forecast([Decimal(1), Decimal(1)], Decimal(2), days_left=20) is None


def test_a_routing_pays_while_gate_and_escalations_cost_less_than_a_repair_each_time() -> None:
    sentence = pays(statement(gate="1", implement="5", decided=100, escalated=10))
    assert sentence == (
        "The routing pays: $0.0600 a change (gate $0.0100, 10 % escalated at $0.5000) "
        "against $0.5000 on the expensive model every time."
    )


def test_a_gate_that_escalates_too_often_does_not_pay_and_hears_from_which_share_on_it_would() -> None:
    sentence = pays(statement(gate="10", implement="19", decided=100, escalated=95))
    assert sentence.startswith("The routing does not pay: $0.2900 a change")
    assert sentence.endswith("It would pay if fewer than 50 % of changes needed a repair.")


def test_a_gate_that_costs_more_than_a_repair_names_its_dearest_model() -> None:
    sentence = pays(statement(gate="30", implement="2", decided=100, escalated=10))
    assert sentence.endswith("The gate alone costs more than a repair: replace corp/dear.")


def test_without_a_repair_there_is_nothing_to_compare_with() -> None:
    assert pays(statement(gate="1", implement="0", decided=10, escalated=0)) == ""
    assert pays(statement(gate="1", implement="0", decided=10, escalated=3)) == ""  # answers, but nothing was paid
