"""The files of a tree that a change leaves alone, found by `git ls-tree` and `git grep`."""

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
    """Satisfies `core.ports.change.Unchanged`. Nothing is read before somebody asks, and nothing is fetched."""

    def __init__(self, change: Change, *, cwd: Path, env: Environment) -> None:
        self._change = change
        self._cwd = cwd
        self._env: Environment = {**env, **NO_FETCH, "GIT_LITERAL_PATHSPECS": None}
        self._tree = ""
        self._oids: Mapping[str, str] | None = None

    def paths(self) -> AbstractSet[str]:
        """Every regular file."""
        return self._listed().keys()

    def holding(self, words: Sequence[str], suffix: str) -> Mapping[str, bytes]:
        """Files with this suffix that hold any of the words; nothing where a clone lacks some of them."""
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
        """Object ids by path."""
        if self._oids is None:
            self._oids = self._list()
        return self._oids

    def _list(self) -> Mapping[str, str]:
        """From the judged tree where git has it; that of an index is never stored, and its base serves as well."""
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
