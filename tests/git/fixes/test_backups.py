"""Backups of what a fix replaced."""

from __future__ import annotations

import time

from ralph_hooks.git.fixes import store as fixes
from ralph_hooks.git.fixes.apply import apply, undo
from ralph_hooks.git.snapshot import Repository
from tests.support.applying import text
from tests.support.fixes import in_store, store_fix
from tests.support.repo import Repo


def test_undo_takes_one_apply_after_the_other_back(repo: Repo, opened: Repository) -> None:
    first = store_fix(repo, {"a.py": "first\n"})
    apply(opened, first)
    repo.stage()
    second = store_fix(repo, {"a.py": "second\n"})
    apply(opened, second)
    assert [undo(opened).fix, text(repo, "a.py")] == [second.id, "first\n"]
    assert [undo(opened).fix, text(repo, "a.py")] == [first.id, "one\ntwo\nthree\n"]


def test_old_fixes_and_backups_are_forgotten(repo: Repo, opened: Repository) -> None:
    now = int(time.time())
    commits = []
    fix = store_fix(repo, {"a.py": "first\n"})
    ours = in_store(repo)
    for n in range(60):
        message = ours.git("log", "-1", "--format=%B", fix.commit).replace(
            f'"created":{fix.created}', f'"created":{now - 3600 * n - (31 * 86_400 if n > 40 else 0)}'
        )
        commits.append(ours.git("commit-tree", "-p", f"{fix.commit}^", "-m", message, fix.tree))
    ours.git("update-ref", "--stdin", stdin="".join(
        f"update {fixes.PREFIX}{oid[:12]} {oid}\n" for oid in commits
    ).encode())  # fmt: skip
    newest = store_fix(repo, {"a.py": "newest\n"})
    kept = fixes.every(opened)
    assert kept[0] == newest
    assert len(kept) == 43
    assert min(found.created for found in kept) > now - 30 * 86_400
