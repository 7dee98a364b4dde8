"""Scratch copies in which commands run and repairs are made."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from ralph_hooks.core.change import Change
from ralph_hooks.core.command import Command
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.linter import LinterCall, LinterRun
from ralph_hooks.core.ports.change import Snapshot
from ralph_hooks.core.proof import ProofRun, Run
from ralph_hooks.core.repair import AgentRun, StoredFix
from ralph_hooks.core.report import Verification


class Verifier(Protocol):
    """Runner of verify commands in a scratch copy of a tree."""

    def run(
        self, tree: str, base: str, commands: Sequence[Command], deadline: Deadline, *, afresh: bool = False
    ) -> tuple[Verification, ...]:
        """Return one outcome per command. Raises nothing for a command that fails: that is its outcome.

        Cached results for ``base`` are reused, unless ``afresh`` is set.
        """
        ...

    def conditions(self, command: Command) -> str:
        """Return an identifier of everything that the outcome of ``command`` depends on, besides the two trees.

        The network, limits, environment, the version of the tools.
        """
        ...

    def caveats(self) -> Sequence[str]:
        """Return notices for the user about how commands were run."""
        ...


class LinterRunner(Protocol):
    """Runner of linters in a scratch copy of a tree."""

    def run(self, tree: str, change: Change, lines: Sequence[LinterCall], deadline: Deadline) -> Sequence[LinterRun]:
        """Return one outcome for each of ``lines``.

        ``change`` says how to make its tree where git has not stored it. Raises nothing for a line that fails.
        """
        ...

    def conditions(self, line: str) -> str:
        """Return an identifier of everything that the outcome of ``line`` depends on, besides the tree."""
        ...

    def caveats(self) -> Sequence[str]:
        """Return notices for the user about how linters were run."""
        ...


class Workbench(Protocol):
    """A scratch copy of the reviewed tree in which a repair is made and tested. The user's tree stays unchanged.

    Paths are relative to the top, with forward slashes, decoded with surrogateescape. The results of `repair` and the
    methods below it are kept until the next `write`, `reset` or `run_agent`, so that the verified content is what gets
    stored. They all raise RepairRefused, naming the rules, if the resulting tree breaks one (design, section 7).
    """

    def paths(self) -> Sequence[str]:
        """Return every file that the copy holds now, sorted."""
        ...

    def read(self, path: str) -> bytes | None:
        """Return the file as it is now; None if there is none. Follows no symbolic link."""
        ...

    def write(self, files: Mapping[str, bytes | None]) -> None:
        """Write files, or remove those that map to None. A file that is there keeps its mode.

        Raises RepairRefused, and writes nothing, for a path that would leave the copy or that git would not take.
        """
        ...

    def run_agent(
        self, command: Sequence[str], task: str, deadline: Deadline, environment: Mapping[str, str]
    ) -> AgentRun:
        """Run a coding agent's program in the copy.

        ``{task}`` in ``command`` is replaced by a file that holds ``task``; without it, ``task`` is passed on standard
        input. ``environment`` is added to the allow-list (the agent's own key). Raises nothing for a program that
        fails.
        """
        ...

    def reset(self) -> None:
        """Reset the copy to the reviewed tree."""
        ...

    def repair(self) -> Snapshot:
        """Return the repair alone: the difference between the reviewed tree and the current copy."""
        ...

    def repaired(self) -> Snapshot:
        """Return the change with the repair: the difference between the base of the change and the current copy."""
        ...

    def verify(
        self, commands: Sequence[Command], deadline: Deadline, judged: Sequence[Verification] = ()
    ) -> tuple[Verification, ...]:
        """Run verify commands on the current content of the copy, compared by test name with the base of the change.

        ``judged`` is their result on the reviewed tree: a failure that the change has fixed is no old failure.
        """
        ...

    def prover(self, command: str = "") -> Prover:
        """Return a runner of reproducers on the reviewed and repaired tree; ``command`` replaces the built-in one."""
        ...

    def caveats(self) -> Sequence[str]:
        """Return notices for the user about how the repair was tried."""
        ...

    def store(self, *, summary: str, verified: bool, reproduced: bool = False) -> StoredFix:
        """Keep the repair, for `ralph-hooks apply`."""
        ...


class Prover(Protocol):
    """Runner of reproducers in scratch copies, one copy per run."""

    @property
    def places(self) -> int:
        """Number of runs that the machine can execute at once."""
        ...

    def missing(self, name: str, path: str) -> str:
        """Return what the `languages.runners.ProofRunner` ``name`` lacks here to test ``path``; empty if nothing."""
        ...

    def paths(self, tree: str) -> Collection[str]:
        """Return every path of a tree that git has stored."""
        ...

    def read(self, tree: str, path: str) -> bytes | None:
        """Return one file of a tree that git has stored; None if there is none."""
        ...

    def run(self, trial: ProofRun, deadline: Deadline) -> Run:
        """Run the tests of ``trial`` on a fresh copy. Raises nothing for a test that fails: that is its outcome."""
        ...

    def caveats(self) -> Sequence[str]:
        """Return notices for the user about how reproducers were run."""
        ...
