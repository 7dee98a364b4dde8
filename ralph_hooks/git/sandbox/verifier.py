"""Runs the project's own commands on a scratch copy and tells new failures from old ones."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path

import msgspec
from msgspec import Struct

from ralph_hooks.core.change import Change, decode
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.ports.store import Cache
from ralph_hooks.core.report import Verdict, Verification
from ralph_hooks.core.text import one_line, plural
from ralph_hooks.errors import RalphError
from ralph_hooks.git.sandbox import lfs, outcomes
from ralph_hooks.git.sandbox.baselines import Baselines
from ralph_hooks.git.sandbox.junit import failing_tests
from ralph_hooks.git.sandbox.outcomes import REPORT, Attempt
from ralph_hooks.git.sandbox.scratch import program_environment, scratch, stubborn_loaders
from ralph_hooks.git.snapshot import Repository
from ralph_hooks.process import can_cut_network, most_memory, run_bounded

OWN_NETWORK, REPAIRS_NETWORK = "verify.network", "fix.network"
"""The settings that let commands have a network: on what the user wrote, and on what a model did."""

_TAIL_BYTES = 8 * 1024
_TAIL_LINES = 40
_KILLED = 137  # 128 + SIGKILL, and it was not us: the system was out of memory
_IN_REACH = "verify commands ran with your network in reach: this system has no way to cut it (`ralph-hooks doctor`)"
_POINTERS = (
    "verify commands saw Git LFS pointers in place of {files}: this clone does not have the content (`git lfs fetch`)"
)
_STUBBORN = (
    "{name} is an editable install that comes before PYTHONPATH: verify commands may have run your working tree's code"
    " and not what was judged (install it without -e in the environment of your tests)"
)


class _Terms(Struct, frozen=True, kw_only=True):
    """What holds for all commands of one run."""

    deadline: Deadline
    network: bool
    afresh: bool
    """Whether to ask what is known already."""

    def with_network(self) -> _Terms:
        """The same, where a command may use the network."""
        return msgspec.structs.replace(self, network=True)


class Between(Struct, frozen=True):
    """A tree that the way from the base led over."""

    tree: str
    known: Mapping[str, Collection[str]]
    """Old failures that were seen there, by command."""


class CommandVerifier:
    """Implements `core.ports.sandbox.Verifier`.

    ``timeout`` is in seconds for one command, ``memory`` in bytes for one process.

    ``change`` says how to make its tree where git has not stored it (a staged change). ``project`` is the repository
    whose code may be installed in editable mode and that has the content of Git LFS files, where it is another one.
    Without ``memory`` the limit is three quarters of what the machine has: enough to stop a test that would take it
    all. ``cut_by`` is the setting that keeps commands from the network; empty where they have one. ``store`` keeps what
    commands do on a base.
    """

    def __init__(
        self,
        repository: Repository,
        change: Change,
        *,
        timeout: float,
        memory: int | None = None,
        project: Repository | None = None,
        cut_by: str = "",
        store: Cache | None = None,
    ) -> None:
        self._repository = repository
        self._change = change
        self._timeout = timeout
        self._memory = memory or most_memory()
        self._project = (project or repository).top
        self._large_files = lfs.store(project or repository)
        self._cut_by = cut_by
        self._bases = Baselines(self._project, store)
        self._caveats: dict[str, None] = {}

    def run(
        self,
        tree: str,
        base: str,
        commands: Sequence[str],
        deadline: Deadline,
        *,
        afresh: bool = False,
        between: Between | None = None,
    ) -> tuple[Verification, ...]:
        """One outcome a command; one scratch copy of ``tree``, and one of ``base`` if there is something to compare.

        What passed ``between`` is no old failure, whatever the base had.
        """
        cut = bool(self._cut_by and commands) and can_cut_network()
        if self._cut_by and commands and not cut:
            self._caveats[_IN_REACH] = None
        terms = _Terms(deadline=deadline, network=not cut, afresh=afresh)
        with contextlib.ExitStack() as stack:
            here, there = (self._bench(oid, stack) for oid in (tree, base))
            results = [self._verify(command, here, there, terms) for command in commands]
            if between is not None:
                bench = self._bench(between.tree, stack)
                results = [self._since(outcome, bench, between, terms) for outcome in results]
        return tuple(map(self._unplugged, results) if cut else results)

    def _bench(self, tree: str, stack: contextlib.ExitStack) -> _ScratchCopy:
        return _ScratchCopy(self._repository, tree, self._change, stack, self._filled)

    def _filled(self, copy: Path) -> None:
        missing = lfs.fill(copy, self._large_files)
        if missing:
            self._caveats[_POINTERS.format(files=plural(missing, "file"))] = None

    def caveats(self) -> Sequence[str]:
        """Sentences that the user has to read about how commands were run."""
        return tuple(self._caveats)

    def _unplugged(self, outcome: Verification) -> Verification:
        """A command that fails may have wanted the network: whoever reads of it has to know."""
        if outcome.verdict is Verdict.PASS or (outcome.problem and outcome.exit_code is None):
            return outcome
        note = f"(run without a network; `{self._cut_by} = true` lets it have one)"
        if outcome.problem:
            return msgspec.structs.replace(outcome, problem=f"{outcome.problem} {note}")
        return msgspec.structs.replace(outcome, tail=f"{outcome.tail}\n{note}".lstrip())

    def _verify(self, command: str, here: _ScratchCopy, there: _ScratchCopy, terms: _Terms) -> Verification:
        """Run ``command``, and on the base too where that tells what its failure means."""
        attempt = self._attempt(command, here, terms)
        if attempt.problem:
            return outcomes.outcome(command, attempt)
        if attempt.code == 0:
            return outcomes.outcome(command, attempt, problem=outcomes.unreported(command, attempt))
        before = partial(self._before, command, there)
        if attempt.code is None:
            return outcomes.hung(command, attempt, before(terms))
        if outcomes.never_ran(command, attempt):
            base = before(terms)
            same = base.code == attempt.code and outcomes.never_ran(command, base)
            return outcomes.outcome(command, attempt, problem=outcomes.why(command, attempt) if same else "")
        if attempt.failures:
            return outcomes.compared(command, attempt, before(terms))
        cut = not terms.network and outcomes.speaks_of_network(attempt)
        lost = cut and before(terms).code and before(terms.with_network()).code == 0
        return outcomes.outcome(
            command, attempt, problem="it passes on the base, but only with a network" if lost else ""
        )

    def _since(self, outcome: Verification, bench: _ScratchCopy, between: Between, terms: _Terms) -> Verification:
        """``outcome`` with the failures as new that were mended ``between``; where that is not known, it is asked."""
        if {*outcome.known_failures} <= {*between.known.get(outcome.command, ())}:
            return outcome
        return outcomes.broken_since(outcome, self._before(outcome.command, bench, terms))

    def _before(self, command: str, base: _ScratchCopy, terms: _Terms) -> Attempt:
        """What ``command`` does on the base, asked once."""
        known = self._bases.get(base.tree, command, network=terms.network, afresh=terms.afresh)
        if known is None:
            known = self._attempt(command, base, terms)
            self._bases.put(base.tree, command, known, network=terms.network)
        return known

    def _attempt(self, command: str, bench: _ScratchCopy, terms: _Terms) -> Attempt:
        try:
            copy = bench.copy()
            report = copy.parent / "ralph-hooks-junit.xml"
            report.unlink(missing_ok=True)
            args = [part.replace(REPORT, str(report)) for part in outcomes.split(command)]
            self._warn(args)
            limit = min(self._timeout, terms.deadline.remaining())
            if not args or not limit:
                return Attempt(None, 0.0, problem="the deadline came first" if args else "it is empty")
            done = run_bounded(
                args,
                cwd=copy,
                env=program_environment(copy, self._project, args[0]),
                timeout=limit,
                memory=self._memory,
                network=terms.network,
            )
        except RalphError as error:
            hint = f" ({error.hint})" if error.hint else ""
            return Attempt(None, 0.0, problem=f"no scratch copy could be made: {error.message}{hint}")
        except ValueError as error:
            return Attempt(None, 0.0, problem=f"it cannot be split into words: {error}")
        except OSError as error:
            return Attempt(None, 0.0, problem=f"it could not be started: {error.strerror}")
        return Attempt(
            code=done.returncode,
            seconds=round(done.seconds, 3),
            tail=_tail(done.tail),
            failures=failing_tests(report) if REPORT in command else None,
            problem=self._problem(done.returncode, limit),
        )

    def _warn(self, args: Sequence[str]) -> None:
        for name in stubborn_loaders(self._project, args[0]) if args else ():
            self._caveats[_STUBBORN.format(name=one_line(name))] = None

    def _problem(self, code: int | None, limit: float) -> str:
        if code is None and limit < self._timeout:
            return f"stopped after {limit:.0f} s because the deadline came: raise the deadline or run less"
        return "killed, most likely because memory ran out" if code == _KILLED else ""


class _ScratchCopy:
    """The scratch copy of one tree, made when it is first asked for and removed with ``stack``."""

    def __init__(
        self,
        repository: Repository,
        tree: str,
        change: Change,
        stack: contextlib.ExitStack,
        fill: Callable[[Path], None],
    ) -> None:
        self._repository = repository
        self.tree = tree
        self._change = change
        self._stack = stack
        self._fill = fill
        self._copy: Path | None = None

    def copy(self) -> Path:
        """Raises GitError and OSError as `scratch`."""
        if self._copy is None:
            self._copy = self._stack.enter_context(scratch(self._repository, self.tree, self._change))
            self._fill(self._copy)
        return self._copy


def _tail(output: bytes) -> str:
    kept = decode(output[-_TAIL_BYTES:])
    if len(output) > _TAIL_BYTES:  # what is cut in two may be a credential, and no scan knows half of one
        kept = kept.partition("\n")[2] or kept.partition(" ")[2]
    return "\n".join(kept.rstrip().splitlines()[-_TAIL_LINES:])
