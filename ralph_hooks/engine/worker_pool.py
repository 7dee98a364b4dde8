"""Several jobs at once, none of which can hold up the run past its deadline."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.ports.progress import Progress

Result = TypeVar("Result")
Outcome = tuple[int, Result | None, BaseException | None]

_POLL = 0.2  # seconds; a wait without a timeout cannot be interrupted by Ctrl-C on Windows


def run_all(
    jobs: Sequence[Callable[[], Result]],
    *,
    workers: int,
    deadline: Deadline,
    done: Callable[[], None] = lambda: None,
    ending: Callable[[int], None] | None = None,
) -> list[Result | None]:
    """Return the results of ``jobs`` in their order; None for those that were not ready at the deadline.

    Raises the exceptions of a job. If that or Ctrl-C ends the run, ``ending`` is called with the number of jobs in
    progress, and they are awaited, because their answers are paid for. Without it they are abandoned.

    The threads are daemons: one that hangs in a socket is abandoned, not awaited, which is why this is not a
    ThreadPoolExecutor (that one joins its threads when the interpreter exits).
    """
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    finished: queue.SimpleQueue[Outcome[Result]] = queue.SimpleQueue()
    for index in range(len(jobs)):
        waiting.put(index)
    over = threading.Event()

    def work() -> None:
        while not deadline.passed and not over.is_set():
            try:
                index = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                finished.put((index, jobs[index](), None))
            except BaseException as error:  # noqa: BLE001 - handed to the caller's thread, which raises it
                finished.put((index, None, error))

    threads = [threading.Thread(target=work, daemon=True) for _ in range(min(workers, len(jobs)))]
    for thread in threads:
        thread.start()
    try:
        return _collected(finished, len(jobs), deadline, done)
    except BaseException:
        over.set()
        if ending is not None:
            _wait_for(threads, ending)
        raise


def _collected(
    finished: queue.SimpleQueue[Outcome[Result]], count: int, deadline: Deadline, done: Callable[[], None]
) -> list[Result | None]:
    results: list[Result | None] = [None] * count
    for _ in range(count):
        outcome = _next(finished, deadline)
        if outcome is None:
            break
        index, result, error = outcome
        if error is not None:
            raise error
        results[index] = result
        done()
    return results


def _wait_for(threads: Sequence[threading.Thread], ending: Callable[[int], None]) -> None:
    left = [thread for thread in threads if thread.is_alive()]
    if left:
        ending(len(left))
    for thread in left:
        while thread.is_alive():
            thread.join(_POLL)


def _next(finished: queue.SimpleQueue[Outcome[Result]], deadline: Deadline) -> Outcome[Result] | None:
    while True:
        try:
            return finished.get(timeout=min(_POLL, max(0.001, deadline.remaining())))
        except queue.Empty:
            if deadline.passed:
                return None


class WorkerPool:
    """Pool of as many workers as the configuration allows, which reports progress."""

    def __init__(self, workers: int, deadline: Deadline, progress: Progress) -> None:
        self.progress = progress
        self._workers = workers
        self._deadline = deadline

    def run(self, what: str, jobs: Sequence[Callable[[], Result]]) -> list[Result | None]:
        """As `run_all`; ``what`` names the work for people."""
        if not jobs:
            return []
        self.progress.begin(what, len(jobs))
        try:
            return run_all(jobs, workers=self._workers, deadline=self._deadline, done=self.progress.advance)
        finally:
            self.progress.end()

    def alone(self, what: str, job: Callable[[], Result]) -> Result:
        """Run one job in the caller's own thread, so that Ctrl-C can end it."""
        self.progress.begin(what, 1)
        try:
            return job()
        finally:
            self.progress.end()
