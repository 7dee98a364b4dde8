"""What an `apply` or `undo` is about to do, written down first, so that no `kill -9` leaves half of it.

It lies in the folder of git that belongs to this working tree alone.
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
    """The id of the fix that is applied or taken back."""
    record: str
    ref: str
    """The backup's ref, which names ``record`` in the end."""


def pending(repository: Repository) -> bool:
    """Return whether a journal is there: somebody is at work or was killed. One look at the disk."""
    return _place(repository).exists()


def read(repository: Repository) -> Journal | None:
    """The journal; None where there is none. Raises RalphError for one that cannot be read."""
    place = _place(repository)
    try:
        return from_json(place.read_bytes(), Journal)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise RalphError(
            f"the journal of an interrupted apply cannot be read: {place}",
            f"take the files from refs/ralph/backup/ of {store_folder(repository)}, then remove the journal",
        ) from error


def write(repository: Repository, journal: Journal) -> None:
    """Keep ``journal``: it is there whole, and on the disk, when this returns. Raises OSError."""
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
    """All that it says is done, or taken back."""
    place = _place(repository)
    place.unlink(missing_ok=True)
    sync_folder(place.parent)


@contextlib.contextmanager
def alone(repository: Repository) -> Iterator[bool]:
    """True for one at a time in this working tree; False where somebody else is at work. Raises RalphError."""
    folder = _place(repository).parent
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise RalphError(f"cannot write to {folder.parent}: {error.strerror}", "see who may write there") from error
    lock = locks.acquire(folder / _LOCK)
    if lock is None:
        yield False
        return
    with lock:
        yield True


def _place(repository: Repository) -> Path:
    return repository.git_dir / FOLDER / _JOURNAL
