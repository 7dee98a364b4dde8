"""``ralph-hooks cost``."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import click

from ralph_hooks.app.context import Context, load_context, open_state
from ralph_hooks.cli.shared.review_command import terminal_width, wants_color, write_text
from ralph_hooks.core.cost_summary import Bill, Cap, Caught, Statement, forecast, pays
from ralph_hooks.core.route import Model, Phase
from ralph_hooks.store.cache import Verdicts
from ralph_hooks.store.labels import read
from ralph_hooks.store.ledger import statement
from ralph_hooks.store.prices import Catalogue
from ralph_hooks.store.sqlite import RepositoryId
from ralph_hooks.store.state import State

HELP = """\
Show what the models have cost: by phase, model, repository, hook and day; what the same tokens would have cost on the
expensive model alone; how much of each budget is used; the forecast for the month; and whether the routing saves money.

\b
Examples:
  ralph-hooks cost                        everything in the ledger
  ralph-hooks cost --here --since 2026-11-01
  ralph-hooks cost --format csv > costs.csv
  ralph-hooks cost --html costs.html      one page, which loads nothing from the network
"""
_HISTORY = 28  # days of history that a forecast uses
_DAY = 86_400.0  # seconds
_DATE = click.DateTime(["%Y-%m-%d"])


@click.command("cost", help=HELP)
@click.option("--here", is_flag=True, help="Count only this repository; default: all of yours.")
@click.option("--since", type=_DATE, help="From this day on (YYYY-MM-DD).")
@click.option("--until", type=_DATE, help="Up to this day, included.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "csv", "json"]),
    default="table",
    show_default=True,
    help="Output format.",
)
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Write a page with charts to a file.")
def command(
    *,
    here: bool,
    since: dt.datetime | None,
    until: dt.datetime | None,
    format_: str,
    html: Path | None,
) -> None:
    """Sum up the ledger and show it."""
    context = load_context()
    with open_state(context.home, context.settings) as state:
        bill = _bill(context, state, since.date() if since else None, until.date() if until else None, here=here)
    if html is not None:
        from ralph_hooks.reports.cost import page

        write_text(html, page.render(bill))
        click.echo(f"Written to {html}: open it in a browser.")
    elif format_ == "json":
        from ralph_hooks.reports.cost import data

        click.echo(data.to_json(bill), nl=False)
    elif format_ == "csv":
        from ralph_hooks.reports.cost import data

        click.echo(data.to_csv(bill), nl=False)
    elif not bill.statement.whole.calls and not bill.statement.whole.remembered:
        click.echo("No model was called: nothing was spent.")
    else:
        from ralph_hooks.reports.cost import table

        click.echo(table.render(bill, color=wants_color(), width=terminal_width()), nl=False)


def _bill(context: Context, state: State, since: dt.date | None, until: dt.date | None, *, here: bool) -> Bill:
    today = dt.datetime.now().astimezone().date()
    scope = context.known_as() if here else None
    summed = statement(state, since=since, until=until, repository=scope)
    whose = " of the team" if state.team is not None and state.team.reached else ""
    expensive = next(iter(context.settings.models.get(Phase.IMPLEMENT, ())), None)
    month = statement(state, since=today.replace(day=1), until=today)
    return Bill(
        since=since.isoformat() if since else "",
        until=(until or today).isoformat(),
        scope=f"{scope.name if scope else 'all repositories'}{whose}",
        statement=summed,
        expensive=expensive.id if expensive else "",
        baseline=_baseline(context, state, summed, expensive),
        caps=_caps(context, month, today),
        forecast=forecast(_past_days(state, today), month.whole.cost_usd, _days_left(today)),
        caught=None if whose else _caught(state, since, until, scope),
        pays=pays(summed),
    )


def _baseline(context: Context, state: State, summed: Statement, expensive: Model | None) -> Decimal | None:
    price = Catalogue(context.settings.prices, Verdicts(state.database)).price(expensive) if expensive else None
    return summed.whole.priced_at(price) if price else None


def _caps(context: Context, month: Statement, today: dt.date) -> tuple[Cap, ...]:
    """Return the budgets with their use; a budget counts all of the user's repositories."""
    budget = context.settings.budget
    spent_today = next((total.cost_usd for total in month.by_day if total.name == today.isoformat()), Decimal(0))
    return (
        Cap(name="day", spent=spent_today, cap=budget.per_day),
        Cap(name="month", spent=month.whole.cost_usd, cap=budget.per_month),
    )


def _past_days(state: State, today: dt.date) -> list[Decimal]:
    """Return the cost of each whole day since the first call in the ledger (USD); days without calls cost 0."""
    day = dt.timedelta(days=1)
    past = statement(state, since=today - _HISTORY * day, until=today - day)
    spent = {total.name: total.cost_usd for total in past.by_day}
    if not spent:
        return []
    first = dt.date.fromisoformat(min(spent))
    count = (today - first).days
    return [spent.get((first + index * day).isoformat(), Decimal(0)) for index in range(count)]


def _days_left(today: dt.date) -> int:
    import calendar

    return calendar.monthrange(today.year, today.month)[1] - today.day


def _caught(
    state: State, since: dt.date | None, until: dt.date | None, repository: RepositoryId | None
) -> Caught | None:
    """Return the findings of this machine's reviews in the scope of the bill, each change counted once."""
    first, last = (dt.datetime.combine(day, dt.time()).timestamp() if day else None for day in (since, until))
    end = float("inf") if last is None else last + _DAY
    judgements = read(State(state.database), since=first or 0.0, until=end, repository=repository).judgements
    if not judgements:
        return None
    return Caught(
        judged=len({each.change for each in judgements}),
        held_back=len({each.change for each in judgements if each.held_back}),
        spent=sum((each.cost_usd for each in judgements if each.cost_usd is not None), Decimal(0)),
    )
