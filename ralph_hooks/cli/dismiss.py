"""``ralph-hooks dismiss``."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from ralph_hooks.app import dismissals
from ralph_hooks.app.context import Context, load_context, open_state
from ralph_hooks.core.dismissal import DISMISSED, Dismissal, DismissalKind
from ralph_hooks.core.finding import SHORT, Finding
from ralph_hooks.core.report import Report
from ralph_hooks.core.text import one_line, path_line, plural
from ralph_hooks.errors import ExitCode, RalphError
from ralph_hooks.git.dismissals import entries_of
from ralph_hooks.store.labels import StoredLabels
from ralph_hooks.store.reports import Reports

HELP = """\
Dismiss findings: they no longer block and stay hidden while their code is the same.

ID is the id that every report prints beside a finding, or its first digits; without one, choose at the terminal. The
entries are written to .ralph-hooks/dismissed.toml. They apply to you at once, and to your team once you commit the
file. A finding comes back when one of its lines changes. A failing command cannot be dismissed.

\b
Examples:
  ralph-hooks dismiss 1a2b3c4d --reason "the caller checks it"
  ralph-hooks dismiss --last --reason "generated from the schema"
  ralph-hooks dismiss 1a2b3c4d --accept --reason "true, but removed next week"
  ralph-hooks dismiss --list
  ralph-hooks dismiss --undo 1a2b3c4d
  ralph-hooks dismiss --prune          remove entries whose code is gone
"""
_REPORTS = 50  # reports searched for an id
_SECRET = "secrets"


@click.command("dismiss", help=HELP)
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.option("--reason", metavar="TEXT", help="The reason (required), stored with the entry.")
@click.option("--last", is_flag=True, help="Dismiss what blocks in the last report, except secrets.")
@click.option("--false-alarm", "accept", flag_value=False, default=False, help="The finding is wrong (the default).")
@click.option("--accept", "accept", flag_value=True, help="The finding is right, and the project accepts it.")
@click.option("--list", "listed", is_flag=True, help="List the dismissed findings.")
@click.option("--undo", is_flag=True, help="Revoke these dismissals.")
@click.option("--prune", is_flag=True, help="Remove the entries whose code is gone.")
def command(
    *, ids: tuple[str, ...], reason: str | None, last: bool, accept: bool, listed: bool, undo: bool, prune: bool
) -> int:
    """Find the findings that the user means and write the file."""
    if sum((listed, undo, prune, last)) > 1:
        raise click.UsageError("--last, --list, --undo and --prune exclude each other")
    if ids and (listed or prune or last):
        raise click.UsageError("--last, --list and --prune take no ID")
    context = load_context()
    if listed:
        return _list(context)
    if undo:
        if not ids:
            raise click.UsageError("--undo needs the ID of a dismissal: see --list")
        _told("Took back", dismissals.undo(context.repository, ids))
        return ExitCode.PASS
    if prune:
        gone = dismissals.prune(context.repository)
        if not gone:
            click.echo("Every dismissal's code is still there.")
            return ExitCode.PASS
        _told("Removed", gone)
        return ExitCode.PASS
    return _dismiss(
        context, ids, reason, last=last, kind=DismissalKind.ACCEPTED if accept else DismissalKind.FALSE_ALARM
    )


def _dismiss(context: Context, ids: Sequence[str], reason: str | None, *, last: bool, kind: DismissalKind) -> int:
    with open_state(context.home) as state:
        reports = [kept.report for kept in Reports(state.database, context.known_as()).recent(_REPORTS)]
    if not reports:
        raise RalphError(
            "no change in this repository was reviewed yet", "run `ralph-hooks gate` to review the staged change"
        )
    if ids:
        findings = dismissals.chosen(ids, dismissals.dismissable(reports))
    elif last:
        findings = _blocking(reports[0])
    elif sys.stdin is not None and sys.stdin.isatty():
        findings = _asked(reports[0])
    else:
        raise click.UsageError("name a finding by its ID, or use --last; `ralph-hooks show` lists them")
    if not findings:
        click.echo("Nothing to dismiss.")
        return ExitCode.PASS
    if reason is None and sys.stdin is not None and sys.stdin.isatty():
        reason = click.prompt("Reason", err=True)
    if not (reason or "").strip():
        raise click.UsageError("missing --reason: give one, for people who read the entry later")
    _told("Dismissed", dismissals.dismiss(context.repository, findings, kind, reason or ""))
    with open_state(context.home) as state:
        StoredLabels(state.database, context.known_as()).decide([finding.fingerprint for finding in findings], kind)
    click.echo(
        f"Commit {DISMISSED}, so that your team and CI do not see {'it' if len(findings) == 1 else 'them'} again."
    )
    return ExitCode.PASS


def _blocking(report: Report) -> list[Finding]:
    """Return the blocking findings of ``report`` without secrets: a secret may be real, so it must be named."""
    found = [finding for finding in report.findings if finding.blocking]
    if named := [finding for finding in found if finding.source == _SECRET]:
        ids = ", ".join(finding.id for finding in named)
        click.echo(f"ralph-hooks: not dismissed, because a secret must be named by its id: {ids}", err=True)
    return [finding for finding in found if finding.source != _SECRET]


def _asked(report: Report) -> list[Finding]:
    """Ask about the findings of the last report, blocking ones first."""
    found = list(report.findings)
    if not found:
        return []
    for number, finding in enumerate(found, start=1):
        mark = "blocks" if finding.blocking else "advice"
        click.echo(f"{number:>3}  {mark}  {dismissals.described(finding)}", err=True)
        click.echo(f"            {one_line(' '.join(finding.message.split()))[:100]}", err=True)
    answer = str(click.prompt("Dismiss which (numbers, separated by spaces)", default="", show_default=False, err=True))
    picked = []
    for word in answer.replace(",", " ").split():
        if not word.isdecimal() or not 1 <= int(word) <= len(found):
            raise click.UsageError(f"{one_line(word)!r} is not a number from 1 to {len(found)}")
        picked.append(found[int(word) - 1])
    return list(dict.fromkeys(picked))


def _list(context: Context) -> int:
    entries = entries_of(context.repository)
    for entry in sorted(entries, key=lambda each: (each.path, each.id)):
        click.echo(_line(entry))
        click.echo(f"          {one_line(entry.reason)} ({one_line(entry.by)}, {one_line(entry.on)})")
        if entry.code:
            click.echo(f"          > {one_line(entry.code)}")
    if not entries:
        click.echo("Nothing is dismissed.")
    return ExitCode.PASS


def _told(what: str, entries: Sequence[Dismissal]) -> None:
    click.echo(f"{what} {plural(len(entries), 'finding')}:")
    for entry in entries:
        click.echo(f"  {_line(entry)}")


def _line(entry: Dismissal) -> str:
    return f"{entry.id[:SHORT]}  {path_line(entry.path)}: {one_line(entry.finding)}, {entry.kind}"
