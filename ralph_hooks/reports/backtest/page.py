"""The chart of cost and quality: one point per routing, error bars, and the frontier, on one self-contained page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from ralph_hooks.core.backtest import Score
from ralph_hooks.core.text import money
from ralph_hooks.reports.backtest.table import dollars, rate, sentences
from ralph_hooks.reports.html import figure, page, table, text

_WIDTH, _HEIGHT, _LEFT, _FOOT, _HEAD = 680, 360, 84, 28, 60  # units of the chart's own coordinates
_CHANGES = 1000
"""The number of changes per unit of the cost axis: one change costs too small a fraction of a dollar."""
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#e69f00", "#56b4e9", "#cc79a7")
_STYLE = "svg .frontier { fill: none; stroke: var(--faint); stroke-dasharray: 5 4 }"


def render(scores: Sequence[Score], about: str) -> str:
    """Return the whole page; ``about`` describes the replayed changes."""
    words = (f"<p>{text(line)}</p>" for line in sentences(scores))
    figures = (
        figure("Quality and cost", _chart(scores)),
        *words,
        figure("The figures", _table(scores)),
        figure("What each block-on would have blocked", _block_on(scores)),
        figure("Findings by evidence", _evidence(scores)),
    )
    return page(f"How good the gate is: {about}", figures, _STYLE)


def _chart(scores: Sequence[Score]) -> str:
    most = max((float(score.cost_per_change_usd or 0) for score in scores), default=0.0) or 1 / _CHANGES
    marks = [*_axes(most), _frontier(scores, most)]
    for index, score in enumerate(scores):
        marks += _point(score, most, _COLOURS[index % len(_COLOURS)], index)
    told = (f"{score.name} {rate(score.catch_rate)} for {dollars(score.cost_per_change_usd)}" for score in scores)
    label = text(f"Share of the bugs caught against US dollars a change: {', '.join(told)}")
    inside = "".join(marks)
    axes = f"Across: US dollars for {_CHANGES:,} changes. Up: share of the bugs caught."
    box = f"0 {-_HEAD} {_WIDTH} {_HEIGHT + _HEAD}"
    return f'<svg viewBox="{box}" role="img" aria-label="{label}">{inside}</svg><p class="faint">{axes}</p>'


def _x(cost: float, most: float) -> float:
    return _LEFT + cost / most * (_WIDTH - _LEFT - 40)


def _y(share: float) -> float:
    return (1 - share) * (_HEIGHT - _FOOT)


def _axes(most: float) -> Iterator[str]:
    for percent in (0, 25, 50, 75, 100):
        y = _y(percent / 100)
        yield f'<line x1="{_LEFT}" x2="{_WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text class="faint" x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{percent} %</text>'
    for share in (0.0, 0.5, 1.0):
        x = _x(share * most, most)
        cost = money(Decimal(share * most * _CHANGES))
        anchor = "start" if not share else "middle" if share < 1 else "end"
        yield f'<text class="faint" x="{x:.1f}" y="{_HEIGHT - 4}" text-anchor="{anchor}">{cost}</text>'


def _point(score: Score, most: float, colour: str, index: int) -> Iterator[str]:
    share, low, high = score.catch_rate
    x = _x(float(score.cost_per_change_usd or 0), most)
    title = f"{score.name}: {rate(score.catch_rate)} caught, {dollars(score.cost_per_change_usd)} a change"
    ends = f'x1="{x:.1f}" x2="{x:.1f}" y1="{_y(low):.1f}" y2="{_y(high):.1f}"'
    yield f'<line {ends} style="stroke: {colour}; stroke-width: 2"/>'
    yield f'<circle cx="{x:.1f}" cy="{_y(share):.1f}" r="6" fill="{colour}"><title>{text(title)}</title></circle>'
    aside, anchor = (10, "start") if x < _WIDTH / 2 else (-10, "end")  # so that a long name stays on the page
    place = f'x="{x + aside:.1f}" y="{_y(share) - 8 - 26 * (index % 2):.1f}" text-anchor="{anchor}"'
    yield f"<text {place}>{text(score.name)}</text>"


def _frontier(scores: Sequence[Score], most: float) -> str:
    """Return the line through the routings that no other one beats in both cost and catch rate."""
    best: list[Score] = []
    for score in sorted(scores, key=lambda each: (each.cost_per_change_usd or 0, -each.catch_rate[0])):
        if not best or score.catch_rate[0] > best[-1].catch_rate[0]:
            best.append(score)
    points = " ".join(f"{_x(float(s.cost_per_change_usd or 0), most):.1f},{_y(s.catch_rate[0]):.1f}" for s in best)
    return f'<polyline class="frontier" points="{points}"/>'


def _table(scores: Sequence[Score]) -> str:
    head = ("routing", "caught", "false blocks", "$ a change", "$ a caught bug", "p50", "p95", "not judged")
    rows = (
        (
            score.name,
            f"{score.caught}/{score.bugs}, {rate(score.catch_rate)}",
            f"{score.false_blocks}/{score.clean}, {rate(score.false_block_rate)}",
            dollars(score.cost_per_change_usd),
            dollars(score.cost_per_caught_usd) if score.caught else "-",
            f"{score.seconds_p50:.2f} s",
            f"{score.seconds_p95:.2f} s",
            f"{score.unjudged:,}",
        )
        for score in scores
    )
    return table("Every routing with its figures", head, rows)


def _block_on(scores: Sequence[Score]) -> str:
    rows = (
        (
            score.name,
            each.block_on,
            f"{each.caught}, {rate(each.catch_rate)}",
            f"{each.false_blocks}, {rate(each.false_block_rate)}",
        )
        for score in scores
        for each in score.by_block_on
    )
    return table(
        "What each value of gate.block-on would have blocked", ("routing", "block-on", "caught", "false blocks"), rows
    )


def _evidence(scores: Sequence[Score]) -> str:
    head = ("routing", "evidence", "findings", "on known bugs", "in clean changes")
    rows = (
        (score.name, each.evidence, f"{each.findings:,}", f"{each.hits:,}", f"{each.on_clean:,}")
        for score in scores
        for each in score.by_evidence
    )
    return table("Findings by evidence", head, rows)
