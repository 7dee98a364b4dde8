"""A cache of verify command runs on base trees.

The same base is needed by each round of a repair, the next commit and a push; most bases were judged themselves before.
A run is valid for the rest of this process, and for a day if it passed or named its failing tests, as long as all that
it depends on is unchanged (`conditions`).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path, PurePath

import msgspec

from ralph_hooks.core.codec import from_json
from ralph_hooks.core.command import Command
from ralph_hooks.core.ports.store import Cache
from ralph_hooks.git.sandbox.editable_installs import packages
from ralph_hooks.git.sandbox.outcomes import Attempt
from ralph_hooks.process import allowed_environment, which

_VERSION = "2"
_DAY = 86_400.0  # seconds: a base also depends on state we cannot see, such as a server used by tests
_PASSING = frozenset(("TERM", "SHELL"))
"""Variables that differ between a hook, a terminal and a background job without affecting tests."""
_SWITCHES = (
    ".pyenv/version", ".pyenv/shims", ".rustup/settings.toml", ".rustup/toolchains", ".nvm/alias/default",
    ".tool-versions", ".asdf/installs", ".asdf/shims", ".config/mise/config.toml", ".local/share/mise/installs",
    ".sdkman/candidates/java/current", ".sdkman/candidates/gradle/current", ".volta/tools/user/platform.json",
    ".config/go/env", ".cargo/config.toml", ".npmrc", ".m2/settings.xml", ".gradle/gradle.properties",
)  # fmt: skip
"""The user's files and folders that select the version of a tool and how it runs."""


class Baselines:
    """Attempts of one ``project`` by tree, command and network access.

    ``limits`` are further settings that affect a command's outcome. Without a ``store`` attempts last for one run.
    """

    def __init__(self, project: Path, store: Cache | None, limits: tuple[str, ...] = ()) -> None:
        self._project = project
        self._store = store
        self._limits = limits
        self._seen: dict[tuple[str, Command, bool], Attempt] = {}
        self._machine = ""

    def get(self, tree: str, command: Command, *, network: bool, afresh: bool = False) -> Attempt | None:
        """Return the cached attempt of ``command`` on ``tree``; with ``afresh`` only one of this run."""
        seen = self._seen.get((tree, command, network))
        if seen is not None or afresh or self._store is None:
            return seen
        name = self._name(tree, command, network=network)
        data = self._store.get([name]).get(name)
        try:
            return None if data is None else from_json(data, Attempt)
        except (msgspec.DecodeError, UnicodeDecodeError):  # written by a release with another format
            return None

    def put(self, tree: str, command: Command, attempt: Attempt, *, network: bool) -> None:
        """Store ``attempt``, unless it only shows that something was missing, which may be there tomorrow."""
        if attempt.problem:
            return
        self._seen[tree, command, network] = attempt
        if self._store is not None and attempt.code is not None and (attempt.code == 0 or attempt.failures is not None):
            kept = msgspec.structs.replace(attempt, tail="")
            self._store.put({self._name(tree, command, network=network): msgspec.json.encode(kept)}, ttl=_DAY)

    def conditions(self, command: Command, *, network: bool) -> str:
        """Return a digest of everything besides the tree that ``command`` visibly depends on."""
        self._machine = self._machine or "\0".join([str(self._project), *_surroundings()])
        parts = (str(msgspec.json.encode(command)), str(network), *self._limits, self._machine, *_programs(command))
        return hashlib.blake2b("\0".join(parts).encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()

    def _name(self, tree: str, command: Command, *, network: bool) -> str:
        return f"baseline {_VERSION} {tree} {self.conditions(command, network=network)}"


def _surroundings() -> Iterator[str]:
    """Yield the environment of a command, the installed packages, and the selected tool versions.

    A folder's time changes when a file is installed or removed there. In a hook git prepends its own folder to PATH.
    """
    env = allowed_environment()
    path = [Path(entry) for entry in env.pop("PATH", "").split(os.pathsep) if entry and Path(entry).name != "git-core"]
    yield from (f"{name}={value}" for name, value in sorted(env.items()) if name not in _PASSING)
    switches = [Path(env["HOME"], name) for name in _SWITCHES] if "HOME" in env else []
    yield from (f"{place} {_changed(place)}" for place in dict.fromkeys([*path, *packages(path), *switches]))


def _programs(command: Command) -> Iterator[str]:
    """Yield the programs in the command, with their installation times."""
    env = allowed_environment()
    for word in dict.fromkeys(command.words):
        program = which(word, env) if PurePath(word).name == word else word
        if program is not None and os.path.isabs(program):  # noqa: PTH117 - a word may be anything
            yield f"{program} {_changed(Path(program))}"


def _changed(place: Path) -> int:
    """Return the modification time of a file or of a folder's list, in nanoseconds; 0 if it does not exist."""
    try:
        return place.stat().st_mtime_ns
    except (OSError, ValueError):
        return 0
