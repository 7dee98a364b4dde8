"""The function that runs on a worker of a Dask cluster, for every kind of task."""

from __future__ import annotations

import os
from collections.abc import Callable

IDENTITY = os.urandom(8).hex()
"""Names this process: where a worker is started again, another one has its address."""


class Replaced(Exception):
    """The worker that a task was meant for is gone, and this one has its address."""


Do = Callable[[bytes, Callable[[bytes], None]], bytes]
"""The function that runs a task. Its second argument reports progress to the sender."""


def visit(do: Do, identity: str, topic: str, number: int, task: bytes) -> bytes:
    """Return the result of ``do`` for ``task``, in the process that it is meant for and in no other.

    Dask silently gives the tasks of a lost worker to another one. Calls of the first worker would then be paid for
    twice, on one reservation. Progress that ``do`` reports is an event of ``topic``, with ``number``. Raises Replaced.
    """
    from distributed import get_worker

    if identity != IDENTITY:
        raise Replaced
    worker = get_worker()
    return do(task, lambda note: worker.log_event(topic, (number, note)))


def greet(answer: Callable[[bytes], bytes], question: bytes) -> tuple[str, bytes]:
    """Return the identity of this process, and its answer."""
    return IDENTITY, answer(question)
