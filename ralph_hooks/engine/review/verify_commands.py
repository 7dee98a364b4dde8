"""The project's own commands; a command that passed on a tree is not run on it again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec
from msgspec import Struct

from ralph_hooks.core.command import Command
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.ports.progress import Progress
from ralph_hooks.core.ports.sandbox import Verifier
from ralph_hooks.core.ports.store import Cache
from ralph_hooks.core.report import Report, Verdict, Verification
from ralph_hooks.engine.cache_keys import key, read_back

_VERSION = "3"
_WEEK = 7 * 86_400.0  # seconds: a command also depends on installed software, which changes


class Commands(Struct, frozen=True):
    """Runner of commands that caches how they ended."""

    verifier: Verifier
    store: Cache
    deadline: Deadline
    progress: Progress

    def run(self, tree: str, base: str, commands: Sequence[Command], *, afresh: bool) -> tuple[Verification, ...]:
        """Return one outcome per command, in their order. ``afresh``: run even those with a cached pass."""
        known = {} if afresh else self._recall(tree, base, commands)
        wanted = [command for command in commands if command.name not in known]
        ran: dict[str, Verification] = {}
        if wanted:
            self.progress.begin("verify commands", len(wanted))
            try:
                outcomes = self.verifier.run(tree, base, wanted, self.deadline, afresh=afresh)
                ran = {
                    command.name: msgspec.structs.replace(run, conditions=self.verifier.conditions(command))
                    for command, run in zip(wanted, outcomes, strict=True)
                }
            finally:
                self.progress.end()
            self.store.put(dict(self._receipts(tree, base, wanted, ran)), ttl=_WEEK)
        return tuple((known | ran)[command.name] for command in commands)

    def _recall(self, tree: str, base: str, commands: Sequence[Command]) -> dict[str, Verification]:
        names = {self._name(tree, base, command): command.name for command in commands}
        kept = {names[name]: read_back(data, Verification) for name, data in self.store.get(names).items()}
        return {
            command: msgspec.structs.replace(run, from_store=True) for command, run in kept.items() if run is not None
        }

    def _receipts(
        self, tree: str, base: str, commands: Sequence[Command], runs: Mapping[str, Verification]
    ) -> Iterator[tuple[str, bytes]]:
        """Yield the results to cache: only passes."""
        for command in commands:
            if runs[command.name].verdict is Verdict.PASS:
                yield self._name(tree, base, command), msgspec.json.encode(runs[command.name])

    def _name(self, tree: str, base: str, command: Command) -> str:
        """Return the cache key for a pass of ``command``.

        If tests are compared by name with the base, the base is part of the key.
        """
        compared = base if command.reports else ""
        return key("command", _VERSION, tree, compared, self.verifier.conditions(command))


class NoCommands:
    """Implements `core.ports.sandbox.Verifier` for a project without commands."""

    def run(
        self, tree: str, base: str, commands: Sequence[Command], deadline: Deadline, *, afresh: bool = False
    ) -> tuple[Verification, ...]:
        """Nothing."""
        del tree, base, commands, deadline, afresh
        return ()

    def conditions(self, command: Command) -> str:
        """None."""
        del command
        return ""

    def caveats(self) -> Sequence[str]:
        """None."""
        return ()


class Remembering(Struct, frozen=True):
    """A verifier that takes failures from the ``report`` on the same trees: who repairs them has just seen them.

    Implements `core.ports.sandbox.Verifier`.
    """

    verifier: Verifier
    report: Report

    def run(
        self, tree: str, base: str, commands: Sequence[Command], deadline: Deadline, *, afresh: bool = False
    ) -> tuple[Verification, ...]:
        """As the wrapped verifier; passes are cached in any case."""
        known = {} if afresh else {command.name: self._failure(tree, base, command) for command in commands}
        wanted = [command for command in commands if known.get(command.name) is None]
        ran = self.verifier.run(tree, base, wanted, deadline, afresh=afresh) if wanted else ()
        found = {**known, **{command.name: run for command, run in zip(wanted, ran, strict=True)}}
        return tuple(run for command in commands if (run := found[command.name]) is not None)

    def conditions(self, command: Command) -> str:
        """As the wrapped verifier."""
        return self.verifier.conditions(command)

    def caveats(self) -> Sequence[str]:
        """As the wrapped verifier."""
        return self.verifier.caveats()

    def _failure(self, tree: str, base: str, command: Command) -> Verification | None:
        if (self.report.tree, self.report.base) != (tree, base):
            return None
        conditions = self.verifier.conditions(command)
        found = (
            run
            for run in self.report.verification
            if (run.command, run.conditions) == (command.name, conditions) and run.verdict is Verdict.FAIL
        )
        run = next(found, None)
        return msgspec.structs.replace(run, from_store=True) if run is not None else None
