"""The project's own commands: what passed on a tree is not run on the same tree again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Struct

from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.ports.progress import Progress
from ralph_hooks.core.ports.sandbox import Verifier
from ralph_hooks.core.ports.store import Cache
from ralph_hooks.core.report import Verdict, Verification
from ralph_hooks.engine.cache_keys import key, read_back

_VERSION = "2"
_WEEK = 7 * 86_400.0  # seconds: a command depends on more than the tree, and what is installed changes


class Commands(Struct, frozen=True):
    """Runs commands, or knows how they ended."""

    verifier: Verifier
    store: Cache
    deadline: Deadline
    progress: Progress

    def run(self, tree: str, base: str, commands: Sequence[str], *, afresh: bool) -> tuple[Verification, ...]:
        """One outcome a command, in their order. ``afresh``: run all of them, whatever is known."""
        known = {} if afresh else self._recall(tree, base, commands)
        wanted = [command for command in dict.fromkeys(commands) if command not in known]
        ran: dict[str, Verification] = {}
        if wanted:
            self.progress.begin("verify commands", len(wanted))
            try:
                outcomes = self.verifier.run(tree, base, wanted, self.deadline, afresh=afresh)
                ran = {run.command: run for run in outcomes}
            finally:
                self.progress.end()
            self.store.put(dict(_receipts(tree, base, ran.values())), ttl=_WEEK)
        return tuple((known | ran)[command] for command in commands)

    def _recall(self, tree: str, base: str, commands: Sequence[str]) -> dict[str, Verification]:
        names = {name: command for command in commands for name in _names(tree, base, command)}
        kept = {names[name]: read_back(data, Verification) for name, data in self.store.get(names).items()}
        return {
            command: msgspec.structs.replace(run, from_store=True) for command, run in kept.items() if run is not None
        }


def _names(tree: str, base: str, command: str) -> tuple[str, str]:
    """Where the store keeps that ``command`` passed: on the tree whatever its base, and compared with that base."""
    return key("command", _VERSION, tree, command), key("command", _VERSION, tree, command, base)


def _receipts(tree: str, base: str, runs: Iterable[Verification]) -> Iterable[tuple[str, bytes]]:
    """What is worth keeping: only what passed. With failures that the base has too, the base is part of the verdict."""
    for run in runs:
        if run.verdict is Verdict.PASS:
            alone, compared = _names(tree, base, run.command)
            yield alone if run.exit_code == 0 else compared, msgspec.json.encode(run)
