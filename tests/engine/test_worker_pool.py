"""Jobs side by side, under one deadline."""

from __future__ import annotations

import threading
import time
from functools import partial

import pytest

from ralph_hooks.core.deadline import Deadline
from ralph_hooks.engine.worker_pool import run_all
from tests.support.patience import PATIENCE


def deadline(seconds: float = PATIENCE) -> Deadline:
    return Deadline(seconds, time.monotonic)


def test_results_come_in_the_order_of_the_jobs() -> None:
    second = threading.Event()

    def first() -> int:
        assert second.wait(PATIENCE)
        return 1

    def other() -> int:
        second.set()
        return 2

    assert run_all([first, other], workers=2, deadline=deadline()) == [1, 2]


def test_job_that_hangs_does_not_outlive_the_deadline() -> None:
    assert run_all([threading.Event().wait, lambda: True], workers=2, deadline=deadline(0.5)) == [None, True]


def test_no_more_jobs_run_at_once_than_there_are_workers() -> None:
    lock, running, most = threading.Lock(), 0, 0

    def job(_: int) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        with lock:
            running -= 1

    run_all([partial(job, number) for number in range(50)], workers=3, deadline=deadline())
    assert most <= 3


def test_exception_of_a_job_ends_the_run() -> None:
    def broken() -> int:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        run_all([broken], workers=1, deadline=deadline())
