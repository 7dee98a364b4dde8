"""The bill as one page: charts drawn as SVG, no script, nothing loaded from the network.

Each chart has its figures in a table below it, for screen readers and for copying. The colours are
those of Okabe and Ito (https://jfly.uni-koeln.de/color/), which people with colour vision deficiencies tell apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from ralph_hooks.core.cost_summary import Bill, Total
from ralph_hooks.core.route import Phase
from ralph_hooks.core.text import money
from ralph_hooks.reports.cost.table import cost, saved, sentences
from ralph_hooks.reports.html import figure, page, table, text

_COLOURS = {
    Phase.ANALYZE.value: "#0072b2",
    Phase.VERIFY.value: "#56b4e9",
    Phase.PLAN.value: "#009e73",
    Phase.IMPLEMENT.value: "#d55e00",
    Phase.FIX.value: "#e69f00",
}
_KINDS = (("fresh input", "#0072b2"), ("cached input", "#56b4e9"), ("output", "#d55e00"))
_WIDTH, _HEIGHT, _ROW = 720, 220, 34  # units of the charts' own coordinates
_LABEL = 200  # units left of a bar for its name
_FIGURE = 170  # units right of a bar for its figure
_DAYS = 62
_DAY_LABELS = 8


def render(bill: Bill) -> str:
    """Return the whole page."""
    when = f"from {text(bill.since)} to {text(bill.until)}" if bill.since else f"up to {text(bill.until)}"
    parts = [
        f'<p class="faint">{text(bill.scope)}, {when}</p>',
        *_tiles(bill),
        *(f"<p>{text(line)}</p>" for line in sentences(bill)),
        _by_day(bill),
        _against_baseline(bill),
        _tokens(bill),
        *_tables(bill),
    ]
    return page("What the models cost", parts)


def _tiles(bill: Bill) -> Iterator[str]:
    whole = bill.statement.whole
    tiles = [("spent", cost(whole))]
    if bill.baseline is not None:
        tiles.append((f"on {bill.expensive} alone{saved(bill)}", money(bill.baseline)))
    tiles += [("calls", f"{whole.calls:,}"), ("cached answers, free", f"{whole.remembered:,}")]
    if bill.forecast is not None:
        tiles.append(("expected for this month", money(bill.forecast.expected)))
    yield '<div class="tiles">'
    yield from (f'<div class="tile"><b>{text(figure)}</b>{text(what)}</div>' for what, figure in tiles)
    yield "</div>"


def _by_day(bill: Bill) -> str:
    """Return stacked bars: the cost of each day, by phase."""
    days = sorted({day for day, _, _ in bill.statement.spend})[-_DAYS:]
    spent = {(day, phase): amount for day, phase, amount in bill.statement.spend if day in days}
    phases = [phase for phase in _COLOURS if any(name == phase for _, name in spent)]
    sums = [sum((spent.get((day, phase), Decimal(0)) for phase in phases), Decimal(0)) for day in days]
    most = max(sums, default=Decimal(0))
    if not most:
        return ""
    step = _WIDTH / len(days)
    marks = [_grid(most)]
    every = -(-len(days) // _DAY_LABELS)
    for index, day in enumerate(days):
        left, foot = index * step + step * 0.15, float(_HEIGHT)
        for phase in phases:
            amount = spent.get((day, phase), Decimal(0))
            tall = float(amount / most) * _HEIGHT
            foot -= tall
            title = f"{day}, {phase}: {money(amount)}"
            marks.append(_rect(left, foot, step * 0.7, tall, _COLOURS[phase], title))
        if index % every == 0:
            marks.append(f'<text class="faint" x="{left:.1f}" y="{_HEIGHT + 22}">{text(day[5:])}</text>')
    rows = [[day, *(money(spent.get((day, phase), Decimal(0))) for phase in phases)] for day in days]
    chart = _svg(_HEIGHT + 28, marks, f"Spend of {len(days)} days by phase; the most expensive day cost {money(most)}")
    key = _key((phase, _COLOURS[phase]) for phase in phases)
    return _figure("Spend by day and phase", chart + key, ["day", *phases], rows)


def _grid(most: Decimal) -> str:
    return (
        f'<line x1="0" y1="{_HEIGHT}" x2="{_WIDTH}" y2="{_HEIGHT}"/><line x1="0" y1="0" x2="{_WIDTH}" y2="0"/>'
        f'<text class="faint" x="{_WIDTH}" y="-4" text-anchor="end">{money(most)}</text>'
    )


def _against_baseline(bill: Bill) -> str:
    """Return two bars: the actual cost by phase, and the cost of the expensive model alone."""
    if not bill.baseline:
        return ""
    paid = [(total.name, total.cost_usd) for total in bill.statement.by_phase]
    most = max(bill.baseline, bill.statement.whole.cost_usd)
    bars = [
        ("paid", [(name, amount, _COLOURS.get(name, "#888")) for name, amount in paid], bill.statement.whole.cost_usd),
        ("without routing", [(bill.expensive, bill.baseline, "#888")], bill.baseline),
    ]
    marks = [
        mark for row, (name, pieces, total) in enumerate(bars) for mark in _bar(row, name, pieces, most, money(total))
    ]
    label = f"Paid {money(bill.statement.whole.cost_usd)}; {bill.expensive} alone {money(bill.baseline)}"
    rows = [["paid", money(bill.statement.whole.cost_usd)], [f"on {bill.expensive} alone", money(bill.baseline)]]
    return _figure("Saved against the expensive model", _svg(2 * _ROW, marks, label), ["", "US dollars"], rows)


def _tokens(bill: Bill) -> str:
    """Return bars: fresh input, cached input and output of each phase."""
    phases = bill.statement.by_phase
    most = max((total.usage.input_tokens + total.usage.output_tokens for total in phases), default=0)
    if not most:
        return ""
    marks: list[str] = []
    rows: list[list[str]] = []
    for row, total in enumerate(phases):
        usage = total.usage
        counts = (usage.input_tokens - usage.cached_input_tokens, usage.cached_input_tokens, usage.output_tokens)
        pieces = [(name, Decimal(count), colour) for (name, colour), count in zip(_KINDS, counts, strict=True)]
        marks += _bar(row, total.name, pieces, Decimal(most), f"{sum(counts):,}")
        rows.append([total.name, *(f"{count:,}" for count in counts)])
    chart = _svg(len(phases) * _ROW, marks, f"Tokens of {len(phases)} phases, by kind") + _key(_KINDS)
    return _figure("Where the tokens go", chart, ["phase", *(name for name, _ in _KINDS)], rows)


def _bar(row: int, name: str, pieces: Iterable[tuple[str, Decimal, str]], most: Decimal, figure: str) -> Iterator[str]:
    """Yield one horizontal bar of several pieces, with its name on the left and its figure on the right."""
    top, left = row * _ROW + 4, float(_LABEL)
    middle = top + 17
    yield f'<text x="0" y="{middle}">{text(name)}</text>'
    for what, amount, colour in pieces:
        wide = float(amount / most) * (_WIDTH - _LABEL - _FIGURE)
        yield _rect(left, top, wide, 24, colour, f"{name}, {what}")
        left += wide
    yield f'<text x="{left + 8:.1f}" y="{middle}">{text(figure)}</text>'


def _rect(x: float, y: float, width: float, height: float, colour: str, title: str) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f'<rect {place} fill="{colour}"><title>{text(title)}</title></rect>'


def _svg(height: int, marks: Iterable[str], label: str) -> str:
    return f'<svg viewBox="0 -26 {_WIDTH} {height + 26}" role="img" aria-label="{text(label)}">{"".join(marks)}</svg>'


def _key(entries: Iterable[tuple[str, str]]) -> str:
    items = "".join(f'<li><i style="background: {colour}"></i>{text(name)}</li>' for name, colour in entries)
    return f'<ul class="key">{items}</ul>'


def _figure(title: str, chart: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    figures = table(f"{title}: the figures", head, rows)
    return figure(title, f"{chart}<details><summary>The figures</summary>{figures}</details>")


def _tables(bill: Bill) -> Iterator[str]:
    summed = bill.statement
    head = ("cost", "calls", "from store", "tokens in", "cached", "tokens out")
    for title, totals in (
        ("model", summed.by_model),
        ("repository", summed.by_repository),
        ("hook", summed.by_command),
    ):
        yield figure(f"By {title}", table(f"By {title}: the figures", (title, *head), map(_row, totals)))


def _row(total: Total) -> list[str]:
    usage = total.usage
    counts = (total.calls, total.remembered, usage.input_tokens, usage.cached_input_tokens, usage.output_tokens)
    return [total.name, cost(total), *(f"{count:,}" for count in counts)]
