"""Atomic change of files in the working tree: all of them or none, and no file that was changed meanwhile.

Each file is written beside its target, synced to disk, and renamed over it, so that no reader sees a partial file.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Sequence
from enum import Enum, auto
from pathlib import Path

from msgspec import Struct

from ralph_hooks.core.text import path_line

_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
_READ = os.O_RDONLY | _NO_FOLLOW | getattr(os, "O_NONBLOCK", 0)
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_FOLLOW
_PERMISSIONS = 0o777


class FileStep(Struct, frozen=True, kw_only=True):
    """The change of one file, byte for byte as in the working tree; None stands for no file."""

    path: str
    before: bytes | None
    after: bytes | None
    executable: bool = False
    """True if a newly created file is executable; an existing file keeps its mode."""

    def reversed(self) -> FileStep:
        """Return the reverse step."""
        return FileStep(path=self.path, before=self.after, after=self.before, executable=self.executable)


class Side(Enum):
    """The state of a file between before and after."""

    BEFORE = auto()
    AFTER = auto()
    ELSEWHERE = auto()
    """Changed by another process."""


class Obstacle(Exception):
    """A path that cannot be read or replaced as a file. ``str()`` gives the path and the reason."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{path_line(path)} {why}")
        self.path = path


def look(top: Path, path: str) -> bytes | None:
    """Return the file's bytes; None if there is none. Raises Obstacle for anything but a regular file."""
    *folders, _ = path.split("/")
    place = top
    for folder in folders:
        place /= folder
        if place.is_symlink():
            raise Obstacle(path, f"cannot be reached: {path_line(folder)!r} is a symbolic link now")
    place = top / path
    try:
        found = place.lstat()
        if not stat.S_ISREG(found.st_mode):
            raise Obstacle(path, f"is {_kind(found.st_mode)} now")
        with os.fdopen(os.open(place, _READ), "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except NotADirectoryError as error:
        raise Obstacle(path, "cannot be reached: a parent folder is a file now") from error
    except OSError as error:
        raise Obstacle(path, f"cannot be read: {error.strerror}") from error


def writable(top: Path, path: str) -> None:
    """Raise Obstacle if the user has removed the write permission, which a rename would ignore."""
    try:
        found = (top / path).lstat()
    except OSError:  # it does not exist yet
        return
    if not found.st_mode & stat.S_IWUSR:
        raise Obstacle(path, "is read-only: run `chmod u+w` on it first")


def is_executable(top: Path, path: str) -> bool:
    """Return True if the file exists and its owner may execute it."""
    try:
        return bool((top / path).lstat().st_mode & stat.S_IXUSR)
    except OSError:
        return False


def side(top: Path, step: FileStep) -> Side:
    """Return the current state of the file of ``step``."""
    try:
        now = look(top, step.path)
    except Obstacle:
        return Side.ELSEWHERE
    return Side.AFTER if now == step.after else Side.BEFORE if now == step.before else Side.ELSEWHERE


def replace(top: Path, steps: Sequence[FileStep], token: str) -> None:
    """Change every file from ``before`` to ``after``. Raises Obstacle or OSError, having changed nothing.

    ``token`` is part of the names of temporary files, so that `clear` finds those of a killed run. If even restoring a
    file fails, `side` shows it.
    """
    begun: list[FileStep] = []
    try:
        for number, step in enumerate(steps):
            _prepare(top, step, _temporary(top, step, number, token))
        for number, step in enumerate(steps):
            begun.append(step)
            _swap(top, step, _temporary(top, step, number, token))
    except BaseException:
        clear(top, steps, token)
        _put_back(top, begun, token)
        raise
    for folder in {(top / step.path).parent for step in steps}:
        sync_folder(folder)


def clear(top: Path, steps: Sequence[FileStep], token: str) -> None:
    """Remove the temporary files of an unfinished run, and the folders created only for them."""
    for number, step in enumerate(steps):
        temporary = _temporary(top, step, number, token)
        with contextlib.suppress(OSError):
            temporary.unlink()
        if step.before is None:
            _leave(top, temporary.parent)


def sync_folder(folder: Path) -> None:
    """Sync renames and removals in ``folder`` to disk, if the system supports it."""
    with contextlib.suppress(OSError):  # Windows cannot open folders; a folder may be gone with its last file
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _temporary(top: Path, step: FileStep, number: int, token: str) -> Path:
    return (top / step.path).parent / f".ralph-hooks-{token}-{number}"


def _prepare(top: Path, step: FileStep, temporary: Path) -> None:
    """Write ``after`` beside its target, so that a full disk or a read-only folder fails before any replacement."""
    look(top, step.path)  # no folder is created through a symbolic link
    if step.after is None:
        return
    temporary.parent.mkdir(parents=True, exist_ok=True)
    mode = _PERMISSIONS if step.executable else 0o666
    with os.fdopen(os.open(temporary, _WRITE, mode), "wb") as file:
        file.write(step.after)
        file.flush()
        if step.before is not None:
            _look_like(temporary, top / step.path)
        os.fsync(file.fileno())


def _look_like(temporary: Path, place: Path) -> None:
    """Give the new file the mode, and if permitted the owner, of the old one."""
    found = place.lstat()
    if hasattr(os, "chown"):
        with contextlib.suppress(OSError):
            os.chown(temporary, found.st_uid, found.st_gid, follow_symlinks=False)
    temporary.chmod(found.st_mode & _PERMISSIONS)


def _swap(top: Path, step: FileStep, temporary: Path) -> None:
    """Replace the file in one step, provided it is still unchanged."""
    if look(top, step.path) != step.before:
        raise Obstacle(step.path, "was changed by another program at the same moment")
    place = top / step.path
    if step.after is None:
        place.unlink()
        _leave(top, place.parent)
    elif step.before is None:
        _move_to_nothing(temporary, place, step.path)
    else:
        temporary.replace(place)


def _move_to_nothing(temporary: Path, place: Path, path: str) -> None:
    """Move ``temporary`` to a free path, never over a file that appears there."""
    try:
        os.link(temporary, place)
    except FileExistsError as error:
        raise Obstacle(path, "was created by another program at the same moment") from error
    except OSError:  # a file system without links
        temporary.rename(place)
    else:
        temporary.unlink()


def _put_back(top: Path, begun: Sequence[FileStep], token: str) -> None:
    """Revert the steps that were begun. Files changed since, and files that cannot be written, stay as they are."""
    for number, step in reversed(list(enumerate(begun))):
        if step.before == step.after or side(top, step) is not Side.AFTER:
            continue
        back = step.reversed()
        temporary = _temporary(top, step, number, token)
        with contextlib.suppress(OSError, Obstacle):
            _prepare(top, back, temporary)
            _swap(top, back, temporary)


def _leave(top: Path, folder: Path) -> None:
    """Remove folders that have become empty, as git does."""
    while folder != top:
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent


def _kind(mode: int) -> str:
    if stat.S_ISLNK(mode):
        return "a symbolic link"
    return "a folder" if stat.S_ISDIR(mode) else "not a regular file"
