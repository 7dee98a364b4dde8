"""Refs of a push."""

from __future__ import annotations

from ralph_hooks.core.push import short


def test_refs_are_named_for_people() -> None:
    assert [short(ref) for ref in ("refs/heads/a/b", "refs/tags/v1", "refs/notes/x", "main")] == [
        "a/b",
        "tag v1",
        "refs/notes/x",
        "main",
    ]
