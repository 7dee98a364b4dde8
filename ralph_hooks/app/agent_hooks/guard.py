"""Protection against endless loops: an agent is not blocked twice for the same files, and never without limit."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from ralph_hooks import locks
from ralph_hooks.core.codec import from_json
from ralph_hooks.errors import RalphError
from ralph_hooks.store.paths import prepare

MOST = 3
"""The maximum number of times in a row that the end of a turn is blocked."""
_FOLDER = "agents"
_WEEK = 7 * 86_400.0  # seconds until a session expires


class _Blocked(Struct, frozen=True):
    tree: str
    times: int


class Guard:
    """The state of one session of one agent."""

    def __init__(self, state: Path, repository: str, session: str) -> None:
        name = hashlib.blake2b(
            f"{repository}\0{session}".encode("utf-8", "surrogateescape"), digest_size=16
        ).hexdigest()
        self._path = state / _FOLDER / f"{name}.json"

    def obstacle(self, tree: str, *, continued: bool) -> str:
        """Return the reason why the agent may end although ``tree`` is rejected; empty if it must continue."""
        last = self._last()
        if last is None:
            return ""
        if last.tree == tree:
            return "the agent has changed nothing since its last report"
        if continued and last.times >= MOST:
            return f"the agent was already sent back {MOST} times in a row"
        return ""

    def blocked(self, tree: str, *, continued: bool) -> None:
        """Record that the agent was sent back for ``tree``."""
        last = self._last()
        times = last.times if last is not None and continued else 0
        with suppress(OSError):
            self._path.write_bytes(msgspec.json.encode(_Blocked(tree, times + 1)))

    def passed(self) -> None:
        """Reset the state: the next rejection counts as the first."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)

    def _last(self) -> _Blocked | None:
        try:
            return from_json(self._path.read_bytes(), _Blocked)
        except (OSError, msgspec.DecodeError):
            return None


@contextmanager
def one_at_a_time(state: Path, repository: str) -> Iterator[bool]:
    """Yield True if no other agent hook is judging ``repository``."""
    folder = state / _FOLDER
    try:
        prepare(state)
        prepare(folder)
    except (OSError, RalphError):  # opening the state reports the same error
        yield True
        return
    _sweep(folder)
    lock = locks.acquire(folder / f"{_name(repository)}.lock")
    try:
        yield lock is not None or not locks.usable(folder)
    finally:
        if lock is not None:
            lock.release()


def _name(*words: str) -> str:
    return hashlib.blake2b("\0".join(words).encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()


def _sweep(folder: Path) -> None:
    with suppress(OSError):
        for path in folder.glob("*.json"):
            if time.time() - path.stat().st_mtime > _WEEK:
                path.unlink(missing_ok=True)
