"""A parser for git's diff output, working on bytes.

Formats: `git diff --raw -z` ("RAW OUTPUT FORMAT") and the unified diff ("GENERATING PATCH TEXT") of git-diff(1).
"""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Iterator, Sequence

from ralph_hooks.core.change import Entry, Hunk, Line, Status, decode
from ralph_hooks.errors import GitError

_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_SECTION = re.compile(r"diff --git a/(\d+) b/\1\Z")
_UNMERGED = "U"


def read_raw(data: bytes) -> tuple[Entry, ...]:
    """Return the entries of `--raw -z`. Raises GitError if the index has unmerged paths."""
    fields = iter(data.split(b"\0"))
    entries: list[Entry] = []
    for head in fields:
        if not head:
            break
        entries.append(_entry(head.decode("ascii"), fields))
    return tuple(entries)


def _entry(head: str, fields: Iterator[bytes]) -> Entry:
    """Return the entry that starts with ``head``; ``fields`` supply its one or two paths."""
    old_mode, new_mode, old_oid, new_oid, letter = head.lstrip(":").split(" ")
    old_path = os.fsdecode(next(fields))
    if letter == _UNMERGED:
        raise GitError(
            f"the index has unmerged paths, {old_path!r} first", "resolve the conflicts, then `git add` them"
        )
    status = Status(letter[0])
    return Entry(
        path=os.fsdecode(next(fields)) if status in {Status.RENAMED, Status.COPIED} else old_path,
        status=status,
        old_path=old_path,
        old_mode=old_mode,
        new_mode=new_mode,
        old_oid=_present(old_oid),
        new_oid=_present(new_oid),
    )


def read_history(data: bytes) -> Iterator[tuple[str, tuple[Entry, ...]]]:
    """Yield one commit and path at a time from `diff-tree --stdin -c --raw -z`, with an entry for each parent.

    A combined entry has a colon, a mode and an id for each parent, but only the path after the merge.
    """
    fields = iter(data.split(b"\0"))
    commit = ""
    for field in fields:
        head = field.decode("ascii")
        if head.startswith("::"):
            yield commit, _combined(head, os.fsdecode(next(fields)))
        elif head.startswith(":"):
            yield commit, (_entry(head, fields),)
        elif head:
            commit = head


def _combined(head: str, path: str) -> tuple[Entry, ...]:
    parents = len(head) - len(head.lstrip(":"))
    words = head.lstrip(":").split(" ")
    modes, oids, letters = words[: parents + 1], words[parents + 1 : -1], words[-1]
    return tuple(
        Entry(path, Status(letter), path, modes[index], modes[-1], _present(oids[index]), _present(oids[-1]))
        for index, letter in enumerate(letters)
    )


def _present(oid: str) -> str | None:
    return oid if oid.strip("0") else None


def unquoted(name: bytes) -> str:
    """Return the path that git wrote as ``name``, which may be a C string (git-config(1), core.quotePath)."""
    quoted = name.startswith(b'"')
    return os.fsdecode(codecs.escape_decode(name[1:-1])[0] if quoted else name)


def read_hunks(patch: bytes) -> Iterator[tuple[int, tuple[Hunk, ...]]]:
    """Yield the hunks of each section of a patch between two trees whose files are named by numbers, with that number.

    A section without hunks (an empty file) is left out. Lines end at LF alone: a CR before it is part of the text.
    """
    lines = decode(patch).split("\n")  # no UTF-8 sequence spans lines
    index = 0
    number, section = -1, list[Hunk]()
    while index < len(lines):
        line = lines[index]
        index += 1
        if header := _SECTION.match(line):
            if section:
                yield number, tuple(section)
            number, section = int(header[1]), []
        elif match := _HUNK.match(line):
            old, new = int(match[1]), int(match[3])
            hunk, index = _read_hunk(lines, index, (old, int(match[2] or 1)), (new, int(match[4] or 1)))
            section.append(hunk)
    if section:
        yield number, tuple(section)


def _read_hunk(lines: Sequence[str], index: int, old: tuple[int, int], new: tuple[int, int]) -> tuple[Hunk, int]:
    """Return one hunk, read by the counts in its header, and the index of the line after it."""
    old_number, old_left = old
    new_number, new_left = new
    body: list[Line] = []
    while (old_left or new_left) and index < len(lines):
        raw = lines[index]
        index += 1
        kind, text = raw[:1], raw[1:]
        if kind == "\\":  # "\ No newline at end of file"
            continue
        removed, added = kind != "+", kind != "-"
        body.append(Line(kind, old_number if removed else None, new_number if added else None, text))
        old_number, old_left = old_number + removed, old_left - removed
        new_number, new_left = new_number + added, new_left - added
    return Hunk(tuple(body)), index
