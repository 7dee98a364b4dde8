"""What runs on a worker of a Dask cluster, whatever the errand is."""

from __future__ import annotations

import os
from collections.abc import Callable

IDENTITY = os.urandom(8).hex()
"""Names this process: where a worker is started again, another one has its address."""


class Replaced(Exception):
    """The worker that an errand was meant for is gone, and this one has its address."""


Do = Callable[[bytes, Callable[[bytes], None]], bytes]
"""Does an errand. Its second argument tells whoever sent it how far it has come."""


def visit(do: Do, identity: str, topic: str, number: int, task: bytes) -> bytes:
    """Return what ``do`` makes of ``task``, in the process that it is meant for and in no other.

    Dask gives the tasks of a lost worker to another one and tells nobody. What the first one has paid for would then be
    paid for twice, on one reservation. What ``do`` tells on its way is an event of ``topic``, with ``number``. Raises
    Replaced.
    """
    from distributed import get_worker

    if identity != IDENTITY:
        raise Replaced
    worker = get_worker()
    return do(task, lambda note: worker.log_event(topic, (number, note)))


def greet(answer: Callable[[bytes], bytes], question: bytes) -> tuple[str, bytes]:
    """Return which process this is, and what it answers."""
    return IDENTITY, answer(question)
