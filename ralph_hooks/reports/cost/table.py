"""The bill as terminal tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ralph_hooks.core.cost_summary import Bill, Total
from ralph_hooks.core.text import money, one_line, plural

_DAYS = 7
_NARROW = 72  # columns: narrower terminals cannot show every figure


def render(bill: Bill, *, color: bool, width: int) -> str:
    """Return tables by phase, model and the rest, then a summary in sentences."""
    from rich.console import Console

    console = Console(width=width, no_color=not color, force_terminal=color, highlight=False)
    with console.capture() as capture:
        for title, totals in _groups(bill):
            console.print(_table(title, totals, narrow=width < _NARROW))
            console.print()
        for line in sentences(bill):
            console.print(line, markup=False)
    return capture.get()


def _groups(bill: Bill) -> Iterator[tuple[str, Sequence[Total]]]:
    summed = bill.statement
    yield "phase", [*summed.by_phase, summed.whole]
    yield "model", summed.by_model
    for title, totals in (("repository", summed.by_repository), ("hook", summed.by_command)):
        if len(totals) > 1:
            yield title, totals
    yield f"day (last {_DAYS})" if len(summed.by_day) > _DAYS else "day", summed.by_day[:_DAYS]


def _table(title: str, totals: Sequence[Total], *, narrow: bool) -> object:
    """Return a row for each of ``totals``; a ``narrow`` terminal gets only calls and cost."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column(title, min_width=12, overflow="fold")
    for name in ("calls", "cost") if narrow else ("calls", "from store", "tokens in", "cached", "tokens out", "cost"):
        table.add_column(name, justify="right", overflow="fold")
    for total in totals:
        usage = total.usage
        counts = (total.calls, total.remembered, usage.input_tokens, usage.cached_input_tokens, usage.output_tokens)
        shown = counts[:1] if narrow else counts
        style = "" if total.name else "bold"
        label = Text(one_line(total.name) or "all")
        table.add_row(label, *(f"{count:,}" for count in shown), cost(total), style=style)
    return table


def cost(total: Total) -> str:
    """Return the cost of ``total``, with a note if part of it is unknown."""
    known = money(total.cost_usd)
    return f"{known} + {plural(total.unknown, 'call')} of unknown cost" if total.unknown else known


def sentences(bill: Bill) -> Iterator[str]:
    """Yield sentences that explain the figures."""
    whole = bill.statement.whole
    if bill.baseline is not None:
        yield f"The same tokens on {one_line(bill.expensive)} alone: {money(bill.baseline)}{saved(bill)}."
    elif bill.expensive:
        yield f"The cost of the same tokens on {one_line(bill.expensive)} is unknown: it has no price."
    if whole.estimated:
        yield f"{plural(whole.estimated, 'call')} counted at the maximum cost: the provider did not report its usage."
    if bill.caught is not None and bill.caught.judged:
        yield _caught(bill)
    everywhere = "" if bill.scope.startswith("all repositories") else " in all repositories"
    for cap in bill.caps:
        share = f" ({cap.spent / cap.cap * 100:.0f} %)" if cap.cap else ""
        yield f"Budget per {cap.name}: {money(cap.spent)} of {money(cap.cap)} used{everywhere}{share}."
    if bill.forecast is not None:
        coming = bill.forecast
        yield (
            f"This month{everywhere} will cost about {money(coming.expected)}, between {money(coming.low)} and "
            f"{money(coming.high)} with 80 % probability (from {coming.days} days)."
        )
    if bill.pays:
        yield bill.pays


def saved(bill: Bill) -> str:
    """Return the saving compared with the baseline; empty if it cannot be computed."""
    whole = bill.statement.whole
    if not bill.baseline or whole.unknown:
        return ""
    share = (1 - whole.cost_usd / bill.baseline) * 100
    return f"; {'saved' if share >= 0 else 'paid more:'} {abs(share):.0f} %"


def _caught(bill: Bill) -> str:
    caught = bill.caught
    assert caught is not None  # checked by the caller
    line = f"Of {plural(caught.judged, 'reviewed change')} the gate blocked {caught.held_back:,}"
    if not caught.held_back:
        return f"{line}."
    return f"{line}: {money(caught.spent / caught.held_back)} per blocked change, including all runs."
