"""Snapshots of a repository for tests, and names of any bytes."""

from __future__ import annotations

import os
from collections.abc import Sequence

from ralph_hooks.core.change import Entry, Hunk
from ralph_hooks.git.snapshot import GitSnapshot, open_repository, staged
from tests.support.repo import Repo


def look(repo: Repo) -> GitSnapshot:
    return staged(open_repository(repo.path))


def shown(hunks: Sequence[Hunk]) -> list[str]:
    return [line.kind + line.text for hunk in hunks for line in hunk.lines]


def entry(snapshot: GitSnapshot) -> Entry:
    (only,) = snapshot.change.entries
    return only


NAMES = [
    "with space.py", "new\nline.py", "tab\there.py", "\x1b[31mred.py", "-n", "--cached", ":(top)", ":/a", ":!b", "*.py",
    'quo"te.py', "back\\slash.py", "a -> b.py", "a\tb\nc", "caf\u00e9.py", "a/b c/d\n/e.py", ": U", "diff --git a", "~",
    os.fsdecode(b"\xff\xfe.py"), os.fsdecode(b"caf\xe9 \x9b31m.py"),
]  # fmt: skip
