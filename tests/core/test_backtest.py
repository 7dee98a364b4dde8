"""Rates, intervals and thresholds, against figures worked out by hand."""

from __future__ import annotations

from decimal import Decimal

import pytest

from ralph_hooks.core.backtest import (
    Bar,
    ChangeLabel,
    Example,
    Lines,
    Score,
    Trial,
    Weighed,
    break_even,
    interval,
    moved,
    score,
    tune,
)
from ralph_hooks.core.finding import Finding, Severity


def trial(name: str, label: ChangeLabel, *, blocked: bool = False, hit: bool = False, **changes: object) -> Trial:
    fields: dict[str, object] = {"unjudged": False, "cost_usd": Decimal("0.01"), "seconds": 1.0}
    return Trial(id=name, label=label, blocked=blocked, hit=hit, **(fields | changes))  # type: ignore[arg-type] # a mix


def weighed(
    severity: str, confidence: float, *, confirmed: bool | None = True, hit: bool = True, certain: bool = False
) -> Weighed:
    return Weighed(severity, confidence, confirmed, hit, certain)


def finding(line: int, end: int, *, removed: bool = False) -> Finding:
    return Finding(
        path="a.py",
        line=line,
        end_line=end,
        category="bug",
        severity=Severity.ERROR,
        confidence=0.9,
        message="",
        quote="",
        source="x/y",
        removed=removed,
    )


def test_the_interval_is_wilsons() -> None:
    """15 of 50: 0.191 to 0.438, as in Newcombe, Statistics in Medicine 17 (1998)."""
    share, low, high = interval(15, 50)
    assert share == 0.3
    assert low == pytest.approx(0.1910, abs=0.0001)
    assert high == pytest.approx(0.4375, abs=0.0001)
    assert interval(0, 0) == (0.0, 0.0, 1.0)
    assert interval(0, 100)[2] == pytest.approx(0.037, abs=0.001)


def test_a_hit_is_on_a_line_that_is_known_to_be_wrong() -> None:
    example = Example(
        id="1",
        label=ChangeLabel.BUGGY,
        tree="t",
        base="b",
        entries=(),
        wrong={"a.py": Lines(after=frozenset({7}), removed=frozenset({3}))},
    )
    assert example.hit_by(finding(7, 7))
    assert example.hit_by(finding(5, 9))
    assert not example.hit_by(finding(8, 9))
    assert example.hit_by(finding(3, 3, removed=True))
    assert not example.hit_by(finding(3, 3))


def test_what_was_not_judged_counts_in_no_rate_but_is_counted() -> None:
    scored = score(
        "r",
        [
            [
                trial("a", ChangeLabel.BUGGY, blocked=True, hit=True),
                trial("b", ChangeLabel.BUGGY, blocked=True),
                trial("c", ChangeLabel.CLEAN, blocked=True),
                trial("d", ChangeLabel.CLEAN),
                trial("e", ChangeLabel.CLEAN, unjudged=True),
            ]
        ],
    )
    assert (scored.bugs, scored.caught, scored.clean, scored.false_blocks, scored.unjudged) == (2, 1, 2, 1, 1)
    assert scored.cost_usd == Decimal("0.05")
    assert scored.cost_per_change_usd == Decimal("0.01")
    assert scored.flips is None


def test_a_cost_that_is_not_known_makes_no_sum() -> None:
    scored = score("r", [[trial("a", ChangeLabel.CLEAN), trial("b", ChangeLabel.CLEAN, cost_usd=None)]])
    assert scored.cost_usd is None
    assert scored.cost_per_change_usd is None


def test_flips_are_examples_with_two_verdicts() -> None:
    first = [trial("a", ChangeLabel.CLEAN), trial("b", ChangeLabel.CLEAN, blocked=True)]
    second = [trial("a", ChangeLabel.CLEAN, blocked=True), trial("b", ChangeLabel.CLEAN, blocked=True)]
    assert score("r", [first, second]).flips == 0.5


def scored(caught: int, bugs: int) -> Score:
    return score("gate", [[trial(str(n), ChangeLabel.BUGGY, blocked=n < caught, hit=n < caught) for n in range(bugs)]])


def test_the_sentence_decides_only_what_the_figures_decide() -> None:
    assert break_even(scored(990, 1000)).endswith("good enough.")
    assert "not good enough" in break_even(scored(1, 100))
    assert "undecided" in break_even(scored(8, 10))
    assert "is unknown" in break_even(score("gate", [[trial("a", ChangeLabel.CLEAN)]]))


def test_a_bar_moves_models_findings_and_no_check() -> None:
    bar = Bar("error", 0.8, confirm=True)
    assert bar.blocks(weighed("error", 0.9))
    assert not bar.blocks(weighed("error", 0.7))
    assert not bar.blocks(weighed("warning", 0.9))
    assert not bar.blocks(weighed("error", 0.9, confirmed=None))
    assert bar.blocks(weighed("error", 0.1, confirmed=None, certain=True))


def test_tuning_finds_the_bar_that_parts_the_sure_from_the_unsure() -> None:
    """Bugs are found with 0.9, false alarms raised with 0.6, neither confirmed wrongly: the bar goes between them."""
    bugs = [trial(f"b{n}", ChangeLabel.BUGGY, weighty=(weighed("error", 0.9),)) for n in range(20)]
    clean = [trial(f"c{n}", ChangeLabel.CLEAN, weighty=(weighed("error", 0.6, hit=False),)) for n in range(20)]
    best = tune({"model": [*bugs, *clean]}, target=0.02)
    assert best is not None
    assert 0.6 < best.bar.min_confidence <= 0.9
    assert best.caught[0] == 1.0
    assert best.false_blocks[0] == 0.0
    assert moved(clean[0], best.bar).blocked is False
    assert moved(bugs[0], best.bar).hit is True


def test_where_nothing_keeps_the_target_nothing_is_recommended() -> None:
    certain = [
        trial(f"c{n}", ChangeLabel.CLEAN, weighty=(weighed("error", 1, confirmed=None, hit=False, certain=True),))
        for n in "123"
    ]
    assert tune({"checks": certain}, target=0.02) is None


def test_of_routings_that_catch_the_same_the_cheaper_one_wins() -> None:
    found = (weighed("error", 0.9),)

    def runs(cost: str) -> list[Trial]:
        bugs = [trial(f"b{n}", ChangeLabel.BUGGY, weighty=found, cost_usd=Decimal(cost)) for n in range(10)]
        return [*bugs, *(trial(f"c{n}", ChangeLabel.CLEAN, cost_usd=Decimal(cost)) for n in range(10))]

    best = tune({"dear": runs("0.10"), "cheap": runs("0.01")}, target=0.02)
    assert best is not None
    assert best.routing == "cheap"
