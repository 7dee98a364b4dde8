"""The gate's record in real use: terminal text, JSON, and an HTML page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ralph_hooks.core.backtest import Rate
from ralph_hooks.core.stats import Group, Statistics
from ralph_hooks.core.text import money, one_line, plural
from ralph_hooks.reports import html
from ralph_hooks.reports.json import dumps

SCHEMA = 1
_NARROW = 90  # columns: narrower terminals cannot show every figure
_FEW = ("shown", "precision")
_HEAD = ("shown", "fixed", "accepted", "dismissed", "bypassed", "open", "precision")


def text(counted: Statistics, *, color: bool, width: int) -> str:
    """Return sentences, then a table for each way to group the findings."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(width=width, no_color=not color, force_terminal=color, highlight=False)
    with console.capture() as capture:
        for line in sentences(counted):
            console.print(line, markup=False)
        for title, groups in _grouped(counted):
            table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
            table.add_column(title, min_width=12, overflow="fold")
            kept = [index for index, name in enumerate(_HEAD) if width >= _NARROW or name in _FEW]
            for index in kept:
                table.add_column(_HEAD[index], justify="right", overflow="fold")
            for group in groups:
                cells = _cells(group)
                name = Text(one_line(group.name) or "all")
                table.add_row(name, *(cells[index] for index in kept), style="" if group.name else "bold")
            console.print()
            console.print(table)
    return capture.get()


def sentences(counted: Statistics) -> Iterator[str]:
    """Yield sentences that explain the figures."""
    days = " ".join(filter(None, [counted.since and f"from {counted.since}", counted.until and f"to {counted.until}"]))
    where = ", ".join(filter(None, [one_line(counted.scope), days]))
    yield f"{plural(counted.changes, 'change')} reviewed ({where}), {counted.held_back:,} blocked."
    whole = counted.whole
    if whole.true + whole.dismissed:
        decided = f"{whole.true:,} right, {whole.dismissed:,} wrong"
        yield f"Precision of the reported findings: {percent(whole.precision)} ({decided})."
    else:
        yield "Precision is unknown yet: no finding was fixed, accepted or dismissed."
    if counted.clean:
        yield (
            f"False blocks per 100 clean changes: {percent(counted.false_block_rate, '')} "
            f"({counted.false_blocks:,} of {counted.clean:,})."
        )
    if counted.cost_per_true_usd is not None:
        more = f", without {plural(counted.unknown, 'run')} of unknown cost" if counted.unknown else ""
        yield f"A true finding cost {money(counted.cost_per_true_usd)} ({money(counted.cost_usd)} in all{more})."


def percent(rate: Rate, unit: str = " %") -> str:
    """Return ``83 % [70 to 92]``: the share and its interval at 95 %."""
    share, low, high = (100 * each for each in rate)
    return f"{share:.0f}{unit} [{low:.0f} to {high:.0f}]"


def _grouped(counted: Statistics) -> Iterator[tuple[str, Sequence[Group]]]:
    yield "source", [*counted.by_source, counted.whole]
    for title, groups in (
        ("category", counted.by_category),
        ("evidence", counted.by_evidence),
        ("month", counted.by_month),
    ):
        if groups:
            yield title, groups


def _cells(group: Group) -> list[str]:
    counts = (group.shown, group.fixed, group.accepted, group.dismissed, group.bypassed, group.open)
    known = group.true + group.dismissed
    return [*(f"{count:,}" for count in counts), percent(group.precision) if known else "-"]


def to_json(counted: Statistics) -> str:
    """Return all figures as JSON; a rate is the share with its interval, null if it has no cases."""
    return dumps(
        {
            "schema": SCHEMA,
            "scope": counted.scope,
            "since": counted.since or None,
            "until": counted.until or None,
            "changes": counted.changes,
            "held_back": counted.held_back,
            "clean": counted.clean,
            "false_blocks": counted.false_blocks,
            "false_block_rate": _rate(counted.false_block_rate, counted.clean),
            "findings": _group(counted.whole),
            "by_source": [_group(group) for group in counted.by_source],
            "by_category": [_group(group) for group in counted.by_category],
            "by_evidence": [_group(group) for group in counted.by_evidence],
            "by_month": [_group(group) for group in counted.by_month],
            "cost_usd": counted.cost_usd,
            "unknown_costs": counted.unknown,
            "cost_per_true_usd": counted.cost_per_true_usd,
        }
    )


def _group(group: Group) -> dict[str, Any]:
    return {
        **({"name": group.name} if group.name else {}),
        "shown": group.shown,
        "fixed": group.fixed,
        "accepted": group.accepted,
        "dismissed": group.dismissed,
        "bypassed": group.bypassed,
        "open": group.open,
        "precision": _rate(group.precision, group.true + group.dismissed),
    }


def _rate(rate: Rate, count: int) -> list[float] | None:
    return list(rate) if count else None


def page(counted: Statistics) -> str:
    """Return one HTML page with the sentences and the tables."""
    parts = [f"<p>{html.text(line)}</p>" for line in sentences(counted)]
    for title, groups in _grouped(counted):
        rows = [[group.name or "all", *_cells(group)] for group in groups]
        parts.append(html.figure(f"By {title}", html.table(f"By {title}: the figures", (title, *_HEAD), rows)))
    return html.page("the gate's record", parts)
