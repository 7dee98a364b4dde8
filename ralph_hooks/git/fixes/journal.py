"""A write-ahead journal of `apply` and `undo`, so that no `kill -9` leaves a partial change.

It is stored in the git folder of this working tree, which linked worktrees do not share.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from ralph_hooks import locks
from ralph_hooks.core.codec import from_json
from ralph_hooks.errors import RalphError
from ralph_hooks.git.fixes.working_tree import sync_folder
from ralph_hooks.git.refs import FOLDER, store_folder
from ralph_hooks.git.snapshot import Repository

_JOURNAL = "journal"
_LOCK = "apply.lock"


class Journal(Struct, frozen=True, kw_only=True):
    """One transition of some files, from the tree of commit ``record`` to the tree of its parent."""

    action: str
    """``apply`` or ``undo``."""
    fix: str
    """The id of the fix that is applied or undone."""
    record: str
    ref: str
    """The backup's ref, which names ``record`` in the end."""


def pending(repository: Repository) -> bool:
    """Return True if a journal exists: a process is running or was killed. Costs one file lookup."""
    return _place(repository).exists()


def read(repository: Repository) -> Journal | None:
    """Return the journal; None if there is none. Raises RalphError for an unreadable one."""
    place = _place(repository)
    try:
        return from_json(place.read_bytes(), Journal)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise RalphError(
            f"the journal of an interrupted apply cannot be read: {place}",
            f"restore the files from refs/ralph/backup/ in {store_folder(repository)}, then remove the journal",
        ) from error


def write(repository: Repository, journal: Journal) -> None:
    """Store ``journal`` atomically and durably. Raises OSError."""
    place = _place(repository)
    draft = place.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(msgspec.json.encode(journal))
        file.flush()
        os.fsync(file.fileno())
    draft.replace(place)
    sync_folder(place.parent)


def remove(repository: Repository) -> None:
    """Remove the journal, after its changes were completed or reverted."""
    place = _place(repository)
    place.unlink(missing_ok=True)
    sync_folder(place.parent)


@contextlib.contextmanager
def alone(repository: Repository) -> Iterator[bool]:
    """Yield True if this process holds the lock of the working tree, False if another one does. Raises RalphError."""
    folder = _place(repository).parent
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise RalphError(
            f"cannot write to {folder.parent}: {error.strerror}", "check the permissions of that folder"
        ) from error
    lock = locks.acquire(folder / _LOCK)
    if lock is None:
        yield False
        return
    with lock:
        yield True


def _place(repository: Repository) -> Path:
    return repository.git_dir / FOLDER / _JOURNAL
