"""Jobs of one repository: a folder for each judged tree, with the record, a log, and a lock that only the job holds.

Whether a job runs is what the lock says and nothing else: a process id may belong to somebody else by now, a lock goes
with its holder.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

import msgspec

from ralph_hooks import locks
from ralph_hooks.core.codec import from_json
from ralph_hooks.core.job import Job, JobState
from ralph_hooks.errors import RalphError
from ralph_hooks.locks import Lock
from ralph_hooks.store.paths import prepare
from ralph_hooks.store.sqlite import RepositoryId

_FOLDER = "jobs"
_RECORD = "job.json"
_LOG = "log"
_LOCK = "lock"
_CANCEL = "cancel"
_TREE = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_FORCE: int = getattr(signal, "SIGKILL", signal.SIGTERM)  # on Windows the only signal there is ends it by force
_STARTING = 10.0  # seconds a process may take from its record to its lock, where the lock cannot be handed over
_BLINK = 0.5  # seconds; others take the lock for a moment to see whether it is free
_POLL = 0.02  # seconds
_GRACE = 5.0  # seconds for a job to end by itself; it has programs and a scratch copy to clear away
_KEPT = 3 * 86_400.0  # seconds that the record of an ended job stays
_MOST = 20  # records a repository


class JobLock:
    """A job's folder, in the hands of the one process that may write to it."""

    def __init__(self, folder: Path, lock: Lock) -> None:
        self._folder = folder
        self._lock = lock

    @property
    def descriptor(self) -> int:
        """The lock, to be handed to the process that does the job."""
        return self._lock.descriptor

    @property
    def log(self) -> Path:
        """The file with the output of the job's process: empty unless something is wrong with it."""
        return self._folder / _LOG

    @property
    def cancelled(self) -> bool:
        """True if the user wants this job to end."""
        return (self._folder / _CANCEL).exists()

    def write(self, job: Job) -> None:
        """Replace the record as a whole. Raises OSError."""
        temporary = self._folder / f"{_RECORD}.new"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(job))
        temporary.replace(self._folder / _RECORD)

    def discard(self) -> None:
        """Remove everything, then release the lock; Windows does not remove open files."""
        if sys.platform == "win32":
            self.release()
        shutil.rmtree(self._folder, ignore_errors=True)
        self.release()

    def release(self) -> None:
        """Release the lock in this process."""
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


class Jobs:
    """All jobs of ``repository``, below the user's state folder."""

    def __init__(self, state: Path, repository: RepositoryId, clock: Callable[[], float] = time.time) -> None:
        self._state = state
        self._folder = state / _FOLDER / repository.key
        self._clock = clock

    def get(self, tree: str) -> Job | None:
        """Return the job for ``tree``; None if there is none or its record cannot be read."""
        try:
            return from_json((self._of(tree) / _RECORD).read_bytes(), Job)
        except (OSError, msgspec.DecodeError):
            return None

    def all(self) -> tuple[Job, ...]:
        """Return every recorded job, the latest first."""
        found = (self.get(tree) for tree in self._trees())
        return tuple(sorted((job for job in found if job is not None), key=lambda job: -job.started))

    def runs(self, job: Job) -> bool:
        """Return whether the process of ``job`` is there."""
        return job.state is JobState.RUNNING and (self._is_starting(job) or locks.held(self._of(job.tree) / _LOCK))

    def take(self, tree: str) -> JobLock | None:
        """Return the folder for a new job; None while one runs. Raises OSError; RalphError if others own the state."""
        folder = self._make(tree)
        end = time.monotonic() + _BLINK
        while True:
            lock = locks.acquire(folder / _LOCK)
            if lock is not None:
                (folder / _CANCEL).unlink(missing_ok=True)
                return JobLock(folder, lock)
            job = self.get(tree)
            if time.monotonic() > end or (job is not None and self.runs(job)):
                return None
            time.sleep(_POLL)
            folder = self._make(tree)  # the lock may be gone with the folder: a job that had died was cleared away

    def adopt(self, tree: str, descriptor: int | None) -> JobLock | None:
        """Return the folder in the process that runs the job; None if another process has it.

        ``descriptor`` is the lock as it was handed over. Without one the lock is taken as soon as it is free.
        """
        folder = self._of(tree)
        if descriptor is not None:
            lock = locks.adopt(descriptor, folder / _LOCK)
        else:
            lock = _patiently(folder / _LOCK, _STARTING)
        return JobLock(folder, lock) if lock is not None else None

    def cancel(self, job: Job, grace: float = _GRACE) -> bool:
        """End the process of ``job``, by force after ``grace`` seconds; False if it did not run any more.

        Raises RalphError if it cannot be ended.
        """
        folder = self._of(job.tree)
        if not self.runs(job):
            return False
        with contextlib.suppress(OSError):
            (folder / _CANCEL).touch(mode=0o600)
        lock = self._end(job.tree, signal.SIGTERM, grace) or self._end(job.tree, _FORCE, grace)
        if lock is None and not folder.exists():
            return False
        if lock is None:
            raise RalphError(f"process {job.pid} does not stop", "kill it yourself and try again")
        with JobLock(folder, lock) as job_lock:
            current = self.get(job.tree)
            if current is not None and current.state is JobState.RUNNING:
                now = self._clock()
                job_lock.write(
                    msgspec.structs.replace(current, state=JobState.CANCELLED, ended=now, outcome="it was cancelled")
                )
        return True

    def sweep(self) -> tuple[Job, ...]:
        """Remove the leftovers of jobs that died, and old records. Return the jobs that died."""
        died: list[Job] = []
        ended: list[Job] = []
        for tree in self._trees():
            job = self.get(tree)
            if job is not None and job.state is not JobState.RUNNING:
                ended.append(job)
            elif job is None or not self._is_starting(job):
                died += self._bury(tree)
        ended.sort(key=lambda job: -job.started)
        for place, job in enumerate(ended):
            if place >= _MOST or self._clock() - job.started > _KEPT:
                self._bury(job.tree, ended=True)
        return tuple(died)

    def _bury(self, tree: str, *, ended: bool = False) -> list[Job]:
        """Remove the folder of a job that died, or ``ended`` long ago, unless its lock is held."""
        folder = self._of(tree)
        lock = locks.acquire(folder / _LOCK)
        if lock is None:
            return []
        job = self.get(tree)  # it may have ended, or begun anew, between the look and the lock
        if (job is not None and job.state is not JobState.RUNNING) is not ended:
            lock.release()
            return []
        JobLock(folder, lock).discard()
        return [job] if job is not None else []

    def _end(self, tree: str, number: int, seconds: float) -> Lock | None:
        """Send ``number`` to the process of a job; its lock once that is free, None if it is not in ``seconds``."""
        path = self._of(tree) / _LOCK
        end = time.monotonic() + seconds
        sent = False
        while True:
            lock = locks.acquire(path)
            if lock is not None or time.monotonic() > end or not path.parent.exists():
                return lock
            job = self.get(tree)
            if job is not None and job.pid and not sent:
                sent = _send(job.pid, number, path)
            time.sleep(_POLL)

    def _is_starting(self, job: Job) -> bool:
        return not job.pid and 0 <= self._clock() - job.started < _STARTING

    def _of(self, tree: str) -> Path:
        return self._folder / tree

    def _make(self, tree: str) -> Path:
        for folder in (self._state, self._folder.parent, self._folder, self._of(tree)):
            prepare(folder)
        return self._of(tree)

    def _trees(self) -> list[str]:
        try:
            return [folder.name for folder in self._folder.iterdir() if _TREE.fullmatch(folder.name)]
        except OSError:
            return []


def _patiently(path: Path, seconds: float) -> Lock | None:
    end = time.monotonic() + seconds
    while True:
        lock = locks.acquire(path)
        if lock is not None or time.monotonic() > end or not path.parent.exists():
            return lock
        time.sleep(_POLL)


def _send(pid: int, number: int, lock: Path) -> bool:
    """Send a signal to the process that holds ``lock``; False if it does not any more.

    Where the system has handles for processes, one is taken before the look at the lock: then the id cannot have passed
    on to another process in between.
    """
    with contextlib.ExitStack() as stack:
        try:
            handle = _handle(pid, stack)
            if not locks.held(lock):
                return False
            if handle is not None and sys.platform == "linux":
                signal.pidfd_send_signal(handle, number)
            else:
                os.kill(pid, number)
        except ProcessLookupError:
            return False
    return True


def _handle(pid: int, stack: contextlib.ExitStack) -> int | None:
    """Return an identifier of this process and no other, until ``stack`` is closed. Raises ProcessLookupError."""
    if sys.platform != "linux":
        return None
    try:
        handle = os.pidfd_open(pid)
    except OSError as error:
        if error.errno != errno.ENOSYS:
            raise
        return None
    stack.callback(os.close, handle)
    return handle
