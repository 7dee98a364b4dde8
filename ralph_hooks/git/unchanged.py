"""The files of a tree that a change does not touch, found by `git ls-tree` and `git grep`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path

from ralph_hooks.core.change import REGULAR_MODES, Change
from ralph_hooks.git.objects import read_blobs
from ralph_hooks.git.run import NO_FETCH, Environment, git, try_git

_MOST = 2_000  # files that are read


class GitUnchanged:
    """A lazy reader that fetches nothing. Satisfies `core.ports.change.Unchanged`."""

    def __init__(self, change: Change, *, cwd: Path, env: Environment) -> None:
        self._change = change
        self._cwd = cwd
        self._env: Environment = {**env, **NO_FETCH, "GIT_LITERAL_PATHSPECS": None}
        self._tree = ""
        self._oids: Mapping[str, str] | None = None

    def paths(self) -> AbstractSet[str]:
        """Return the paths of every regular file."""
        return self._listed().keys()

    def holding(self, words: Sequence[str], suffix: str) -> Mapping[str, bytes]:
        """Return files with this suffix that contain any of the words; empty if a clone lacks some of them."""
        oids = self._listed()
        patterns = [part for word in words for part in ("-e", word)]
        found = try_git(
            ["grep", "-l", "-z", "-w", "-F", "--no-color", "--full-name", "--no-recurse-submodules",
             *patterns, self._tree, "--", f"*{suffix}"],
            cwd=self._cwd, env=self._env,
        )  # fmt: skip
        named = (os.fsdecode(name).partition(":")[2] for name in found.stdout.split(b"\0") if name)
        wanted = [path for path in named if path in oids][:_MOST]
        if not wanted:
            return {}
        blobs = read_blobs(list(dict.fromkeys(oids[path] for path in wanted)), cwd=self._cwd, env=self._env)
        return {path: blobs[oids[path]] for path in wanted}

    def _listed(self) -> Mapping[str, str]:
        """Return object ids by path."""
        if self._oids is None:
            self._oids = self._list()
        return self._oids

    def _list(self) -> Mapping[str, str]:
        """Return object ids from the judged tree if git has it, else from its base: an index tree is never stored."""
        change = self._change
        args = ["ls-tree", "-r", "-z", "--full-tree"]
        listed = try_git([*args, change.tree], cwd=self._cwd, env=self._env)
        self._tree = change.base if listed.returncode else change.tree
        answer = git([*args, change.base], cwd=self._cwd, env=self._env) if listed.returncode else listed.stdout
        changed = {path for entry in change.entries for path in (entry.path, entry.old_path)}
        oids: dict[str, str] = {}
        for row in answer.split(b"\0")[:-1]:
            facts, _, name = row.partition(b"\t")
            mode, _, oid = facts.decode("ascii").split(" ")
            path = os.fsdecode(name)
            if mode in REGULAR_MODES and path not in changed:
                oids[path] = oid
        return oids
