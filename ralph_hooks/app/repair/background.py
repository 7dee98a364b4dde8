"""Background repairs: start, follow, await and cancel them.

A repair takes a minute or two, too long to block a commit: the hook pins the judged objects, starts
`app.repair.worker` and exits. There is one job per tree.
"""

from __future__ import annotations

import os
import sys
import time

import click

from ralph_hooks.app.context import Context
from ralph_hooks.app.jobs import clear_away, jobs_of, running
from ralph_hooks.app.progress import progress
from ralph_hooks.core.change import Change
from ralph_hooks.core.job import Job, JobState
from ralph_hooks.core.text import one_line, visible
from ralph_hooks.errors import ExitCode, RalphError
from ralph_hooks.git.fixes import pins
from ralph_hooks.git.sandbox.scratch import sweep
from ralph_hooks.git.snapshot import Repository
from ralph_hooks.process import detach
from ralph_hooks.reports.wording import duration
from ralph_hooks.store.jobs import Jobs
from ralph_hooks.store.paths import Home

_LOOK = 0.1  # seconds between two polls of an awaited job


class NotRepairedError(RalphError):
    """A background repair that produced no fix."""

    exit_code = ExitCode.REJECTED


def begun(context: Context, change: Change, command: str) -> Job:
    """Return the record of a repair of ``change`` that starts now."""
    return Job(
        tree=change.tree,
        title=visible(change.title),
        command=command,
        started=time.time(),
        seconds=context.settings.fix.deadline,
    )


def start(context: Context, change: Change, command: str) -> Job | None:
    """Start the repair of ``change``, or join a running one; return its job, or None if it could not start.

    The hook's verdict does not depend on it: a failure to start is reported and raises nothing.
    """
    jobs = jobs_of(context.home, context.repository)
    try:
        job_lock = jobs.take(change.tree)
        if job_lock is None:
            return jobs.get(change.tree)
        job = begun(context, change, command)
        with job_lock:
            try:
                job_lock.write(job)
                pins.pin(context.repository, change)
                detach(
                    [
                        sys.executable,
                        "-P",
                        "-m",
                        "ralph_hooks.app.repair.worker",
                        change.tree,
                        str(job_lock.descriptor),
                    ],
                    cwd=context.repository.top,
                    env=pins.environment(context.repository, os.environ),
                    log=job_lock.log,
                    hold=job_lock.descriptor,
                )
            except BaseException:
                job_lock.discard()
                pins.unpin(context.repository, change.tree)
                raise
    except (RalphError, OSError) as error:
        click.echo(f"ralph-hooks: the repair could not be started: {visible(str(error))}", err=True)
        return None
    return job


def cancel_all(context: Context) -> tuple[Job, ...]:
    """Stop every job of this repository and return those stopped. Raises RalphError if one cannot be."""
    jobs = jobs_of(context.home, context.repository)
    ended = tuple(job for job in running(context.home, context.repository) if jobs.cancel(job))
    for job in ended:
        pins.unpin(context.repository, job.tree)
    if ended:
        sweep()  # a killed job has left its scratch copies
    return ended


def follow(home: Home, repository: Repository, job: Job) -> Job | None:
    """Wait for ``job`` to end, showing its progress; return its final record, None if that was removed."""
    click.echo(f"Waiting for the repair of {one_line(job.title)} ({told(job)}).", err=True)
    try:
        return _awaited(jobs_of(home, repository), job)
    except KeyboardInterrupt:
        click.echo("ralph-hooks: the repair keeps running; `ralph-hooks fix --cancel` stops it", err=True)
        raise


def wait(home: Home, repository: Repository, job: Job) -> Job:
    """Wait for ``job`` to end and return its record. Raises NotRepairedError if it produced no fix."""
    ended = follow(home, repository, job)
    if ended is None:
        raise NotRepairedError("the background repair ended without a fix", "run `ralph-hooks fix` to make one")
    if ended.state is JobState.RUNNING:
        clear_away(home, repository)
        raise NotRepairedError("the background repair was killed", "run `ralph-hooks fix` to start another")
    if ended.state is not JobState.FINISHED:
        raise not_repaired(ended)
    return ended


def not_repaired(job: Job) -> NotRepairedError:
    """Return the error for a job that produced no fix."""
    return NotRepairedError(
        f"there is no fix of {one_line(job.title)}: {job.outcome}", "run `ralph-hooks fix` to try again"
    )


def _awaited(jobs: Jobs, job: Job) -> Job | None:
    """Return the record of ``job`` after its process has ended; its steps are shown at a terminal."""
    shown = progress()
    step, done = "", 0
    try:
        current: Job | None = job
        while current is not None and jobs.runs(current):
            if current.step != step:
                shown.end()
                step, done = current.step, 0
                shown.begin(one_line(step), max(1, current.total))
            while done < current.done:
                shown.advance()
                done += 1
            time.sleep(_LOOK)
            current = jobs.get(job.tree)
        return current
    finally:
        shown.end()


def told(job: Job) -> str:
    """Return the progress of a running job: ``implement, 12 s so far, at most 588 s more``."""
    now = time.time()
    so_far = duration(max(0.0, now - job.started))
    return f"{one_line(job.step) or 'starting'}, {so_far} so far, at most {duration(job.remaining(now))} more"
