"""Locks between processes that the system releases when their holder dies, however it dies."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from types import TracebackType
from typing import Self


class Lock:
    """An exclusive lock on a file, held until it is released. ``descriptor`` can be handed to another process.

    The file is removed only while the lock is held; a lock on a file that was removed meanwhile does not count.
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def release(self) -> None:
        """Release it in this process; a process that the descriptor was passed to still holds it."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def acquire(path: Path) -> Lock | None:
    """Return the lock on ``path``, created if missing; None if another process holds it or its folder is gone."""
    try:
        return _locked(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), path)
    except OSError:
        return None


def adopt(descriptor: int, path: Path) -> Lock | None:
    """Return the lock on ``path`` that another process passed on as ``descriptor``; None if it is another file."""
    try:
        os.set_inheritable(descriptor, False)  # noqa: FBT003 - takes it by position alone
        return _locked(descriptor, path)  # to lock once more what it has locked already changes nothing
    except OSError:
        return None


def held(path: Path) -> bool:
    """Return whether a process holds the lock on ``path``. Takes it for a moment to find out."""
    if not path.exists():
        return False
    lock = acquire(path)
    if lock is not None:
        lock.release()
    return lock is None


def usable(folder: Path) -> bool:
    """Return whether files in ``folder`` can be locked at all: some network file systems cannot."""
    import tempfile

    try:
        descriptor, name = tempfile.mkstemp(dir=folder)
    except OSError:
        return False
    path = Path(name)
    try:
        lock = _locked(descriptor, path)
        if lock is not None:
            lock.release()
        return lock is not None
    finally:
        path.unlink(missing_ok=True)


def _locked(descriptor: int, path: Path) -> Lock | None:
    with contextlib.suppress(OSError):
        _lock(descriptor)
        if os.path.samestat(os.fstat(descriptor), path.stat()):
            return Lock(descriptor)
    os.close(descriptor)
    return None


def _lock(descriptor: int) -> None:
    """Lock the file. Raises OSError if it is locked already."""
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
