"""Outcomes of findings, counted."""

from __future__ import annotations

from decimal import Decimal

from ralph_hooks.core.backtest import interval
from ralph_hooks.core.stats import FindingLabel, FindingOutcome, Judgement, statistics


def label(change: str, outcome: FindingOutcome, source: str = "a/b") -> FindingLabel:
    return FindingLabel(
        at=0.0, change=change, source=source, category="bug", evidence="agreed", blocking=True, outcome=outcome
    )


def test_precision_counts_decided_findings_alone() -> None:
    labels = [
        label("1", FindingOutcome.FIXED),
        label("2", FindingOutcome.ACCEPTED, "ruff"),
        label("3", FindingOutcome.DISMISSED),
        label("4", FindingOutcome.OPEN),
        label("5", FindingOutcome.BYPASSED),
    ]
    runs = [
        Judgement(at=0.0, change=change, held_back=held, cost_usd=cost)
        for change, held, cost in (
            ("1", True, Decimal("0.5")),
            ("1", False, Decimal("0.5")),
            ("3", True, None),
            ("6", False, Decimal(0)),
        )
    ]
    counted = statistics(labels, runs, month=lambda _: "2026-11", scope="here")
    assert (counted.changes, counted.held_back, counted.clean, counted.false_blocks) == (3, 2, 2, 1)
    assert (counted.whole.shown, counted.whole.true) == (5, 2)
    assert counted.whole.precision == interval(2, 3)
    assert counted.false_block_rate == interval(1, 2)
    assert (counted.cost_per_true_usd, counted.unknown) == (Decimal("0.5"), 1)
    assert [(group.name, group.shown) for group in counted.by_source] == [("a/b", 4), ("ruff", 1)]
