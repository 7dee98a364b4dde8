"""Background repairs of one repository: find them, and remove what a killed one left."""

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
    """The jobs of this repository, whichever of its worktrees started them."""
    return Jobs(home.state, known_as(repository))


def known_as(repository: Repository) -> sqlite.RepositoryId:
    """The repository as our records name it."""
    return sqlite.RepositoryId.at(repository.common_dir)


def clear_away(home: Home, repository: Repository) -> None:
    """Remove what repairs have left whose process was killed, and say so.

    Whatever goes wrong here must not stand in the way of the command that is being run.
    """
    try:
        died = jobs_of(home, repository).sweep()
        for job in died:
            pins.unpin(repository, job.tree)
        if died:
            sweep()
    except (RalphError, OSError) as error:
        click.echo(f"ralph-hooks: what a killed repair has left could not be removed: {visible(str(error))}", err=True)
        return
    for job in died:
        click.echo(
            f"ralph-hooks: the repair of {one_line(job.title)} was killed, and what it left is removed;"
            " `ralph-hooks fix` makes another",
            err=True,
        )


def running(home: Home, repository: Repository) -> tuple[Job, ...]:
    """The jobs that go on, the latest first."""
    jobs = jobs_of(home, repository)
    return tuple(job for job in jobs.all() if jobs.runs(job))
