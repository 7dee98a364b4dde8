"""Entries of a change, and the text of files."""

from __future__ import annotations

import msgspec
import pytest

from ralph_hooks.core.change import SUBMODULE_MODE, SYMLINK_MODE, Entry, Status, decode, lines_of

MOVED = Entry("b.py", Status.RENAMED, "a.py", "100644", "100644", "1" * 40, "1" * 40)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, "renamed, content unchanged"),
        ({"old_path": "b.py", "new_mode": "100755"}, "only the file mode changed"),
        ({"new_mode": SUBMODULE_MODE}, "submodule"),
        ({"old_mode": SYMLINK_MODE}, "symbolic link"),
        ({"new_oid": "2" * 40}, None),
    ],
)
def test_entry_without_text_says_why(changes: dict[str, str], reason: str | None) -> None:
    assert msgspec.structs.replace(MOVED, **changes).unreadable() == reason


def test_entry_alone_is_a_new_file() -> None:
    alone = MOVED.alone()
    assert (alone.status, alone.path, alone.old_path, alone.old_oid) == (Status.ADDED, "b.py", "b.py", None)
    assert alone.new_oid == MOVED.new_oid


def test_renamed_file_with_other_content_has_not_only_moved() -> None:
    assert MOVED.is_renamed_as_it_was
    assert not msgspec.structs.replace(MOVED, new_oid="2" * 40).is_renamed_as_it_was


def test_lines_end_at_line_feeds_alone() -> None:
    assert lines_of(b"a\x0cb\r\nc\n") == ["a\x0cb\r", "c"]
    assert lines_of(b"") == []
    assert decode(b"caf\xe9") == "caf\ufffd"
