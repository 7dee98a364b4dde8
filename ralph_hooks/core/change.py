"""A change: the paths git would commit or push, and the lines that differ.

Paths are ``str`` decoded with ``surrogateescape`` (`os.fsdecode`), so that a name of any bytes survives the way
from git to the report. Object ids are hexadecimal, SHA-1 or SHA-256.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec
from msgspec import Struct

REGULAR_MODES = ("100644", "100755")
SYMLINK_MODE = "120000"
SUBMODULE_MODE = "160000"
ABSENT_MODE = "000000"


class Status(StrEnum):
    """Kind of difference between a path and the base, in the letters of ``git diff --raw``."""

    ADDED = "A"
    COPIED = "C"
    DELETED = "D"
    MODIFIED = "M"
    RENAMED = "R"
    TYPE_CHANGED = "T"


class Entry(Struct, frozen=True):
    """One path of a change. An oid is None on the side where the path does not exist."""

    path: str
    status: Status
    old_path: str
    """The path in the base: another one for a rename or copy, else the same."""
    old_mode: str
    new_mode: str
    old_oid: str | None
    new_oid: str | None

    def alone(self) -> Entry:
        """Return the new content as if the file were new, for content that cannot be compared with the old one."""
        return msgspec.structs.replace(
            self, status=Status.ADDED, old_path=self.path, old_mode=ABSENT_MODE, old_oid=None
        )

    @property
    def is_renamed_as_it_was(self) -> bool:
        """True for a file that has only moved."""
        return self.old_path != self.path and self.old_oid == self.new_oid and self.new_mode != SUBMODULE_MODE

    def unreadable(self) -> str | None:
        """Return the reason why this entry has no text to review, from its modes and ids alone."""
        modes = (self.old_mode, self.new_mode)
        if SUBMODULE_MODE in modes:
            return "submodule"
        if SYMLINK_MODE in modes:
            return "symbolic link"
        if self.old_oid == self.new_oid:
            return "renamed, content unchanged" if self.old_path != self.path else "only the file mode changed"
        return None


class Line(Struct, frozen=True):
    """One line of a hunk, without its line ending. ``old`` and ``new`` are 1-based, None if the side lacks it."""

    kind: str
    """``" "`` context, ``"-"`` removed, ``"+"`` added."""
    old: int | None
    new: int | None
    text: str


class Hunk(Struct, frozen=True):
    """A run of changed lines with a little context around it."""

    lines: tuple[Line, ...]


class Content(Struct, frozen=True):
    """Both sides of a file, byte for byte. None if the side does not exist."""

    old: bytes | None
    new: bytes | None


class Change(Struct, frozen=True):
    """A change to be committed or pushed, relative to its base."""

    tree: str
    """Object id of the reviewed tree."""
    base: str
    """The object id of the tree it is compared with (the empty tree for a first commit)."""
    entries: tuple[Entry, ...]
    title: str
    """For people: ``staged change``, ``commit 1a2b3c4``, ``main..topic``."""


def decode(data: bytes) -> str:
    """Return the text of a file as a model and a report see it: bytes that are not UTF-8 become U+FFFD."""
    return data.decode("utf-8", errors="replace")


def lines_of(data: bytes) -> list[str]:
    """Return the lines of a file as git counts them: they end at LF alone, unlike those of `str.splitlines`."""
    return decode(data).removesuffix("\n").split("\n") if data else []
