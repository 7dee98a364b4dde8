"""Stored fixes."""

from __future__ import annotations

import pytest

from ralph_hooks.errors import RalphError
from ralph_hooks.git.fixes import store as fixes
from ralph_hooks.git.fixes.apply import apply
from ralph_hooks.git.snapshot import Repository
from tests.support.fixes import in_store, store_fix
from tests.support.repo import Repo


def test_a_fix_that_breaks_a_rule_is_not_applied_even_from_the_store(repo: Repo, opened: Repository) -> None:
    fix = store_fix(repo, {"a.py": "mended\n"})
    repo.stage({".github/workflows/x.yml": "evil\n"})
    ours = in_store(repo)
    message = ours.git("log", "-1", "--format=%B", fix.ref)
    evil = ours.git("commit-tree", "-p", f"{fix.commit}^", "-m", message, repo.git("write-tree"))
    ours.git("update-ref", fix.ref, evil)
    (repo.path / ".github/workflows/x.yml").unlink()
    with pytest.raises(RalphError, match="CI workflows"):
        apply(opened, fixes.find(opened, fix.id))
