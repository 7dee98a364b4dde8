"""The process of a background repair: ``python -P -m ralph_hooks.cli.job TREE LOCK``, started by `cli.background`.

It is nobody's child, has no terminal and nobody to talk to: what becomes of it stands in its record. ``-P`` keeps the
repository's own folder, in which it is started, out of where Python looks for modules.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from types import FrameType
from typing import NoReturn

import msgspec

from ralph_hooks.cli.background import jobs_of
from ralph_hooks.cli.repair import repair
from ralph_hooks.cli.wiring import open_state, place_of, require_consent
from ralph_hooks.core.job import Job, JobState
from ralph_hooks.core.report import Report, Step, Verdict
from ralph_hooks.core.text import one_line
from ralph_hooks.errors import RalphError
from ralph_hooks.git import pins
from ralph_hooks.git.snapshot import Repository, open_repository
from ralph_hooks.store.home import locate
from ralph_hooks.store.jobs import Tenure

_GRACE = 10.0  # seconds after the deadline for steps that are under way; each of them keeps to it by itself


class Watched:
    """Progress that stands in the record of the job. Satisfies `core.ports.Progress`; safe from several threads."""

    def __init__(self, tenure: Tenure, job: Job) -> None:
        self._tenure = tenure
        self._lock = threading.Lock()
        self.job = job

    def begin(self, what: str, total: int) -> None:
        """A new step."""
        self.write(step=what, done=0, total=total)

    def advance(self) -> None:
        """One part of it is done."""
        self.write(done=self.job.done + 1)

    def end(self) -> None:
        """Nothing: the next step says so."""

    def interrupted(self) -> dict[str, object]:
        """What the record says where a signal has ended it."""
        if self._tenure.cancelled:
            return {"state": JobState.CANCELLED, "outcome": "it was cancelled"}
        late = time.time() >= self.job.started + self.job.seconds
        return _failed(f"its deadline of {self.job.seconds:,.0f} s came" if late else "it was ended from outside")

    def write(self, **changes: object) -> None:
        """Change the record. That it cannot be written is no reason to stop."""
        with self._lock, contextlib.suppress(OSError):
            self.job = msgspec.structs.replace(self.job, **changes)
            self._tenure.write(self.job)


def main(tree: str, lock: str) -> None:
    """Repair what is pinned as ``tree``, holding the lock that came over as descriptor ``lock``."""
    signal.signal(signal.SIGTERM, _interrupt)
    repository = open_repository(Path.cwd())
    jobs = jobs_of(locate(os.environ), repository)
    tenure = jobs.adopt(tree, int(lock) if os.name == "posix" else None)
    if tenure is None:
        return  # another process has it
    job = jobs.get(tree)
    if job is None:
        tenure.discard()
        return
    watched = Watched(tenure, job)
    watched.write(pid=os.getpid())
    _end_in_time(job)
    ended = _done(repository, watched)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # what is left takes milliseconds
    pins.unpin(repository, tree)
    watched.write(**ended, ended=time.time())
    # The lock is not released: it goes with this process, so that who finds it free knows that all of it is gone.


def _done(repository: Repository, watched: Watched) -> dict[str, object]:
    """Do the job; what its record says in the end, whatever comes."""
    try:
        return _ended(_repaired(repository, watched))
    except KeyboardInterrupt:
        return watched.interrupted()
    except RalphError as error:
        hint = f" ({error.hint})" if error.hint else ""
        return _failed(f"{error.message}{hint}")
    except Exception as error:  # noqa: BLE001 - nobody else would hear of it
        traceback.print_exc()  # to the log
        return _failed(f"ralph-hooks failed inside ({type(error).__name__}: {error})")


def _repaired(repository: Repository, watched: Watched) -> Report:
    job = watched.job
    place = place_of(repository)
    require_consent(place)
    snapshot = pins.pinned(repository, job.tree, job.title)
    with open_state(place.home, place.settings) as database:
        return repair(place, database, snapshot, shown=watched)


def _failed(outcome: str, *, settled: bool = False) -> dict[str, object]:
    return {"state": JobState.FAILED, "outcome": one_line(outcome), "settled": settled}


def _ended(report: Report) -> dict[str, object]:
    """What the record says of ``report``."""
    if report.fix is not None:
        return {"state": JobState.FINISHED, "outcome": "a fix is stored", "fix": report.fix.id}
    if report.verdict is Verdict.PASS:
        return _failed("nothing is wrong with it any more")
    tried = any(rung.step is Step.IMPLEMENT and rung.succeeded for rung in report.rungs)
    reason = next((notice for notice in report.notices if notice.startswith("not repaired: ")), report.reason)
    return _failed(reason, settled=tried)


def _end_in_time(job: Job) -> None:
    """Every step keeps to the deadline by itself. Should one hang nevertheless, we are ended; at last by force."""

    def end() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(_GRACE)
        os._exit(1)

    timer = threading.Timer(job.remaining(time.time()) + _GRACE, end)
    timer.daemon = True
    timer.start()


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001 - signal's signature
    raise KeyboardInterrupt


if __name__ == "__main__":
    main(*sys.argv[1:])
