"""``ralph-hooks apply``."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import click

from ralph_hooks.app.context import find_repository, has_jobs, open_state
from ralph_hooks.app.jobs import jobs_of, known_as
from ralph_hooks.app.repair.background import not_repaired, wait
from ralph_hooks.cli.shared.stored_fixes import choose, told, waiting
from ralph_hooks.core.job import JobState
from ralph_hooks.core.repair import StoredFix
from ralph_hooks.core.report import Verdict
from ralph_hooks.core.text import plural
from ralph_hooks.errors import GitError
from ralph_hooks.git.fixes import store as fixes
from ralph_hooks.git.fixes.apply import apply
from ralph_hooks.git.snapshot import Repository, staged
from ralph_hooks.store.paths import Home, locate
from ralph_hooks.store.reports import Reports

HELP = """\
Apply a stored fix to the working tree: the fix of the staged change, or the one whose id starts with ID. If a
background repair of a rejected change is running, this command waits for its fix.

Your later edits are kept and merged with the fix. On a conflict nothing is changed, and the error names the file and
the line. The index is not touched: `git add` the parts you want. `ralph-hooks undo` reverts the fix.

\b
Examples:
  ralph-hooks show         show which fix is stored
  ralph-hooks apply        the fix of the staged change, or of the last rejected one
  ralph-hooks apply 1a2b   the fix whose id starts with 1a2b
"""


@click.command("apply", help=HELP)
@click.argument("fix_id", metavar="[ID]", required=False)
def command(*, fix_id: str | None) -> None:
    """Choose the fix and apply it."""
    repository = find_repository()
    bring_in(repository, choose(repository, _awaited(repository) if fix_id is None else fix_id))


def _awaited(repository: Repository) -> str | None:
    """Return the id of the background repair's fix for the staged or last refused change; None without one.

    Waits for a running repair. After a refused `git commit -a` the index differs from the reviewed tree.
    """
    home = locate(os.environ)
    if not has_jobs(home):
        return None
    jobs = jobs_of(home, repository)
    job = next((job for job in map(jobs.get, _meant(home, repository)) if job is not None), None)
    if job is None:
        return None
    if jobs.runs(job):
        job = wait(home, repository, job)
    if job.state is JobState.FINISHED:
        return job.fix if any(fix.id == job.fix for fix in fixes.every(repository)) else None
    if waiting(repository) is None:
        raise not_repaired(job)
    return None


def _meant(home: Home, repository: Repository) -> Iterator[str]:
    """Yield the trees a user may mean without naming one: the staged one, then the last refused one."""
    with contextlib.suppress(GitError):  # conflicts in the index: nothing was reviewed there
        yield staged(repository).change.tree
    with open_state(home) as state:
        last = Reports(state.database, known_as(repository)).last()
    if last is not None and last.report.verdict is Verdict.FAIL:
        yield last.report.tree


def bring_in(repository: Repository, fix: StoredFix) -> None:
    """Apply ``fix`` and report the changes.

    Raises RalphError, having changed nothing, if the fix cannot be applied.
    """
    applied = apply(repository, fix)
    if not applied.paths:
        click.echo(f"Fix {applied.fix} is already in your working tree: nothing was changed.")
        return
    click.echo(f"Applied fix {applied.fix} to {plural(len(applied.paths), 'file')}:")
    for line in told(applied):
        click.echo(line)
    click.echo("  -> review it with `git diff`, `git add` what you want to keep; `ralph-hooks undo` reverts it")
