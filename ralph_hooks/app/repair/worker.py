"""The process of a background repair, started by `app.repair.background`.

Usage: ``python -P -m ralph_hooks.app.repair.worker TREE LOCK``.

It is detached and has no terminal: its record holds its result. ``-P`` keeps the repository's own folder, in which it
is started, off ``sys.path``.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import traceback
from pathlib import Path

from ralph_hooks.app import signals
from ralph_hooks.app.context import context_for, open_state, require_consent
from ralph_hooks.app.jobs import jobs_of
from ralph_hooks.app.repair.job_lock import JobProgress, broken, failed, outcome
from ralph_hooks.app.repair.repair import repair
from ralph_hooks.core.job import Job
from ralph_hooks.core.report import Report
from ralph_hooks.errors import RalphError
from ralph_hooks.git.fixes import pins
from ralph_hooks.git.snapshot import Repository, open_repository
from ralph_hooks.store.paths import locate

_GRACE = 10.0  # seconds of grace after the deadline; each running step observes the deadline by itself


def main(tree: str, lock: str) -> None:
    """Repair the tree pinned as ``tree``, holding the lock inherited as descriptor ``lock``."""
    signals.catch()
    repository = open_repository(Path.cwd())
    jobs = jobs_of(locate(os.environ), repository)
    job_lock = jobs.adopt(tree, int(lock) if os.name == "posix" else None)
    if job_lock is None:
        return  # another process holds it
    job = jobs.get(tree)
    if job is None:
        job_lock.discard()
        return
    watched = JobProgress(job_lock, job)
    watched.write(pid=os.getpid())
    _end_in_time(job)
    ended = _done(repository, watched)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the rest takes milliseconds
    pins.unpin(repository, tree)
    watched.write(**ended, ended=time.time())
    # The lock is released only when this process ends, so a free lock means that everything of it is gone.


def _done(repository: Repository, watched: JobProgress) -> dict[str, object]:
    """Run the job and return its final record, also after an error."""
    try:
        return outcome(_repaired(repository, watched))
    except KeyboardInterrupt:
        return watched.interrupted()
    except RalphError as error:
        return broken(error)
    except Exception as error:  # noqa: BLE001 - nobody else would hear of it
        traceback.print_exc()  # goes to the log
        return failed(f"ralph-hooks hit an internal error ({type(error).__name__}: {error})")


def _repaired(repository: Repository, watched: JobProgress) -> Report:
    job = watched.job
    context = context_for(repository)
    require_consent(context)
    snapshot = pins.pinned(repository, job.tree, job.title)
    with open_state(context.home, context.settings) as state:
        return repair(context, state, snapshot, shown=watched)


def _end_in_time(job: Job) -> None:
    """Terminate this process if a step hangs past its deadline; in the end by force."""

    def end() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(_GRACE)
        os._exit(1)

    timer = threading.Timer(job.remaining(time.time()) + _GRACE, end)
    timer.daemon = True
    timer.start()


if __name__ == "__main__":
    main(*sys.argv[1:])
