"""What a background repair works on, kept from git's garbage collection until it has ended.

The tree of an index is stored nowhere, and the index may hold something else a moment later. So the judged tree becomes
a commit under ``refs/ralph/jobs/``, named after the tree, on top of a commit of its base.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import msgspec

from ralph_hooks.core.change import Change
from ralph_hooks.git.refs import QUIET
from ralph_hooks.git.run import IDENTITY, Environment, git, try_git
from ralph_hooks.git.snapshot import OBJECTS_PREFIX, GitSnapshot, Repository, build_tree, commit

PREFIX = "refs/ralph/jobs/"


def pin(repository: Repository, change: Change) -> None:
    """Keep both trees of ``change``. Nothing is written but objects and one ref. Raises GitError."""
    with tempfile.TemporaryDirectory(prefix=OBJECTS_PREFIX) as folder:
        pinning = _Pinning(repository, Path(folder, "index"))
        if not pinning.has(change.tree):
            build_tree(change, pinning.git)
        parent = [] if change.base == repository.empty_tree else ["-p", pinning.commit(change.base)]
        pinning.git("update-ref", PREFIX + change.tree, pinning.commit(change.tree, *parent))


def pinned(repository: Repository, tree: str, title: str) -> GitSnapshot:
    """The change whose tree was pinned, as it was judged. Raises GitError where it is not there any more."""
    snapshot = commit(repository, PREFIX + tree)
    return GitSnapshot(repository, msgspec.structs.replace(snapshot.change, title=title))


def unpin(repository: Repository, tree: str) -> None:
    """Let go of a tree. One that is not pinned is fine; whatever else goes wrong costs some disk and nothing more."""
    args = [*QUIET, "update-ref", "-d", PREFIX + tree]
    try_git(args, cwd=repository.top, env=repository.environment)


def pins(repository: Repository) -> tuple[str, ...]:
    """Every tree that is pinned here."""
    told = git(["for-each-ref", "--format=%(refname)", PREFIX], cwd=repository.top, env=repository.environment)
    return tuple(line.removeprefix(PREFIX) for line in os.fsdecode(told).split())


class _Pinning:
    """git with the user's objects and refs, and an index that goes away."""

    def __init__(self, repository: Repository, index: Path) -> None:
        self._top = repository.top
        self._env: Environment = {**repository.environment, **IDENTITY, "GIT_INDEX_FILE": str(index)}

    def git(self, *args: str, stdin: bytes = b"") -> bytes:
        return git([*QUIET, *args], cwd=self._top, env=self._env, stdin=stdin)

    def has(self, oid: str) -> bool:
        return try_git(["cat-file", "-e", oid], cwd=self._top, env=self._env).returncode == 0

    def commit(self, tree: str, *parent: str) -> str:
        made = self.git("commit-tree", *parent, "-m", "what ralph-hooks is repairing", tree)
        return made.decode("ascii").strip()
