"""``ralph-hooks show``."""

from __future__ import annotations

import time
from pathlib import Path

import click

from ralph_hooks.cli.judging import emit, report_options
from ralph_hooks.cli.wiring import find_place, open_state
from ralph_hooks.core.text import one_line
from ralph_hooks.errors import ExitCode, RalphError
from ralph_hooks.store.history import Kept, Reports

HELP = """\
Show the last report of this repository in full, or an earlier one.

\b
Examples:
  ralph-hooks show                     what the last run found, with every file, call and command
  ralph-hooks show --list              earlier runs, newest first
  ralph-hooks show 1k7                 the run whose id begins so
  ralph-hooks show --format agent      for a coding agent to act on
"""
_LISTED = 20


@click.command("show", help=HELP)
@click.argument("report_id", metavar="[ID]", required=False)
@click.option("--list", "listed", is_flag=True, help=f"List the last {_LISTED} runs.")
@report_options
def command(*, report_id: str | None, listed: bool, format_: str, output: Path | None) -> int:
    """Find the report and show all of it."""
    place = find_place()
    with open_state(place.home) as database:
        reports = Reports(database, place.known_as())
        if listed:
            for kept in reports.recent(_LISTED):
                click.echo(_line(kept))
            return ExitCode.PASS
        found = reports.get(report_id) if report_id else reports.last()
    if found is None:
        raise RalphError("no change of this repository was judged yet", "`ralph-hooks gate` judges what is staged")
    if format_ == "text" and output is None:
        click.echo(_line(found), err=True)
    emit(found.report, format_, output, everything=True)
    return ExitCode.PASS


def _line(kept: Kept) -> str:
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(kept.time))
    report = kept.report
    what = f"{one_line(report.title)}: {one_line(report.reason)}"
    return f"{kept.id}  {when}  {report.command}  {report.verdict.value}  {what}"
