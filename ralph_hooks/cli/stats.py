"""``ralph-hooks stats``."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click

from ralph_hooks.app.context import load_context, open_state
from ralph_hooks.cli.shared.review_command import terminal_width, wants_color, write_text
from ralph_hooks.core.stats import statistics
from ralph_hooks.store.labels import read

HELP = """\
Show the gate's record in real use.

Every reported finding ends as fixed (its code changed and it is gone), accepted, dismissed (it was wrong) or bypassed
(committed anyway). From these labels it computes the precision of each model and check with its interval, the share of
clean changes that were blocked, and the cost of a true finding.

\b
Examples:
  ralph-hooks stats                       everything that your gate has reviewed
  ralph-hooks stats --here --since 2026-11-01
  ralph-hooks stats --format json
  ralph-hooks stats --html stats.html     one page, which loads nothing from the network
"""
_DATE = click.DateTime(["%Y-%m-%d"])
_DAY = dt.timedelta(days=1)


@click.command("stats", help=HELP)
@click.option("--here", is_flag=True, help="Count only this repository; default: all of yours.")
@click.option("--since", type=_DATE, help="From this day on (YYYY-MM-DD).")
@click.option("--until", type=_DATE, help="Up to this day, included.")
@click.option(
    "--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Output format."
)
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Write a page to a file.")
def command(
    *, here: bool, since: dt.datetime | None, until: dt.datetime | None, format_: str, html: Path | None
) -> None:
    """Count the labels and show the rates."""
    context = load_context()
    scope = context.known_as() if here else None
    with open_state(context.home, context.settings) as state:
        found = read(
            state,
            since=since.timestamp() if since else 0.0,
            until=(until + _DAY).timestamp() if until else float("inf"),
            repository=scope,
        )
    counted = statistics(
        found.labels,
        found.judgements,
        month=lambda at: dt.datetime.fromtimestamp(at).astimezone().strftime("%Y-%m"),
        scope=f"{scope.name if scope else 'all repositories'}{' of the team' if found.of_team else ''}",
        since=since.date().isoformat() if since else "",
        until=until.date().isoformat() if until else "",
    )
    if html is not None:
        from ralph_hooks.reports.stats import page

        write_text(html, page(counted))
        click.echo(f"Written to {html}: open it in a browser.")
    elif format_ == "json":
        from ralph_hooks.reports.stats import to_json

        click.echo(to_json(counted), nl=False)
    elif not counted.changes:
        click.echo("No change was reviewed yet: run `ralph-hooks gate` to review the staged change.")
    else:
        from ralph_hooks.reports.stats import text

        click.echo(text(counted, color=wants_color(), width=terminal_width()), nl=False)
