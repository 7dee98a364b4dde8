"""The project's own commands: what passed on a tree is not run on the same tree again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec
from msgspec import Struct

from ralph_hooks.core.command import Command
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.ports.progress import Progress
from ralph_hooks.core.ports.sandbox import Verifier
from ralph_hooks.core.ports.store import Cache
from ralph_hooks.core.report import Verdict, Verification
from ralph_hooks.engine.cache_keys import key, read_back

_VERSION = "3"
_WEEK = 7 * 86_400.0  # seconds: a command depends on more than the tree, and what is installed changes


class Commands(Struct, frozen=True):
    """Runs commands, or knows how they ended."""

    verifier: Verifier
    store: Cache
    deadline: Deadline
    progress: Progress

    def run(self, tree: str, base: str, commands: Sequence[Command], *, afresh: bool) -> tuple[Verification, ...]:
        """One outcome a command, in their order. ``afresh``: run all of them, whatever is known."""
        known = {} if afresh else self._recall(tree, base, commands)
        wanted = [command for command in commands if command.name not in known]
        ran: dict[str, Verification] = {}
        if wanted:
            self.progress.begin("verify commands", len(wanted))
            try:
                outcomes = self.verifier.run(tree, base, wanted, self.deadline, afresh=afresh)
                ran = {run.command: run for run in outcomes}
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
        """What is worth keeping: only what passed."""
        for command in commands:
            if runs[command.name].verdict is Verdict.PASS:
                yield self._name(tree, base, command), msgspec.json.encode(runs[command.name])

    def _name(self, tree: str, base: str, command: Command) -> str:
        """Where the store keeps that ``command`` passed.

        Where tests are compared by name with the base, the base is part of the verdict.
        """
        compared = base if command.reports else ""
        return key("command", _VERSION, tree, compared, self.verifier.conditions(command))
