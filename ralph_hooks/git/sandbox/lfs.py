"""Git LFS content for a scratch copy, since git's own objects hold only pointers."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from ralph_hooks.git.run import git, sealed
from ralph_hooks.git.snapshot import Repository

_POINTER = rb"version https://git-lfs\.github\.com/spec/v1\n(?:ext-[^\n]*\n)*oid sha256:([0-9a-f]{64})\n"
_LONGEST = 1024  # bytes of a pointer, by the Git LFS specification


def store(repository: Repository) -> Path:
    """Return the folder of fetched Git LFS content; it need not exist."""
    return repository.common_dir / "lfs" / "objects"


def fill(copy: Path, store: Path) -> int:
    """Replace the pointers in ``copy`` by their content in ``store``; return the number of missing ones.

    The files are copies, for a test may write to them, and git takes them for unchanged. Raises GitError, OSError.
    """
    if not store.is_dir():
        return 0
    env = sealed(copy.parent)
    listed = git(["ls-files", "-z", "--", ":(attr:filter=lfs)"], cwd=copy, env=env).split(b"\0")[:-1]
    pointers = {name: oid for name in listed if (oid := _pointer(copy / os.fsdecode(name)))}
    contents = {name: store / oid[:2] / oid[2:4] / oid for name, oid in pointers.items()}
    there = {name: source for name, source in contents.items() if source.is_file()}
    for name, source in there.items():
        shutil.copyfile(source, copy / os.fsdecode(name))
    if there:
        unchanged = b"".join(name + b"\0" for name in there)
        git(["update-index", "--assume-unchanged", "-z", "--stdin"], cwd=copy, stdin=unchanged, env=env)
    return len(pointers) - len(there)


def _pointer(path: Path) -> str | None:
    """Return the object that ``path`` points to; None if it is no pointer."""
    if path.is_symlink() or not path.is_file():
        return None
    with path.open("rb") as file:
        found = re.match(_POINTER, file.read(_LONGEST))
    return found[1].decode("ascii") if found else None
