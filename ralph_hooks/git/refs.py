"""Refs of our own, under ``refs/ralph/``: written without the user's hooks and without a reflog."""

from __future__ import annotations

import time
from collections.abc import Sequence

from ralph_hooks.errors import GitError
from ralph_hooks.git.objects import DURABLE
from ralph_hooks.git.run import NO_HOOKS, git
from ralph_hooks.git.snapshot import Repository

QUIET = (
    *NO_HOOKS,
    "-c", "core.logAllRefUpdates=false",
    "-c", "core.filesRefLockTimeout=1000",  # milliseconds
)  # fmt: skip
_KEEP = 50
_KEEP_SECONDS = 30 * 86_400.0


def create(repository: Repository, ref: str, commit: str) -> None:
    """Raises GitError where the ref is there already."""
    _update(repository, f"create {ref} {commit}\n")


def put(repository: Repository, ref: str, commit: str) -> None:
    """Make ``ref`` name ``commit``, whatever it named.

    A git that was killed while it wrote this ref has left its lock. Whoever calls this is alone at work on the ref, and
    git has waited for the lock by then: nobody holds it.
    """
    try:
        _update(repository, f"update {ref} {commit}\n")
    except GitError:
        lock = repository.common_dir / f"{ref}.lock"
        if not lock.exists():
            raise
        lock.unlink(missing_ok=True)
        _update(repository, f"update {ref} {commit}\n")


def delete(repository: Repository, ref: str) -> None:
    """Remove ``ref`` if it is there."""
    _update(repository, f"delete {ref}\n")


def prune(repository: Repository, older: Sequence[tuple[str, str, float]]) -> None:
    """Forget the oldest of ``older``, which are ref, commit and time, newest first, beside one that is newer still."""
    oldest = time.time() - _KEEP_SECONDS
    gone = [(ref, oid) for number, (ref, oid, at) in enumerate(older, 2) if number > _KEEP or at < oldest]
    if gone:
        _update(repository, "".join(f"delete {ref} {oid}\n" for ref, oid in gone))


def _update(repository: Repository, lines: str) -> None:
    args = [*QUIET, *DURABLE, "update-ref", "--stdin"]
    git(args, cwd=repository.top, stdin=lines.encode("ascii"), env=repository.environment)
