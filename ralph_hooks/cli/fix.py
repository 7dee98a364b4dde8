"""``ralph-hooks fix``."""

from __future__ import annotations

import sys
from contextlib import nullcontext, redirect_stdout
from pathlib import Path

import click

from ralph_hooks.app.context import Context, load_context, open_state, require_consent
from ralph_hooks.app.repair import background
from ralph_hooks.app.repair.job_lock import hold_job_lock
from ralph_hooks.app.repair.repair import repair
from ralph_hooks.app.wiring import Selection
from ralph_hooks.cli.apply import bring_in
from ralph_hooks.cli.shared.review_command import chosen, emit, report_options, selection_options, wants_color
from ralph_hooks.cli.shared.stored_fixes import in_full
from ralph_hooks.core.ports.progress import Progress
from ralph_hooks.core.report import Report
from ralph_hooks.core.text import one_line
from ralph_hooks.errors import ExitCode, RalphError
from ralph_hooks.git.fixes import store as fixes
from ralph_hooks.git.snapshot import GitSnapshot

HELP = """\
Repair what the gate rejects. The change is reviewed (cached verdicts cost nothing) and repaired in a scratch copy;
checks, models and your verify commands check the repair; it is stored as a fix. Your files stay unchanged until you
apply it.

This repairs the staged change; if nothing is staged, the last commit; or the change that the options name. With an
INSTRUCTION the repair follows it, even if the gate accepts the change. If a repair of the same change is already
running, in the background or elsewhere, this command waits for it.

\b
Examples:
  ralph-hooks fix                            the staged change
  ralph-hooks fix --apply                    repair, and apply the fix
  ralph-hooks fix --finding 2                only the second finding of the report
  ralph-hooks fix "keep the old signature"   with an instruction
  ralph-hooks fix --from-ref origin/main     the range that a push was rejected for
  ralph-hooks fix --cancel                   stop the background repairs

Exit codes: 0 nothing to repair, or a fix is stored; 1 not repaired; 2 wrong usage or configuration; 3 the change could
not be reviewed; 4 not trusted yet; 130 interrupted.
"""


@click.command("fix", help=HELP)
@click.argument("words", metavar="[INSTRUCTION]", nargs=-1)
@click.option(
    "--finding",
    "wanted",
    multiple=True,
    metavar="FINGERPRINT|N",
    help="Repair only this finding: its number in the report, or the start of its fingerprint.",
)
@click.option(
    "--apply/--no-apply",
    "wanted_in",
    default=None,
    help="Apply the fix to the working tree, or only store it. Default: ask at a terminal.",
)
@click.option("--again", is_flag=True, help="Make another fix even if one is stored for this change.")
@click.option("--cancel", is_flag=True, help="Stop the background repairs of this repository.")
@selection_options
@report_options
def command(
    *,
    words: tuple[str, ...],
    wanted: tuple[str, ...],
    wanted_in: bool | None,
    again: bool,
    cancel: bool,
    from_ref: str | None,
    to_ref: str | None,
    commit: str | None,
    keep_bodies: bool,
    format_: str,
    output: Path | None,
) -> int:
    """Judge, repair, show the result and offer to apply it."""
    context = load_context()
    if cancel:
        return _cancel(context)
    require_consent(context)
    selection = chosen(from_ref, to_ref, commit, keep_bodies=keep_bodies)
    with open_state(context.home, context.settings) as state:
        snapshot, notices = _choose(context, selection)

        def make(shown: Progress | None) -> Report:
            said = " ".join(words)
            return repair(
                context, state, snapshot, instruction=said, wanted=wanted, again=again, notices=notices, shown=shown
            )

        report = hold_job_lock(context, snapshot.change, "fix", make, whole=not words and not wanted)
    code = emit(report, format_, output)
    if report.fix is not None and wanted_in is not False:
        plain = format_ == "text" and output is None
        if wanted_in or (plain and _agreed(context, report.fix.id)):
            # Standard output carries the report alone, for programs that read it.
            with nullcontext() if plain else redirect_stdout(sys.stderr):
                bring_in(context.repository, fixes.find(context.repository, report.fix.id))
    return code


def _agreed(context: Context, fix_id: str) -> bool:
    """Show the fix and ask whether to apply it; False if there is no terminal."""
    if not (sys.stdin and sys.stdin.isatty() and sys.stdout and sys.stdout.isatty()):
        return False
    click.echo()
    for line in in_full(context.repository, fixes.find(context.repository, fix_id), color=wants_color()):
        click.echo(line)
    return click.confirm("Apply it to your working tree?", default=False)


def _choose(context: Context, selection: Selection) -> tuple[GitSnapshot, tuple[str, ...]]:
    """Return the change to repair, and notices for the user about the choice."""
    snapshot = selection.read(context.repository)
    if snapshot.change.entries or selection != Selection():
        return snapshot, ()
    if context.repository.head_tree is None:
        raise RalphError("nothing is staged, and there is no commit yet", "`git add` the change to repair")
    return Selection(commit="HEAD").read(context.repository), ("nothing is staged: repairing the last commit",)


def _cancel(context: Context) -> int:
    ended = background.cancel_all(context)
    for job in ended:
        click.echo(f"Stopped the repair of {one_line(job.title)}.")
    if not ended:
        click.echo("No repair is running in the background.")
    return ExitCode.PASS
