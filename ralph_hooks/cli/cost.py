"""``ralph-hooks cost``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from decimal import Decimal

import click

from ralph_hooks.cli.wiring import find_place, open_state
from ralph_hooks.core.route import Phase
from ralph_hooks.core.text import one_line, plural
from ralph_hooks.core.usage import Price
from ralph_hooks.reports.parts import money
from ralph_hooks.store.ledger import Total, statement
from ralph_hooks.store.prices import Catalogue
from ralph_hooks.store.verdicts import Verdicts

HELP = """\
Show what the models have cost, by phase and by model, and what the same tokens would have cost on the expensive model.

\b
Examples:
  ralph-hooks cost            everything in the ledger
  ralph-hooks cost --here     this repository alone
"""


@click.command("cost", help=HELP)
@click.option("--here", is_flag=True, help="This repository alone; otherwise all of yours.")
def command(*, here: bool) -> None:
    """Sum the ledger up."""
    place = find_place()
    with open_state(place.home) as database:
        summed = statement(database, repository=place.known_as() if here else None)
        expensive = place.settings.models.get(Phase.IMPLEMENT, ())
        price = Catalogue(place.settings.prices, Verdicts(database)).price(expensive[0]) if expensive else None
    if not summed.whole.calls and not summed.whole.remembered:
        click.echo("No model was asked yet: nothing was spent.")
        return
    for title, totals in (("phase", summed.by_phase), ("model", summed.by_model), ("day", summed.by_day[:7])):
        _table(title, totals)
    _table("all", [summed.whole])
    if price is not None:
        click.echo(_comparison(summed.whole, price, expensive[0].id))


def _table(title: str, totals: Sequence[Total]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(title, min_width=10, overflow="fold")
    for name in ("calls", "from store", "tokens in", "cached", "tokens out", "cost"):
        table.add_column(name, justify="right")
    for total in totals:
        usage = total.usage
        counts = (total.calls, total.remembered, usage.input_tokens, usage.cached_input_tokens, usage.output_tokens)
        table.add_row(one_line(total.name) or "total", *(f"{count:,}" for count in counts), _cost(total))
    Console(highlight=False, no_color=bool(os.environ.get("NO_COLOR"))).print(table, end="\n\n", markup=False)


def _cost(total: Total) -> str:
    known = money(total.cost_usd)
    return f"{known} + {plural(total.unknown, 'call')} of unknown cost" if total.unknown else known


def _comparison(whole: Total, price: Price, expensive: str) -> str:
    alone = whole.priced_at(price)
    line = f"The same tokens on {one_line(expensive)} alone: {money(alone)}"
    if whole.unknown or alone <= Decimal(0):
        return line
    return f"{line}; saved {(1 - whole.cost_usd / alone) * 100:.0f} %"
