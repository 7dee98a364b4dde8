"""Shared parts of the judging commands: their options, and the steps from a change to a printed report."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TextIO

import click

from ralph_hooks.app.context import in_hook
from ralph_hooks.app.wiring import KEEP_BODIES, ReviewSession, Selection, open_review
from ralph_hooks.config import Stage
from ralph_hooks.core.report import Report
from ralph_hooks.engine.review.gate import Scope
from ralph_hooks.errors import RalphError
from ralph_hooks.reports.formats import FORMATS, render

_OPTIONS = (
    click.option("--from-ref", metavar="A", help="Review the range from A ..."),
    click.option("--to-ref", metavar="B", help="... to B (default HEAD) instead."),
    click.option("--commit", metavar="C", help="Review commit C against its first parent instead."),
    click.option(
        "--keep-bodies", is_flag=True, help="Save each request and reply to a file and print where, for debugging."
    ),
)
_WORKTREE = click.option("--worktree", is_flag=True, help="Review all uncommitted changes instead, new files included.")
_INTENT = click.option(
    "--intent", metavar="TEXT", default="", help="Describe the purpose of the change for the models; checks ignore it."
)
_REPORT_OPTIONS = (
    click.option(
        "--format",
        "format_",
        type=click.Choice(list(FORMATS)),
        default="text",
        show_default=True,
        help="Output format.",
    ),
    click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write the report to a file."),
)


def judging_command(
    name: str, help_: str, *, delegates: bool = False
) -> Callable[[Callable[[ReviewSession], Scope]], click.Command]:
    """Return a decorator for a click command that judges with the scope of the decorated function.

    One that ``delegates`` has a refused change repaired.
    """

    def decorate(scope_of: Callable[[ReviewSession], Scope]) -> click.Command:
        def callback(
            *,
            from_ref: str | None,
            to_ref: str | None,
            commit: str | None,
            worktree: bool,
            keep_bodies: bool,
            intent: str,
            format_: str,
            output: Path | None,
        ) -> int:
            selection = chosen(from_ref, to_ref, commit, worktree=worktree, keep_bodies=keep_bodies, intent=intent)
            with open_review(name, selection) as session:
                report = session.judge(name, scope_of(session))
                if delegates and report.exit_code and not selection.worktree:  # its author repairs it
                    report = _followed_up(session, report)
            return emit(report, format_, output)

        return click.command(name, help=help_)(selection_options(_WORKTREE(_INTENT(report_options(callback)))))

    return decorate


def gate_scope(session: ReviewSession) -> Scope:
    """Return the gate's scope: the review, and verify commands if the configuration runs them at this stage."""
    return Scope.REVIEW | Scope.COMMANDS if session.stage in session.context.settings.verify.on else Scope.REVIEW


def chosen(
    from_ref: str | None,
    to_ref: str | None,
    commit: str | None,
    *,
    worktree: bool = False,
    keep_bodies: bool,
    intent: str = "",
) -> Selection:
    """Return the change named by the options, else the hook manager's range, else the staged change.

    Raises click.UsageError if the options contradict each other.
    """
    if keep_bodies:
        os.environ[KEEP_BODIES] = "1"  # inherited by a repair that continues in the background
    if commit and from_ref:
        raise click.UsageError("--commit and --from-ref exclude each other")
    if worktree and (from_ref or to_ref or commit):
        raise click.UsageError("--worktree excludes --commit, --from-ref and --to-ref")
    if from_ref or to_ref or commit or worktree:
        return Selection(from_ref, to_ref, commit, worktree, intent)
    return Selection(os.environ.get("PRE_COMMIT_FROM_REF"), os.environ.get("PRE_COMMIT_TO_REF"), intent=intent)


def _followed_up(session: ReviewSession, report: Report) -> Report:
    """Return ``report`` with the follow-up to a refused change.

    A review of old commits by hand starts no repair.
    """
    from ralph_hooks.app.repair.on_failure import handle_failure, in_ci

    if session.stage is Stage.PRE_PUSH and not (in_hook() or in_ci()):
        return report
    return handle_failure(session.context, report, session.snapshot)


def selection_options(function: Callable[..., int]) -> Callable[..., int]:
    """Add the options that `chosen` takes to a command."""
    return _with(_OPTIONS, function)


def report_options(function: Callable[..., int]) -> Callable[..., int]:
    """Add ``--format`` and ``--output`` to a command."""
    return _with(_REPORT_OPTIONS, function)


def _with(options: Sequence[Callable[[Any], Any]], function: Callable[..., int]) -> Callable[..., int]:
    for option in reversed(options):
        function = option(function)
    return function


def emit(report: Report, format_: str, output: Path | None, *, everything: bool = False) -> int:
    """Write ``report`` to ``output`` or standard output and return its exit code."""
    width = terminal_width()
    if output is None:
        say(render(report, format_, color=wants_color(), width=width, everything=everything), sys.stdout)
        return report.exit_code
    write_text(output, render(report, format_, color=False, width=width, everything=everything))
    if not everything:  # the file is for a program: the user still gets a message
        say(render(report, "text", color=wants_color(sys.stderr), width=width), sys.stderr)
    return report.exit_code


def say(text: str, stream: TextIO | None) -> None:
    """Print ``text``. A closed reader (`| head`) does not affect the verdict."""
    try:
        click.echo(text, file=stream, nl=False)
    except OSError as error:
        if stream is not None:  # Python flushes again at exit, and would then report an error
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        if not isinstance(error, BrokenPipeError):
            raise RalphError(f"cannot print the report: {error.strerror}", "see `ralph-hooks show`") from error


def write_text(path: Path, text: str) -> None:
    """Write a report to a file. Raises RalphError if that fails."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise RalphError(f"cannot write {path}: {error.strerror}", "write to another file") from error


def wants_color(stream: TextIO | None = None) -> bool:
    """Return True for a terminal (default: standard output), unless NO_COLOR is set (https://no-color.org)."""
    looked_at = stream or sys.stdout  # None if it was closed
    dumb = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return looked_at is not None and looked_at.isatty() and not dumb


def terminal_width() -> int:
    """Return the terminal's width in columns; 100 without a terminal."""
    import shutil

    return shutil.get_terminal_size((100, 24)).columns
