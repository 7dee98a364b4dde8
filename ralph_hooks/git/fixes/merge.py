"""A three-way merge of one file, or the position of its conflict."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from ralph_hooks.core.text import path_line
from ralph_hooks.git.run import Environment, failure, try_git
from ralph_hooks.process import temporary_folder

_MARKER = 31  # characters of a conflict marker: longer than in any real text
_OURS, _MIDDLE, _END = (mark * _MARKER for mark in (b"<", b"=", b">"))
_MOST = 127  # conflicts, as merge-file's exit code counts them; larger is an error


class Conflict(Struct, frozen=True):
    """The reason why one file cannot be merged."""

    path: str
    why: str
    line: int | None = None
    """The line in the user's version, 1-based."""

    def __str__(self) -> str:
        where = f":{self.line}" if self.line else ""
        return f"{path_line(self.path)}{where} {self.why}"


def merge(
    path: str, base: bytes | None, ours: bytes | None, theirs: bytes | None, env: Environment
) -> bytes | Conflict | None:
    """Return ``ours`` with the changes from ``base`` to ``theirs``; None stands for a missing file on any side.

    A side that has not changed the file takes the other's version; otherwise git merges.
    """
    if ours in (base, theirs):
        return theirs
    if base == theirs:
        return ours
    if ours is None:
        return Conflict(path, "was removed by you, so it cannot be merged")
    if theirs is None:
        return Conflict(path, "would be removed, but you changed it", _first_difference(base or b"", ours))
    if base is None:
        return Conflict(path, "already exists with other content", _first_difference(theirs, ours))
    return _merged(path, base, ours, theirs, env)


def _merged(path: str, base: bytes, ours: bytes, theirs: bytes, env: Environment) -> bytes | Conflict:
    with temporary_folder() as folder:
        for name, content in (("ours", ours), ("base", base), ("theirs", theirs)):
            Path(folder, name).write_bytes(content)
        done = try_git(
            ["-c", "merge.conflictStyle=merge", "merge-file", "-p", f"--marker-size={_MARKER}",
             "ours", "base", "theirs"],
            cwd=Path(folder), env={**env, "GIT_DIR": None, "GIT_WORK_TREE": None, "GIT_INDEX_FILE": None},
        )  # fmt: skip
    if not done.returncode:
        return done.stdout
    if done.returncode > _MOST and b"binary" in done.stderr:
        return Conflict(path, "is binary, and changed on both sides")
    if done.returncode > _MOST:
        raise failure(done)
    return Conflict(path, "has your edits on the same lines", _first_conflict(done.stdout, ours))


def _first_conflict(merged: bytes, ours: bytes) -> int:
    """Return the line of ``ours`` at which the first conflict begins.

    Without the other side's half of each conflict, ``merged`` is ``ours`` with the clean changes of theirs: the two
    can be laid side by side.
    """
    kept = list(_own_half(merged.split(b"\n")))
    number = kept.index(_OURS)
    mine = ours.split(b"\n")
    matcher = difflib.SequenceMatcher(None, [line for line in kept if line != _OURS], mine, autojunk=False)
    for tag, start, end, start_here, end_here in matcher.get_opcodes():
        if start <= number < end:
            return start_here + (number - start if tag == "equal" else 0) + 1
        if number == start == end:
            return end_here + 1
    return len(mine)


def _own_half(lines: Sequence[bytes]) -> Iterator[bytes]:
    """Yield ``lines`` without the other side's half of each conflict; a bare marker shows where one begins."""
    theirs = False
    for line in lines:
        if line.startswith(_OURS):
            yield _OURS
        elif line.startswith(_MIDDLE):
            theirs = True
        elif line.startswith(_END):
            theirs = False
        elif not theirs:
            yield line


def _first_difference(other: bytes, ours: bytes) -> int:
    """Return the first line of ``ours`` that differs from ``other`` at the same position."""
    pairs = enumerate(zip(other.split(b"\n"), ours.split(b"\n"), strict=False), 1)
    return next((number for number, (one, two) in pairs if one != two), 1)
