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
Bring a stored fix into the working tree: the one of what is staged now, or the one whose id begins with ID. Where a
refused change is being repaired in the background, this waits for the fix.

What you have edited since is kept and merged with it; where that cannot be done nothing is changed, and you are told
the file and the line. The index is not touched: `git add` what you want of it. `ralph-hooks undo` takes it back.

\b
Examples:
  ralph-hooks show         says which fix waits
  ralph-hooks apply        the fix of what is staged now, or of what was refused last
  ralph-hooks apply 1a2b   the fix whose id begins so
"""


@click.command("apply", help=HELP)
@click.argument("fix_id", metavar="[ID]", required=False)
def command(*, fix_id: str | None) -> None:
    """Choose the fix and bring it in."""
    repository = find_repository()
    bring_in(repository, choose(repository, _awaited(repository) if fix_id is None else fix_id))


def _awaited(repository: Repository) -> str | None:
    """The fix that the background repair makes, or has made, of what is staged or was refused last; None without one.

    After a refused `git commit -a` the index holds something else than what was judged.
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
    """The trees that a user may mean without saying so: what is staged, what was refused last."""
    with contextlib.suppress(GitError):  # conflicts in the index: nothing was judged there
        yield staged(repository).change.tree
    with open_state(home) as state:
        last = Reports(state.database, known_as(repository)).last()
    if last is not None and last.report.verdict is Verdict.FAIL:
        yield last.report.tree


def bring_in(repository: Repository, fix: StoredFix) -> None:
    """Apply ``fix`` and say what was done. Raises RalphError, and then has changed nothing."""
    applied = apply(repository, fix)
    if not applied.paths:
        click.echo(f"Fix {applied.fix} is in your working tree already: nothing was changed.")
        return
    click.echo(f"Applied fix {applied.fix} to {plural(len(applied.paths), 'file')}:")
    for line in told(applied):
        click.echo(line)
    click.echo("  -> look at it with `git diff`, `git add` what you want of it; `ralph-hooks undo` takes it back")
