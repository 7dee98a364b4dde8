"""A lock that serialises concurrent runs on the same change, so that later ones hit the cache."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import click

from ralph_hooks import locks
from ralph_hooks.core.change import Change
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.errors import RalphError
from ralph_hooks.store.paths import prepare

_FOLDER = "turns"
_POLL = 0.05  # seconds


@contextmanager
def exclusive_run(state: Path, repository: str, changes: Iterable[Change], deadline: Deadline) -> Iterator[None]:
    """Wait until no other run of this user judges the same ``changes`` of ``repository``, or until the deadline.

    Concurrent runs would pay twice for the same answers and run the same commands. The lock ends with its holder's
    process; if files cannot be locked, this returns at once.
    """
    path = state / _FOLDER / _name(repository, changes)
    lock = _wait(path, deadline)
    try:
        yield
    finally:
        if lock is not None:
            with suppress(OSError):  # Windows cannot remove an open file; then it stays and is reused
                path.unlink()
            lock.release()


def _name(repository: str, changes: Iterable[Change]) -> str:
    trees = [oid for change in changes for oid in (change.base, change.tree)]
    words = "\0".join([repository, *trees]).encode("utf-8", "surrogateescape")
    return hashlib.blake2b(words, digest_size=16).hexdigest()


def _wait(path: Path, deadline: Deadline) -> locks.Lock | None:
    try:
        prepare(path.parent.parent)
        prepare(path.parent)
    except (OSError, RalphError):  # opening the state reports the same error
        return None
    lock = locks.acquire(path)
    if lock is None and locks.usable(path.parent):
        click.echo("ralph-hooks: another run is reviewing the same change; waiting for its verdicts", err=True)
        while lock is None and not deadline.passed:
            time.sleep(_POLL)
            lock = locks.acquire(path)
    return lock
