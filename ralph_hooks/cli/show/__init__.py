"""``ralph-hooks show``."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from ralph_hooks.app.context import Context, has_jobs, load_context, open_state
from ralph_hooks.app.jobs import jobs_of, running
from ralph_hooks.app.repair import background
from ralph_hooks.cli.shared.review_command import emit, report_options, wants_color
from ralph_hooks.cli.shared.stored_fixes import brief, in_full, waits
from ralph_hooks.cli.shared.stored_fixes import waiting as waiting_fix
from ralph_hooks.core.repair import StoredFix
from ralph_hooks.core.report import Report
from ralph_hooks.core.text import one_line
from ralph_hooks.errors import ExitCode, RalphError
from ralph_hooks.git.fixes import store as fixes
from ralph_hooks.store.reports import Reports, StoredReport

HELP = """\
Show the last report of this repository in full, an earlier one, or a stored fix.

\b
Examples:
  ralph-hooks show                     the last run, with every file, call and command
  ralph-hooks show --list              earlier runs and stored fixes, newest first
  ralph-hooks show --commits           when and how each commit was reviewed, and the cost
  ralph-hooks show --commits main..    the same for a range
  ralph-hooks show 1k7                 the run or fix whose id starts with 1k7
  ralph-hooks show --format agent      for a coding agent to act on
  ralph-hooks show --proof 3f2a        the test that proves a finding, and its result on both sides
  ralph-hooks show --proof 3f2a --save tests/test_rate.py   add it to your tests
"""
_LISTED = 20
_FIX_FORMATS = ("text", "agent")


@click.command("show", help=HELP)
@click.argument("id_", metavar="[ID]", required=False)
@click.option("--list", "listed", is_flag=True, help=f"List the last {_LISTED} runs, and the stored fixes.")
@click.option(
    "--commits",
    is_flag=False,
    flag_value="",
    metavar="[RANGE]",
    help="List commits with their reviews (default: of HEAD).",
)
@click.option("--proof", metavar="FINDING", help="Show the reproducer of a finding and its runs, by the finding's id.")
@click.option(
    "--save", type=click.Path(path_type=Path), metavar="PATH", help="With --proof: write the reproducer to a new file."
)
@report_options
def command(
    *,
    id_: str | None,
    listed: bool,
    commits: str | None,
    proof: str | None,
    save: Path | None,
    format_: str,
    output: Path | None,
) -> int:
    """Find the report, the fix or the proof and show it in full."""
    if save is not None and proof is None:
        raise RalphError("--save needs --proof", "give the finding's id: `ralph-hooks show --proof ID --save PATH`")
    context = load_context()
    fix = _fix(context, id_) if id_ else None
    with open_state(context.home) as state:
        if commits is not None:
            from ralph_hooks.cli.show.commits import lines

            for line in lines(context, state, commits):
                click.echo(line)
            return ExitCode.PASS
        reports = Reports(state.database, context.known_as())
        if listed:
            _list(reports.recent(_LISTED), fixes.every(context.repository))
            return ExitCode.PASS
        if fix:
            _show_fix(context, fix, format_, output)
            return ExitCode.PASS
        found = reports.get(id_) if id_ else reports.last()
    if found is None:
        raise RalphError(
            "no change in this repository was reviewed yet", "run `ralph-hooks gate` to review the staged change"
        )
    if proof is not None:
        from ralph_hooks.cli.show.proof import show_proof

        show_proof(found.report, proof, save)
        return ExitCode.PASS
    if format_ == "text" and output is None:
        click.echo(_line(found), err=True)
    emit(_as_of_now(context, found.report), format_, output, everything=True)
    if not id_ and format_ == "text":
        _what_else(context)
    return ExitCode.PASS


def _as_of_now(context: Context, report: Report) -> Report:
    """Return ``report`` with the current fix and background repair of its tree."""
    if report.fix is None and (fix := fixes.newest_for(context.repository, report.tree)):
        report = msgspec.structs.replace(report, fix=fix.summarised())
    if has_jobs(context.home) and (job := jobs_of(context.home, context.repository).get(report.tree)):
        report = msgspec.structs.replace(report, job=job.summarised())
    return report


def _what_else(context: Context) -> None:
    """Print the running repairs and the fixes that can be applied."""
    for job in running(context.home, context.repository) if has_jobs(context.home) else ():
        click.echo(
            f"A repair of {one_line(job.title)} is running: {background.told(job)}.\n"
            "  -> `ralph-hooks apply` waits for it, `ralph-hooks fix --cancel` stops it",
            err=True,
        )
    if waiting := waiting_fix(context.repository):
        click.echo(waits(waiting), err=True)


def _fix(context: Context, prefix: str) -> StoredFix | None:
    """Return the stored fix whose id starts with ``prefix``.

    Fixes are tried before reports: they are rarer, and report ids are shorter.
    """
    found = fixes.starting_with(context.repository, prefix)
    return fixes.find(context.repository, prefix) if found else None


def _show_fix(context: Context, fix: StoredFix, format_: str, output: Path | None) -> None:
    if format_ not in _FIX_FORMATS:
        raise RalphError(f"cannot show a stored fix as {format_}", f"use --format {' or '.join(_FIX_FORMATS)}")
    color = output is None and format_ == "text" and wants_color()
    text = "".join(f"{line}\n" for line in in_full(context.repository, fix, color=color))
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise RalphError(f"cannot write {output}: {error.strerror}", "write to another --output") from error


def _list(reports: Sequence[StoredReport], stored: Sequence[StoredFix]) -> None:
    for kept in reports:
        click.echo(_line(kept))
    if stored:
        click.echo("stored fixes:")
    for fix in stored:
        click.echo(brief(fix))


def _line(kept: StoredReport) -> str:
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(kept.time))
    report = kept.report
    what = f"{one_line(report.title)}: {one_line(report.reason)}"
    return f"{kept.id}  {when}  {report.command}  {report.verdict.value}  {what}"
