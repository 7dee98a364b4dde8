"""The bill as one page: charts drawn as SVG, no script, nothing loaded from the network.

Each chart has its figures in a table below it, for screen readers and for whoever wants to copy them. The colours are
those of Okabe and Ito (https://jfly.uni-koeln.de/color/), which people with colour vision deficiencies tell apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from html import escape

from ralph_hooks.core.bill import Bill, Total
from ralph_hooks.core.route import Phase
from ralph_hooks.core.text import money, one_line
from ralph_hooks.reports.bill.table import cost, saved, sentences

_COLOURS = {
    Phase.ANALYZE.value: "#0072b2",
    Phase.VERIFY.value: "#56b4e9",
    Phase.PLAN.value: "#009e73",
    Phase.IMPLEMENT.value: "#d55e00",
    Phase.FIX.value: "#e69f00",
}
_KINDS = (("fresh input", "#0072b2"), ("cached input", "#56b4e9"), ("output", "#d55e00"))
_WIDTH, _HEIGHT, _ROW = 720, 220, 34  # units of the charts' own coordinates
_LABEL = 150  # units left of a bar for its name
_FIGURE = 130  # units right of a bar for its figure
_DAYS = 62
_DAY_LABELS = 8

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --faint: #57606a; --paper: #fff; --line: #d0d7de; --card: #f6f8fa }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --faint: #9198a1; --paper: #0d1117; --line: #30363d; --card: #151b23 }
}
* { box-sizing: border-box }
body { margin: 0 auto; padding: 1.5rem 1rem 3rem; max-width: 60rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif }
h1 { font-size: 1.5rem; margin: 0 }
h2 { font-size: 1.1rem; margin: 0 0 .5rem }
p { margin: .25rem 0 }
.faint { color: var(--faint) }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .75rem; margin: 1.25rem 0 }
.tile, figure { background: var(--card); border: 1px solid var(--line); border-radius: .5rem }
.tile { padding: .75rem 1rem; overflow-wrap: anywhere } .tile b { display: block; font-size: 1.5rem; line-height: 1.2 }
figure { margin: 1rem 0; padding: 1rem }
svg { display: block; width: 100%; height: auto; overflow: visible }
svg text { fill: var(--ink); font-size: 13px } svg .faint { fill: var(--faint) } svg line { stroke: var(--line) }
@media (max-width: 36rem) { svg text { font-size: 20px } }
ul.key { list-style: none; display: flex; flex-wrap: wrap; gap: .25rem 1rem; margin: .5rem 0 0; padding: 0 }
ul.key i { display: inline-block; width: .8rem; height: .8rem; border-radius: .2rem; margin-right: .4rem }
details { margin-top: .75rem } summary { cursor: pointer; color: var(--faint) }
:focus-visible { outline: 3px solid #56b4e9; outline-offset: 2px }
.scroll { overflow-x: auto } table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th, td { padding: .25rem .75rem .25rem 0; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap }
th:first-child, td:first-child { text-align: left; white-space: normal; overflow-wrap: anywhere; min-width: 8rem }
"""


def render(bill: Bill) -> str:
    """The whole page."""
    when = f"from {_text(bill.since)} to {_text(bill.until)}" if bill.since else f"up to {_text(bill.until)}"
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>ralph-hooks: what the models cost</title><style>{_STYLE}</style></head><body><main>",
        f'<h1>What the models cost</h1><p class="faint">{_text(bill.scope)}, {when}</p>',
        *_tiles(bill),
        *(f"<p>{_text(line)}</p>" for line in sentences(bill)),
        _by_day(bill),
        _against_baseline(bill),
        _tokens(bill),
        *_tables(bill),
        "</main></body></html>",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def _text(value: str) -> str:
    return escape(one_line(value))


def _tiles(bill: Bill) -> Iterator[str]:
    whole = bill.statement.whole
    tiles = [("spent", cost(whole))]
    if bill.baseline is not None:
        tiles.append((f"on {bill.expensive} alone{saved(bill)}", money(bill.baseline)))
    tiles += [("calls", f"{whole.calls:,}"), ("answers that cost nothing", f"{whole.remembered:,}")]
    if bill.forecast is not None:
        tiles.append(("expected for this month", money(bill.forecast.expected)))
    yield '<div class="tiles">'
    yield from (f'<div class="tile"><b>{_text(figure)}</b>{_text(what)}</div>' for what, figure in tiles)
    yield "</div>"


def _by_day(bill: Bill) -> str:
    """Stacked bars: what each day cost, by phase."""
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
            marks.append(f'<text class="faint" x="{left:.1f}" y="{_HEIGHT + 18}">{_text(day[5:])}</text>')
    rows = [[day, *(money(spent.get((day, phase), Decimal(0))) for phase in phases)] for day in days]
    chart = _svg(_HEIGHT + 24, marks, f"Spend of {len(days)} days by phase; the dearest day came to {money(most)}")
    key = _key((phase, _COLOURS[phase]) for phase in phases)
    return _figure("Spend by day and phase", chart + key, ["day", *phases], rows)


def _grid(most: Decimal) -> str:
    return (
        f'<line x1="0" y1="{_HEIGHT}" x2="{_WIDTH}" y2="{_HEIGHT}"/><line x1="0" y1="0" x2="{_WIDTH}" y2="0"/>'
        f'<text class="faint" x="{_WIDTH}" y="-4" text-anchor="end">{money(most)}</text>'
    )


def _against_baseline(bill: Bill) -> str:
    """Two bars: what was paid, by phase, and what the expensive model alone would have cost."""
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
    """Bars: fresh input, cached input and output of each phase."""
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
    """One horizontal bar of several pieces, with its name before and its figure behind it."""
    top, left = row * _ROW + 4, float(_LABEL)
    middle = top + 17
    yield f'<text x="0" y="{middle}">{_text(name)}</text>'
    for what, amount, colour in pieces:
        wide = float(amount / most) * (_WIDTH - _LABEL - _FIGURE)
        yield _rect(left, top, wide, 24, colour, f"{name}, {what}")
        left += wide
    yield f'<text x="{left + 8:.1f}" y="{middle}">{_text(figure)}</text>'


def _rect(x: float, y: float, width: float, height: float, colour: str, title: str) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f'<rect {place} fill="{colour}"><title>{_text(title)}</title></rect>'


def _svg(height: int, marks: Iterable[str], label: str) -> str:
    return f'<svg viewBox="0 -18 {_WIDTH} {height + 18}" role="img" aria-label="{_text(label)}">{"".join(marks)}</svg>'


def _key(entries: Iterable[tuple[str, str]]) -> str:
    items = "".join(f'<li><i style="background: {colour}"></i>{_text(name)}</li>' for name, colour in entries)
    return f'<ul class="key">{items}</ul>'


def _figure(title: str, chart: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    table = _table(head, rows)
    return f"<figure><h2>{_text(title)}</h2>{chart}<details><summary>The figures</summary>{table}</details></figure>"


def _tables(bill: Bill) -> Iterator[str]:
    summed = bill.statement
    head = ("calls", "from store", "tokens in", "cached", "tokens out", "cost")
    for title, totals in (
        ("model", summed.by_model),
        ("repository", summed.by_repository),
        ("hook", summed.by_command),
    ):
        yield f"<figure><h2>By {title}</h2>{_table((title, *head), map(_row, totals))}</figure>"


def _row(total: Total) -> list[str]:
    usage = total.usage
    counts = (total.calls, total.remembered, usage.input_tokens, usage.cached_input_tokens, usage.output_tokens)
    return [total.name, *(f"{count:,}" for count in counts), cost(total)]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    def cells(row: Sequence[str]) -> str:
        first, *rest = row
        return f'<th scope="row">{_text(first)}</th>' + "".join(f"<td>{_text(cell)}</td>" for cell in rest)

    heads = "".join(f'<th scope="col">{_text(name)}</th>' for name in head)
    body = "".join(f"<tr>{cells(row)}</tr>" for row in rows)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="table">'
        f"<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>"
    )
