"""Stored fixes on real repositories, and the state that they must not change."""

from __future__ import annotations

import os
from collections.abc import Mapping

from ralph_hooks.core.repair import StoredFix
from ralph_hooks.git.sandbox.workbench import GitWorkbench
from ralph_hooks.git.snapshot import open_repository, staged
from tests.support.repo import Repo


def store_fix(
    repo: Repo, files: Mapping[str, str | None], *, summary: str = "Mend it", verified: bool = True
) -> StoredFix:
    """Keep a repair of what is staged that writes ``files``."""
    opened = open_repository(repo.path)
    with GitWorkbench(opened, staged(opened).change, timeout=60) as bench:
        bench.write({path: None if text is None else text.encode() for path, text in files.items()})
        return bench.store(summary=summary, verified=verified)


def in_store(repo: Repo) -> Repo:
    """Return the repository of our own inside ``repo``, where fixes, backups and jobs are."""
    return Repo(repo.path / repo.git("rev-parse", "--git-common-dir") / "ralph-hooks/store.git", repo.home)


def tree(repo: Repo) -> dict[str, tuple[int, bytes]]:
    """Return every file of the working tree: its permissions and its bytes."""
    found = {}
    for path in sorted(repo.path.rglob("*")):
        if ".git" not in path.relative_to(repo.path).parts and (path.is_symlink() or path.is_file()):
            content = os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes()
            found[str(path.relative_to(repo.path))] = (path.lstat().st_mode, content)
    return found


def private_state(repo: Repo) -> dict[str, bytes]:
    """Return the state of git and the user: everything in .git but our own folder, and objects."""
    ours = (".git/objects/", ".git/ralph-hooks/")
    return {
        name: content
        for name, content in repo.state().items()
        if name.startswith(".git/") and not name.startswith(ours)
    }
