"""Background repairs of one repository: find them, and remove the leftovers of killed ones."""

from __future__ import annotations

import click

from ralph_hooks.core.job import Job
from ralph_hooks.core.text import one_line, visible
from ralph_hooks.errors import RalphError
from ralph_hooks.git.fixes import pins
from ralph_hooks.git.sandbox.scratch import sweep
from ralph_hooks.git.snapshot import Repository
from ralph_hooks.store import sqlite
from ralph_hooks.store.jobs import Jobs
from ralph_hooks.store.paths import Home


def jobs_of(home: Home, repository: Repository) -> Jobs:
    """Return the jobs of this repository, started from any of its worktrees."""
    return Jobs(home.state, known_as(repository))


def known_as(repository: Repository) -> sqlite.RepositoryId:
    """Return the repository's id in our records."""
    return sqlite.RepositoryId.at(repository.common_dir)


def clear_away(home: Home, repository: Repository) -> None:
    """Remove the leftovers of repairs whose process was killed, and report it.

    An error here never fails the command that is being run.
    """
    try:
        died = jobs_of(home, repository).sweep()
        for job in died:
            pins.unpin(repository, job.tree)
        if died:
            sweep()
    except (RalphError, OSError) as error:
        click.echo(f"ralph-hooks: cannot remove the files of a killed repair: {visible(str(error))}", err=True)
        return
    for job in died:
        click.echo(
            f"ralph-hooks: the repair of {one_line(job.title)} was killed, and its files are removed;"
            " `ralph-hooks fix` starts another",
            err=True,
        )


def running(home: Home, repository: Repository) -> tuple[Job, ...]:
    """Return the running jobs, the latest first."""
    jobs = jobs_of(home, repository)
    return tuple(job for job in jobs.all() if jobs.runs(job))
