"""A lock and a record per tree, so that only one repair of it runs at a time.

Background processes and foreground commands share both. `show` therefore lists either, `apply` and the other kind wait
for it, and `fix --cancel` stops it.
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
    """A progress that is written to the job's record and passed to ``shown``. Satisfies `core.ports.progress.Progress`.

    Safe from several threads.
    """

    def __init__(self, job_lock: JobLock, job: Job, shown: Progress | None = None) -> None:
        self._tenure = job_lock
        self._shown = shown or Silent()
        self._lock = threading.Lock()
        self.job = job

    def begin(self, what: str, total: int) -> None:
        """Start a new step."""
        self.write(step=what, done=0, total=total)
        self._shown.begin(what, total)

    def advance(self) -> None:
        """Record that one part of the step is done."""
        self.write(done=self.job.done + 1)
        self._shown.advance()

    def end(self) -> None:
        """Record nothing: the next step replaces this one."""
        self._shown.end()

    def interrupted(self) -> dict[str, object]:
        """Return the record's changes for a repair that a signal ended."""
        if self._tenure.cancelled:
            return {"state": JobState.CANCELLED, "outcome": "it was cancelled"}
        late = time.time() >= self.job.started + self.job.seconds
        return failed(f"its deadline of {self.job.seconds:,.0f} s came" if late else "it was terminated")

    def write(self, **changes: object) -> None:
        """Update the record. A failure to write it does not stop the repair."""
        with self._lock, contextlib.suppress(OSError):
            self.job = msgspec.structs.replace(self.job, **changes)
            self._tenure.write(self.job)


def failed(outcome: str, *, settled: bool = False) -> dict[str, object]:
    """Return the record's changes for a repair without a fix; ``settled`` as in `Job`."""
    return {"state": JobState.FAILED, "outcome": one_line(outcome), "settled": settled}


def broken(error: RalphError) -> dict[str, object]:
    """Return the record's changes for an error that only the user can resolve."""
    return failed(f"{error.message} ({error.hint})" if error.hint else error.message)


def outcome(report: Report) -> dict[str, object]:
    """Return the record's changes for ``report``."""
    if report.fix is not None:
        return {"state": JobState.FINISHED, "outcome": "a fix is stored", "fix": report.fix.id}
    if report.verdict is Verdict.PASS:
        return failed("the change passes now, so nothing was left to repair")
    tried = any(rung.step is Step.IMPLEMENT and rung.succeeded for rung in report.rungs)
    reason = next((notice for notice in report.notices if notice.startswith("not repaired: ")), report.reason)
    return failed(reason, settled=tried)


def hold_job_lock(
    context: Context, change: Change, command: str, make: Callable[[Progress | None], Report], *, whole: bool = True
) -> Report:
    """Return the result of ``make`` while no other process repairs the same tree; wait for one that does.

    ``make`` receives the progress to report to. With ``whole`` all problems are to be repaired, so that a hook skips a
    repair that failed here, and so does a process that waited for it: it raises NotRepairedError. If no lock is
    available, the repair runs anyway.
    """
    job_lock = _taken(context, change, whole=whole)
    if job_lock is None:
        return make(None)
    with job_lock:
        job = msgspec.structs.replace(background.begun(context, change, command), pid=os.getpid())
        watched = JobProgress(job_lock, job, progress())
        watched.write()
        ended = failed("ralph-hooks hit an internal error")
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
            job_lock.discard()  # there was nothing to repair
    return report


def _taken(context: Context, change: Change, *, whole: bool) -> JobLock | None:
    """Return the lock on the tree's record, once it is free; None if there is no place for one."""
    jobs = jobs_of(context.home, context.repository)
    try:
        while (job_lock := jobs.take(change.tree)) is None:
            job = jobs.get(change.tree)
            if job is None or not jobs.runs(job):
                return None
            ended = background.follow(context.home, context.repository, job)
            if whole and ended is not None and ended.state is JobState.FAILED and ended.settled:
                raise background.not_repaired(ended)
    except OSError:  # opening the state reports the same error
        return None
    return job_lock
