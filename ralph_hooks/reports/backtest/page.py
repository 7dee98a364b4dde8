"""The picture of cost and quality: one point a routing, error bars, and the frontier. One page, nothing loaded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from ralph_hooks.core.backtest import Score
from ralph_hooks.core.text import one_line
from ralph_hooks.reports.backtest.table import dollars, rate, sentences

_WIDTH, _HEIGHT, _LEFT, _FOOT = 680, 360, 56, 44  # units of the chart's own coordinates
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#e69f00", "#56b4e9", "#cc79a7")
_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --faint: #57606a; --paper: #fff; --line: #d0d7de; --card: #f6f8fa }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --faint: #9198a1; --paper: #0d1117; --line: #30363d; --card: #151b23 }
}
body { margin: 0 auto; padding: 1.5rem 1rem 3rem; max-width: 60rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif }
h1 { font-size: 1.5rem; margin: 0 0 1rem }
figure { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; margin: 1rem 0; padding: 1rem }
svg { display: block; width: 100%; height: auto; overflow: visible }
svg text { fill: var(--ink); font-size: 13px } svg .faint { fill: var(--faint) }
svg .axis { stroke: var(--line) } svg .frontier { fill: none; stroke: var(--faint); stroke-dasharray: 5 4 }
@media (max-width: 36rem) { svg text { font-size: 20px } }
:focus-visible { outline: 3px solid #56b4e9; outline-offset: 2px }
.scroll { overflow-x: auto } table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th, td { padding: .25rem .75rem .25rem 0; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap }
th:first-child { text-align: left }
"""


def render(scores: Sequence[Score], about: str) -> str:
    """The whole page; ``about`` says what was replayed."""
    words = "".join(f"<p>{_text(line)}</p>" for line in sentences(scores))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>ralph-hooks: how good the gate is</title><style>{_STYLE}</style></head><body><main>"
        f"<h1>How good the gate is: {_text(about)}</h1>"
        f"<figure>{_chart(scores)}</figure>{words}<figure>{_table(scores)}</figure></main></body></html>\n"
    )


def _text(value: str) -> str:
    return escape(one_line(value))


def _chart(scores: Sequence[Score]) -> str:
    most = max((float(score.cost_per_change_usd or 0) for score in scores), default=0.0) or 1.0
    marks = [*_axes(most), _frontier(scores, most)]
    for index, score in enumerate(scores):
        marks += _point(score, most, _COLOURS[index % len(_COLOURS)], index)
    label = f"Catch rate against dollars a change for {len(scores)} routings"
    inside = "".join(marks)
    return f'<svg viewBox="0 -20 {_WIDTH} {_HEIGHT + 20}" role="img" aria-label="{label}">{inside}</svg>'


def _x(cost: float, most: float) -> float:
    return _LEFT + cost / most * (_WIDTH - _LEFT - 130)


def _y(share: float) -> float:
    return (1 - share) * (_HEIGHT - _FOOT)


def _axes(most: float) -> Iterator[str]:
    for percent in (0, 25, 50, 75, 100):
        y = _y(percent / 100)
        yield f'<line class="axis" x1="{_LEFT}" x2="{_WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text class="faint" x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{percent} %</text>'
    for share in (0.0, 0.5, 1.0):
        x = _x(share * most, most)
        yield f'<text class="faint" x="{x:.1f}" y="{_HEIGHT - _FOOT + 20}">${share * most:.4f}</text>'
    yield f'<text class="faint" x="{_LEFT}" y="{_HEIGHT - 4}">US dollars a change; up: share of the bugs caught</text>'


def _point(score: Score, most: float, colour: str, index: int) -> Iterator[str]:
    share, low, high = score.catch_rate
    x = _x(float(score.cost_per_change_usd or 0), most)
    title = f"{score.name}: {rate(score.catch_rate)} caught, {dollars(score.cost_per_change_usd)} a change"
    yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_y(low):.1f}" y2="{_y(high):.1f}" stroke="{colour}" stroke-width="2"/>'
    yield f'<circle cx="{x:.1f}" cy="{_y(share):.1f}" r="6" fill="{colour}"><title>{_text(title)}</title></circle>'
    yield f'<text x="{x + 10:.1f}" y="{_y(share) - 8 - 14 * (index % 2):.1f}">{_text(score.name)}</text>'


def _frontier(scores: Sequence[Score], most: float) -> str:
    """Through the routings that no other one beats in both cost and catch rate."""
    best: list[Score] = []
    for score in sorted(scores, key=lambda each: (each.cost_per_change_usd or 0, -each.catch_rate[0])):
        if not best or score.catch_rate[0] > best[-1].catch_rate[0]:
            best.append(score)
    points = " ".join(f"{_x(float(s.cost_per_change_usd or 0), most):.1f},{_y(s.catch_rate[0]):.1f}" for s in best)
    return f'<polyline class="frontier" points="{points}"/>'


def _table(scores: Sequence[Score]) -> str:
    head = ("routing", "caught", "false blocks", "$ a change", "$ a caught bug", "p50", "p95", "not judged")
    rows = "".join(
        f'<tr><th scope="row">{_text(score.name)}</th>'
        + "".join(
            f"<td>{_text(cell)}</td>"
            for cell in (
                f"{score.caught}/{score.bugs}, {rate(score.catch_rate)}",
                f"{score.false_blocks}/{score.clean}, {rate(score.false_block_rate)}",
                dollars(score.cost_per_change_usd),
                dollars(score.cost_per_caught_usd) if score.caught else "-",
                f"{score.seconds_p50:.2f} s",
                f"{score.seconds_p95:.2f} s",
                f"{score.unjudged:,}",
            )
        )
        + "</tr>"
        for score in scores
    )
    heads = "".join(f'<th scope="col">{name}</th>' for name in head)
    return (
        '<div class="scroll" tabindex="0" role="region" aria-label="table">'
        f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
    )
