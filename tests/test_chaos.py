"""A short part of `make chaos`, with a seed of its own."""

from __future__ import annotations

from decimal import Decimal

from bench import chaos


def test_no_mix_of_faults_makes_a_pass_of_a_bug() -> None:
    outcomes = chaos.measure(runs=16, seed=7)
    assert chaos.broken(outcomes) == []
    assert {outcome.exit_code for outcome in outcomes} == {1, 3}
    assert sum(outcome.requests for outcome in outcomes) > len(outcomes)


def test_a_pass_would_be_told() -> None:
    """The tool itself: what it must not overlook."""
    wrong = chaos.Outcome(exit_code=0, said="pass", traceback=True, seconds=99.0, requests=1, cost_usd=Decimal(0))
    assert len(chaos.broken([wrong])) == 3
