"""The input of a background repair, protected from git's garbage collection until the repair has ended.

git stores the tree of an index nowhere, and the index may change a moment later. So the judged tree becomes a commit
under ``refs/ralph/jobs/`` of our own repository, named after the tree, on top of a commit of its base.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from ralph_hooks.core.change import Change
from ralph_hooks.errors import GitError
from ralph_hooks.git import refs
from ralph_hooks.git.run import IDENTITY, NO_HOOKS, Environment, git, try_git
from ralph_hooks.git.snapshot import GitSnapshot, Repository, build_tree, commit, private_objects

PREFIX = "refs/ralph/jobs/"
_PASSING = frozenset((
    # `git rev-parse --local-env-vars`, except configuration variables, which may be the user's own
    "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_OBJECT_DIRECTORY", "GIT_DIR", "GIT_WORK_TREE", "GIT_IMPLICIT_WORK_TREE",
    "GIT_GRAFT_FILE", "GIT_INDEX_FILE", "GIT_NO_REPLACE_OBJECTS", "GIT_REPLACE_REF_BASE", "GIT_PREFIX",
    "GIT_SHALLOW_FILE", "GIT_COMMON_DIR", "GIT_INTERNAL_SUPER_PREFIX",
    # also set by git for commit hooks, and by pre-commit for push hooks
    "GIT_EDITOR", "GIT_REFLOG_ACTION", "GIT_QUARANTINE_PATH", "PRE_COMMIT_FROM_REF", "PRE_COMMIT_TO_REF",
))  # fmt: skip


def pin(repository: Repository, change: Change) -> None:
    """Store both trees of ``change``, only in our own repository. Raises GitError."""
    refs.store(repository)
    with private_objects(repository) as (folder, objects):
        pinning = _Pinning(repository.top, {**objects, **IDENTITY, "GIT_INDEX_FILE": str(folder / "index")})
        if not pinning.has(change.tree):
            build_tree(change, pinning.git)
        parent = [] if change.base == repository.empty_tree else ["-p", pinning.commit(change.base)]
        made = pinning.commit(change.tree, *parent)
        refs.keep(repository, made, env=objects)
    refs.put(repository, PREFIX + change.tree, made)


def pinned(repository: Repository, tree: str, title: str) -> GitSnapshot:
    """Return the change whose tree was pinned, as it was judged. Raises GitError if it is gone."""
    ours = refs.store(repository)
    snapshot = commit(ours, PREFIX + tree)
    return GitSnapshot(ours, msgspec.structs.replace(snapshot.change, title=title))


def environment(repository: Repository, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the part of ``environ`` for a process that works on a pinned tree after the hook has ended.

    git's variables for this one commit or push are removed: the index that it gave the hook is deleted, and a relative
    GIT_DIR means another folder elsewhere. The repository's own values replace them.
    """
    kept = {name: value for name, value in environ.items() if name not in _PASSING}
    return {**kept, "GIT_DIR": str(repository.git_dir), "GIT_WORK_TREE": str(repository.top)}


def unpin(repository: Repository, tree: str) -> None:
    """Unpin a tree. A tree that is not pinned is no error; any failure only costs disk space."""
    with contextlib.suppress(GitError):
        refs.delete(repository, PREFIX + tree)


def pins(repository: Repository) -> tuple[str, ...]:
    """Return every tree that is pinned here."""
    return tuple(ref.removeprefix(PREFIX) for (ref,) in refs.listed(repository, PREFIX))


class _Pinning:
    """A git context with the user's objects, a temporary index and temporary new objects."""

    def __init__(self, top: Path, env: Environment) -> None:
        self._top = top
        self._env = env

    def git(self, *args: str, stdin: bytes = b"") -> bytes:
        return git([*NO_HOOKS, *args], cwd=self._top, env=self._env, stdin=stdin)

    def has(self, oid: str) -> bool:
        return try_git(["cat-file", "-e", oid], cwd=self._top, env=self._env).returncode == 0

    def commit(self, tree: str, *parent: str) -> str:
        made = self.git("commit-tree", *parent, "-m", "the change under repair by ralph-hooks", tree)
        return made.decode("ascii").strip()
