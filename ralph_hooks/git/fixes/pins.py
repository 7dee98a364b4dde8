"""What a background repair works on, kept from git's garbage collection until it has ended.

The tree of an index is stored nowhere, and the index may hold something else a moment later. So the judged tree becomes
a commit under ``refs/ralph/jobs/``, named after the tree, on top of a commit of its base.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from ralph_hooks.core.change import Change
from ralph_hooks.git.refs import QUIET
from ralph_hooks.git.run import IDENTITY, Environment, git, try_git
from ralph_hooks.git.snapshot import GitSnapshot, Repository, build_tree, commit
from ralph_hooks.process import temporary_folder

PREFIX = "refs/ralph/jobs/"
_PASSING = frozenset((
    # `git rev-parse --local-env-vars`, without those for configuration: they may be the user's own
    "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_OBJECT_DIRECTORY", "GIT_DIR", "GIT_WORK_TREE", "GIT_IMPLICIT_WORK_TREE",
    "GIT_GRAFT_FILE", "GIT_INDEX_FILE", "GIT_NO_REPLACE_OBJECTS", "GIT_REPLACE_REF_BASE", "GIT_PREFIX",
    "GIT_SHALLOW_FILE", "GIT_COMMON_DIR", "GIT_INTERNAL_SUPER_PREFIX",
    # what git sets besides for the hooks of a commit, and pre-commit for those of a push
    "GIT_EDITOR", "GIT_REFLOG_ACTION", "GIT_QUARANTINE_PATH", "PRE_COMMIT_FROM_REF", "PRE_COMMIT_TO_REF",
))  # fmt: skip


def pin(repository: Repository, change: Change) -> None:
    """Keep both trees of ``change``. Nothing is written but objects and one ref. Raises GitError."""
    with temporary_folder() as folder:
        pinning = _Pinning(repository, Path(folder, "index"))
        if not pinning.has(change.tree):
            build_tree(change, pinning.git)
        parent = [] if change.base == repository.empty_tree else ["-p", pinning.commit(change.base)]
        pinning.git("update-ref", PREFIX + change.tree, pinning.commit(change.tree, *parent))


def pinned(repository: Repository, tree: str, title: str) -> GitSnapshot:
    """The change whose tree was pinned, as it was judged. Raises GitError where it is not there any more."""
    snapshot = commit(repository, PREFIX + tree)
    return GitSnapshot(repository, msgspec.structs.replace(snapshot.change, title=title))


def environment(repository: Repository, environ: Mapping[str, str]) -> dict[str, str]:
    """What a process sees of ``environ`` that works on a pinned tree after the hook has ended.

    git's variables for this one commit or push are gone: the index that it handed to the hook is removed, and a
    relative GIT_DIR means another folder elsewhere. The repository's own ones take their place.
    """
    kept = {name: value for name, value in environ.items() if name not in _PASSING}
    return {**kept, "GIT_DIR": str(repository.git_dir), "GIT_WORK_TREE": str(repository.top)}


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
