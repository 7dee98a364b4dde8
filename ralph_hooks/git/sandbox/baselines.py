"""What verify commands do on the trees that changes are compared with, found out once.

A base is asked again and again: by each round of a repair, by the next commit, by a push. What a command came to there
is known for the rest of the run, and, where tests ran and said which of them fail, for a day.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from ralph_hooks.core.codec import from_json
from ralph_hooks.core.ports.store import Cache
from ralph_hooks.git.sandbox.editable_installs import packages
from ralph_hooks.git.sandbox.outcomes import Attempt
from ralph_hooks.process import allowed_environment

_VERSION = "1"
_DAY = 86_400.0  # seconds: a base depends on more than we can see, such as a server that tests talk to
_PASSING = frozenset(("TERM", "SHELL", "CI", "TMPDIR", "TEMP", "TMP"))
"""What differs between a hook, a terminal and a job in the background, and decides no test."""


class Baselines:
    """Attempts by tree, command and whether they had a network, for the programs of one ``project``.

    Without a ``store`` they are known to this run alone.
    """

    def __init__(self, project: Path, store: Cache | None) -> None:
        self._project = project
        self._store = store
        self._seen: dict[tuple[str, str, bool], Attempt] = {}
        self._machine = ""

    def get(self, tree: str, command: str, *, network: bool, afresh: bool = False) -> Attempt | None:
        """What is known of ``command`` on ``tree``; ``afresh``: in this run."""
        seen = self._seen.get((tree, command, network))
        if seen is not None or afresh or self._store is None:
            return seen
        name = self._name(tree, command, network=network)
        data = self._store.get([name]).get(name)
        try:
            return None if data is None else from_json(data, Attempt)
        except (msgspec.DecodeError, UnicodeDecodeError):  # of a release that has another shape for it
            return None

    def put(self, tree: str, command: str, attempt: Attempt, *, network: bool) -> None:
        """Remember ``attempt``. What only says that something was missing is not kept: it may be there tomorrow."""
        if attempt.problem:
            return
        self._seen[tree, command, network] = attempt
        if self._store is not None and attempt.code is not None and (attempt.code == 0 or attempt.failures is not None):
            kept = msgspec.structs.replace(attempt, tail="")
            self._store.put({self._name(tree, command, network=network): msgspec.json.encode(kept)}, ttl=_DAY)

    def _name(self, tree: str, command: str, *, network: bool) -> str:
        self._machine = self._machine or "\0".join([str(self._project), *_surroundings()])
        parts = ("baseline", _VERSION, tree, command, str(network), self._machine)
        return hashlib.blake2b("\0".join(parts).encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()


def _surroundings() -> Iterator[str]:
    """What a command depends on besides the tree, as far as a look can tell: its environment, and what is installed.

    A folder's time changes when something is installed into it or removed. git puts a folder of its own before PATH in
    a hook.
    """
    env = allowed_environment()
    path = [Path(entry) for entry in env.pop("PATH", "").split(os.pathsep) if entry and Path(entry).name != "git-core"]
    yield from (f"{name}={value}" for name, value in sorted(env.items()) if name not in _PASSING)
    yield from (f"{place} {_changed(place)}" for place in dict.fromkeys([*path, *packages(path)]))


def _changed(folder: Path) -> int:
    """When something was last added or removed there, in nanoseconds; 0 where it is not there."""
    try:
        return folder.stat().st_mtime_ns
    except OSError:
        return 0
