"""Runs of verify commands on trees, kept so that none is repeated.

A base is asked again and again: by each round of a repair, by the next commit, by a push. Most bases were judged
themselves once. A run is valid for the rest of this process, and, where tests ran and said which of them fail, for a
day, as long as everything that it depends on is the same (`conditions`).
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
_DAY = 86_400.0  # seconds: a base depends on more than we can see, such as a server that tests talk to
_PASSING = frozenset(("TERM", "SHELL"))
"""What differs between a hook, a terminal and a job in the background, and decides no test."""
_SWITCHES = (
    ".pyenv/version", ".pyenv/shims", ".rustup/settings.toml", ".rustup/toolchains", ".nvm/alias/default",
    ".tool-versions", ".asdf/installs", ".asdf/shims", ".config/mise/config.toml", ".local/share/mise/installs",
    ".sdkman/candidates/java/current", ".sdkman/candidates/gradle/current", ".volta/tools/user/platform.json",
    ".config/go/env", ".cargo/config.toml", ".npmrc", ".m2/settings.xml", ".gradle/gradle.properties",
)  # fmt: skip
"""Files and folders of the user's that say which version of a tool runs, and how."""


class Baselines:
    """Attempts by tree, command and whether they had a network, for the programs of one ``project``.

    ``limits`` are further settings that decide how a command ends. Without a ``store`` all is known to this run alone.
    """

    def __init__(self, project: Path, store: Cache | None, limits: tuple[str, ...] = ()) -> None:
        self._project = project
        self._store = store
        self._limits = limits
        self._seen: dict[tuple[str, Command, bool], Attempt] = {}
        self._machine = ""

    def get(self, tree: str, command: Command, *, network: bool, afresh: bool = False) -> Attempt | None:
        """Return what is known of ``command`` on ``tree``; ``afresh``: in this run."""
        seen = self._seen.get((tree, command, network))
        if seen is not None or afresh or self._store is None:
            return seen
        name = self._name(tree, command, network=network)
        data = self._store.get([name]).get(name)
        try:
            return None if data is None else from_json(data, Attempt)
        except (msgspec.DecodeError, UnicodeDecodeError):  # of a release that has another shape for it
            return None

    def put(self, tree: str, command: Command, attempt: Attempt, *, network: bool) -> None:
        """Remember ``attempt``. What only says that something was missing is not kept: it may be there tomorrow."""
        if attempt.problem:
            return
        self._seen[tree, command, network] = attempt
        if self._store is not None and attempt.code is not None and (attempt.code == 0 or attempt.failures is not None):
            kept = msgspec.structs.replace(attempt, tail="")
            self._store.put({self._name(tree, command, network=network): msgspec.json.encode(kept)}, ttl=_DAY)

    def conditions(self, command: Command, *, network: bool) -> str:
        """Names everything besides the tree that ``command`` depends on, as far as a look can tell."""
        self._machine = self._machine or "\0".join([str(self._project), *_surroundings()])
        parts = (str(msgspec.json.encode(command)), str(network), *self._limits, self._machine, *_programs(command))
        return hashlib.blake2b("\0".join(parts).encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()

    def _name(self, tree: str, command: Command, *, network: bool) -> str:
        return f"baseline {_VERSION} {tree} {self.conditions(command, network=network)}"


def _surroundings() -> Iterator[str]:
    """The environment of a command, what is installed, and which versions of tools are chosen.

    A folder's time changes when something is installed into it or removed. git puts a folder of its own before PATH in
    a hook.
    """
    env = allowed_environment()
    path = [Path(entry) for entry in env.pop("PATH", "").split(os.pathsep) if entry and Path(entry).name != "git-core"]
    yield from (f"{name}={value}" for name, value in sorted(env.items()) if name not in _PASSING)
    switches = [Path(env["HOME"], name) for name in _SWITCHES] if "HOME" in env else []
    yield from (f"{place} {_changed(place)}" for place in dict.fromkeys([*path, *packages(path), *switches]))


def _programs(command: Command) -> Iterator[str]:
    """The programs that the command names, with the time they were installed."""
    env = allowed_environment()
    for word in dict.fromkeys(command.words):
        program = which(word, env) if PurePath(word).name == word else word
        if program is not None and os.path.isabs(program):  # noqa: PTH117 - a word may be anything
            yield f"{program} {_changed(Path(program))}"


def _changed(place: Path) -> int:
    """Return when a file was last written, or a folder's list of files, in nanoseconds; 0 for what is not there."""
    try:
        return place.stat().st_mtime_ns
    except (OSError, ValueError):
        return 0
