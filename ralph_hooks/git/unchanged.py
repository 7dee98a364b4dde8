"""The files of a tree that a change does not touch, found by `git ls-tree` and `git grep`."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cached_property
from pathlib import Path

from ralph_hooks.core.change import REGULAR_MODES, Change
from ralph_hooks.git.objects import read_blobs
from ralph_hooks.git.run import NO_FETCH, Environment, git, spawn, try_git
from ralph_hooks.process import stream

_MOST = 2_000  # files that are read
_MOST_OUTPUT = 8_000_000  # bytes of places where words occur
_PIECE = 65_536  # bytes
_AT_ONCE = 500  # paths in the arguments of a program


class GitUnchanged:
    """A lazy reader that fetches nothing. Satisfies `core.ports.change.Unchanged`."""

    def __init__(self, change: Change, *, cwd: Path, env: Environment) -> None:
        self._change = change
        self._cwd = cwd
        self._env: Environment = {**env, **NO_FETCH, "GIT_LITERAL_PATHSPECS": None}
        self._changed = {path for entry in change.entries for path in (entry.path, entry.old_path)}
        self._oids: Mapping[str, str] | None = None
        self._known: dict[str, tuple[str, int]] = {}

    def paths(self) -> AbstractSet[str]:
        """Return the paths of every regular file."""
        return self._listed().keys()

    def holding(self, words: Sequence[str], suffix: str, seconds: float) -> Mapping[str, bytes] | None:
        """Return files with this suffix that contain any of the words; empty if a clone lacks some of them.

        None if git takes more than ``seconds``, or prints more than `_MOST_OUTPUT`.
        """
        oids = self._listed()
        patterns = [part for word in words for part in ("-e", word)]
        found = self._search(["-l", "-w", "-F", *patterns, self._tree, "--", f"*{suffix}"], seconds)
        if found is None:
            return None
        output, code = found
        named = (os.fsdecode(name).partition(":")[2] for name in output.split(b"\0") if name and code == 0)
        wanted = [path for path in named if path in oids][:_MOST]
        if not wanted:
            return {}
        blobs = read_blobs(list(dict.fromkeys(oids[path] for path in wanted)), cwd=self._cwd, env=self._env)
        return {path: blobs[oids[path]] for path in wanted}

    def occurrences(
        self, words: Sequence[str], suffixes: Sequence[str], seconds: float
    ) -> Mapping[str, AbstractSet[str]] | None:
        """Return the paths of files with one of ``suffixes`` that contain each whole word, by word.

        ``words`` are identifiers. None if git takes more than ``seconds``, or prints more than `_MOST_OUTPUT`.
        """
        found: dict[str, set[str]] = {word: set() for word in words}
        places = [f"*{suffix}" for suffix in suffixes]
        options = ["-o", "-w", "-E", "--no-line-number", "--no-column", "-e", f"({'|'.join(words)})"]
        searched = self._search([*options, self._tree, "--", *places], seconds)
        if searched is None or searched[1] not in {0, 1}:  # 1: nothing was found
            return None
        for name, word in re.findall(rb"(?s)" + self._tree.encode() + rb":(.*?)\0(.*?)\n", searched[0]):
            path = os.fsdecode(name)
            if path not in self._changed:
                found.setdefault(word.decode("ascii", "replace"), set()).add(path)
        return found

    def oids(self, paths: Sequence[str]) -> Mapping[str, str]:
        """Return the object ids of those of ``paths`` that are regular files, by path."""
        missing = [path for path in paths if path not in self._known and path not in self._changed]
        for start in range(0, len(missing), _AT_ONCE):
            self._known |= self._facts(missing[start : start + _AT_ONCE])
        return {path: self._known[path][0] for path in paths if path in self._known}

    def _facts(self, paths: Sequence[str]) -> dict[str, tuple[str, int]]:
        """Return object id and size by path; nothing if a partial clone lacks one of them."""
        args = ["ls-tree", "-l", "-z", "--full-tree", self._tree, "--", *paths]
        listed = try_git(args, cwd=self._cwd, env={**self._env, "GIT_LITERAL_PATHSPECS": "1"})
        facts: dict[str, tuple[str, int]] = {}
        for row in listed.stdout.split(b"\0")[:-1] if listed.returncode == 0 else ():
            told, _, name = row.partition(b"\t")
            mode, _, oid, size = told.decode("ascii").split()
            if mode in REGULAR_MODES:
                facts[os.fsdecode(name)] = oid, int(size)
        return facts

    def read(self, paths: Sequence[str], most: int) -> Mapping[str, bytes]:
        """Return the content of ``paths`` in their order, as many as have ``most`` bytes together, by path."""
        wanted: dict[str, str] = {}
        for path in self.oids(paths):
            oid, size = self._known[path]
            if size <= most:
                most -= size
                wanted[path] = oid
        if not wanted:
            return {}
        blobs = read_blobs(list(dict.fromkeys(wanted.values())), cwd=self._cwd, env=self._env)
        return {path: blobs[oid] for path, oid in wanted.items()}

    def _search(self, args: Sequence[str], seconds: float) -> tuple[bytes, int] | None:
        """Return what `git grep` prints and its exit code; None if it was stopped."""
        common = ["grep", "-z", "--no-color", "--full-name", "--no-recurse-submodules"]
        process = spawn([*common, *args], cwd=self._cwd, env=self._env)
        late = threading.Event()

        def stop() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(seconds, stop)
        timer.start()
        output = bytearray()
        try:
            for piece in stream(process, _PIECE):
                output += piece
                if len(output) > _MOST_OUTPUT:
                    return None
        finally:
            timer.cancel()
        return None if late.is_set() else (bytes(output), process.returncode)

    def _listed(self) -> Mapping[str, str]:
        """Return object ids by path."""
        if self._oids is None:
            self._oids = self._list()
        return self._oids

    @cached_property
    def _tree(self) -> str:
        """The judged tree if git has it, else its base: the tree of an index is never stored."""
        there = try_git(["cat-file", "-e", f"{self._change.tree}^{{tree}}"], cwd=self._cwd, env=self._env)
        return self._change.base if there.returncode else self._change.tree

    def _list(self) -> Mapping[str, str]:
        """Return the object ids of all files that are left alone."""
        answer = git(["ls-tree", "-r", "-z", "--full-tree", self._tree], cwd=self._cwd, env=self._env)
        oids: dict[str, str] = {}
        for row in answer.split(b"\0")[:-1]:
            facts, _, name = row.partition(b"\t")
            mode, _, oid = facts.decode("ascii").split(" ")
            path = os.fsdecode(name)
            if mode in REGULAR_MODES and path not in self._changed:
                oids[path] = oid
        return oids
