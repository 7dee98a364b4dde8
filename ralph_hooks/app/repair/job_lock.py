"""One repair of a tree at a time, whoever makes it: what stands in its record, and how it has ended.

The lock and the record are the same for a process in the background and for a command that somebody waits for, so that
each of them is seen by `show`, awaited by `apply` and by the other, and ended by `fix --cancel`.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable

import msgspec

from ralph_hooks.app.context import Context
from ralph_hooks.app.jobs import jobs_of
from ralph_hooks.app.progress import Silent, progress
from ralph_hooks.app.repair import background
from ralph_hooks.core.change import Change
from ralph_hooks.core.job import Job, JobState
from ralph_hooks.core.ports.progress import Progress
from ralph_hooks.core.report import Report, Step, Verdict
from ralph_hooks.core.text import one_line
from ralph_hooks.errors import RalphError
from ralph_hooks.store.jobs import JobLock


class JobProgress:
    """Progress that stands in the record of the job, and is ``shown``. Satisfies `core.ports.progress.Progress`.

    Safe from several threads.
    """

    def __init__(self, job_lock: JobLock, job: Job, shown: Progress | None = None) -> None:
        self._tenure = job_lock
        self._shown = shown or Silent()
        self._lock = threading.Lock()
        self.job = job

    def begin(self, what: str, total: int) -> None:
        """A new step."""
        self.write(step=what, done=0, total=total)
        self._shown.begin(what, total)

    def advance(self) -> None:
        """One part of it is done."""
        self.write(done=self.job.done + 1)
        self._shown.advance()

    def end(self) -> None:
        """Nothing in the record: the next step says so."""
        self._shown.end()

    def interrupted(self) -> dict[str, object]:
        """Return what the record says where a signal has ended it."""
        if self._tenure.cancelled:
            return {"state": JobState.CANCELLED, "outcome": "it was cancelled"}
        late = time.time() >= self.job.started + self.job.seconds
        return failed(f"its deadline of {self.job.seconds:,.0f} s came" if late else "it was ended from outside")

    def write(self, **changes: object) -> None:
        """Change the record. That it cannot be written is no reason to stop."""
        with self._lock, contextlib.suppress(OSError):
            self.job = msgspec.structs.replace(self.job, **changes)
            self._tenure.write(self.job)


def failed(outcome: str, *, settled: bool = False) -> dict[str, object]:
    """Return what the record says of a repair that has made no fix; ``settled`` as in `Job`."""
    return {"state": JobState.FAILED, "outcome": one_line(outcome), "settled": settled}


def broken(error: RalphError) -> dict[str, object]:
    """Return what the record says where only the user can help."""
    return failed(f"{error.message} ({error.hint})" if error.hint else error.message)


def outcome(report: Report) -> dict[str, object]:
    """Return what the record says of ``report``."""
    if report.fix is not None:
        return {"state": JobState.FINISHED, "outcome": "a fix is stored", "fix": report.fix.id}
    if report.verdict is Verdict.PASS:
        return failed("nothing is wrong with it any more")
    tried = any(rung.step is Step.IMPLEMENT and rung.succeeded for rung in report.rungs)
    reason = next((notice for notice in report.notices if notice.startswith("not repaired: ")), report.reason)
    return failed(reason, settled=tried)


def hold_job_lock(
    context: Context, change: Change, command: str, make: Callable[[Progress | None], Report], *, whole: bool = True
) -> Report:
    """Return what ``make`` comes to, while nobody else repairs the same tree; whoever does is awaited first.

    ``make`` is given who is to be told how far it is. ``whole``: all that is wrong is to be mended, so that a hook need
    not try what did not do here, nor who has waited for it: then NotRepairedError is raised. Where no lock can be had,
    nobody is kept from repairing.
    """
    job_lock = _taken(context, change, whole=whole)
    if job_lock is None:
        return make(None)
    with job_lock:
        job = msgspec.structs.replace(background.begun(context, change, command), pid=os.getpid())
        watched = JobProgress(job_lock, job, progress())
        watched.write()
        ended = failed("ralph-hooks failed inside")
        try:
            report = make(watched)
            ended = outcome(report)
            if not whole:
                ended["settled"] = False
        except KeyboardInterrupt:
            ended = watched.interrupted()
            raise
        except RalphError as error:
            ended = broken(error)
            raise
        finally:
            watched.write(**ended, ended=time.time())
        if report.fix is None and report.verdict is Verdict.PASS and not report.rungs:
            job_lock.discard()  # there was nothing to do
    return report


def _taken(context: Context, change: Change, *, whole: bool) -> JobLock | None:
    """The record of the tree, once nobody else has it; None where there is no place for one."""
    jobs = jobs_of(context.home, context.repository)
    try:
        while (job_lock := jobs.take(change.tree)) is None:
            job = jobs.get(change.tree)
            if job is None or not jobs.runs(job):
                return None
            ended = background.follow(context.home, context.repository, job)
            if whole and ended is not None and ended.state is JobState.FAILED and ended.settled:
                raise background.not_repaired(ended)
    except OSError:  # whoever opens the state says what is the matter with it
        return None
    return job_lock
