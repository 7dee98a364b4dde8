"""Runs the project's own commands on a scratch copy and tells new failures from old ones."""

from __future__ import annotations

import contextlib
import os
import shlex
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from pathlib import Path, PurePath

import msgspec
from msgspec import Struct

from ralph_hooks.core.change import Change, decode
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.ports import Store
from ralph_hooks.core.report import Verdict, Verification
from ralph_hooks.core.text import one_line
from ralph_hooks.errors import RalphError
from ralph_hooks.git.baselines import Attempt, Baselines
from ralph_hooks.git.junit import failing_tests
from ralph_hooks.git.scratch import program_environment, scratch, stubborn_loaders
from ralph_hooks.git.snapshot import Repository
from ralph_hooks.process import can_cut_network, most_memory, run_bounded

OWN_NETWORK, REPAIRS_NETWORK = "verify.network", "fix.network"
"""The settings that let commands have a network: on what the user wrote, and on what a model did."""

_REPORT = "{junit}"
_TAIL_BYTES = 8 * 1024
_TAIL_LINES = 40
_NOT_EXECUTABLE, _NOT_FOUND = 126, 127  # what a shell ends with
_KILLED = 137  # 128 + SIGKILL, and it was not us: the system was out of memory
_PYTEST = ("pytest", "py.test")
_PYTEST_USAGE, _PYTEST_NO_TESTS = 4, 5  # also where a conftest.py cannot be imported, where paths do not exist
_REPORTERS = {
    "pytest": "`--junit-xml={junit}` (and nothing in a conftest.py that ends the run)",
    "jest": "jest-junit with JEST_JUNIT_OUTPUT_FILE={junit}",
    "vitest": "`--reporter=junit --outputFile={junit}`",
    "mocha": "mocha-junit-reporter with mochaFile={junit}",
    "gotestsum": "`--junitfile {junit}`",
    "go": "gotestsum with `--junitfile {junit}`",
    "phpunit": "`--log-junit {junit}`",
    "rspec": "rspec_junit_formatter with `--out {junit}`",
}
_IN_REACH = "verify commands ran with your network in reach: this system has no way to cut it (`ralph-hooks doctor`)"
_STUBBORN = (
    "{name} is an editable install that comes before PYTHONPATH: verify commands may have run your working tree's code"
    " and not what was judged (install it without -e in the environment of your tests)"
)
_STOPPED_EARLY = "! stopping after "  # pytest's --maxfail and -x


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
    """Satisfies `core.ports.Verifier`. ``timeout`` is in seconds for one command, ``memory`` in bytes for one process.

    ``change`` says how to make its tree where git has not stored it (a staged change). ``project`` is the folder whose
    code may be installed in editable mode, where it is not the repository's own. Without ``memory`` the limit is three
    quarters of what the machine has: enough to stop a test that would take it all. ``cut_by`` is the setting that keeps
    commands from the network; empty where they have one. ``store`` keeps what commands do on a base.
    """

    def __init__(
        self,
        repository: Repository,
        change: Change,
        *,
        timeout: float,
        memory: int | None = None,
        project: Path | None = None,
        cut_by: str = "",
        store: Store | None = None,
    ) -> None:
        self._repository = repository
        self._change = change
        self._timeout = timeout
        self._memory = memory or most_memory()
        self._project = project or repository.top
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
            here, there = (_Bench(self._repository, oid, self._change, stack) for oid in (tree, base))
            outcomes = [self._verify(command, here, there, terms) for command in commands]
            if between is not None:
                bench = _Bench(self._repository, between.tree, self._change, stack)
                outcomes = [self._since(outcome, bench, between, terms) for outcome in outcomes]
        return tuple(map(self._unplugged, outcomes) if cut else outcomes)

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

    def _verify(self, command: str, here: _Bench, there: _Bench, terms: _Terms) -> Verification:
        """Run ``command``, and on the base too where that tells what its failure means."""
        attempt = self._attempt(command, here, terms)
        if attempt.problem:
            return _outcome(command, attempt)
        if attempt.code == 0:
            return _outcome(command, attempt, problem=_unreported(command, attempt))
        before = partial(self._before, command, there)
        if attempt.code is None:
            return _hung(command, attempt, before(terms))
        if _never_ran(command, attempt):
            base = before(terms)
            same = base.code == attempt.code and _never_ran(command, base)
            return _outcome(command, attempt, problem=_why(command, attempt) if same else "")
        if attempt.failures:
            return _compared(command, attempt, before(terms))
        lost = not terms.network and before(terms).code and before(terms.with_network()).code == 0
        return _outcome(command, attempt, problem="it passes on the base, but only with a network" if lost else "")

    def _since(self, outcome: Verification, bench: _Bench, between: Between, terms: _Terms) -> Verification:
        """``outcome`` with the failures as new that were mended ``between``, asked where nobody has seen them there."""
        seen = between.known.get(outcome.command, ())
        if all(name in seen for name in outcome.known_failures):
            return outcome
        return _broken_since(outcome, self._before(outcome.command, bench, terms))

    def _before(self, command: str, base: _Bench, terms: _Terms) -> Attempt:
        """What ``command`` does on the base, asked once."""
        known = self._bases.get(base.tree, command, network=terms.network, afresh=terms.afresh)
        if known is None:
            known = self._attempt(command, base, terms)
            self._bases.put(base.tree, command, known, network=terms.network)
        return known

    def _attempt(self, command: str, bench: _Bench, terms: _Terms) -> Attempt:
        try:
            copy = bench.copy()
            report = copy.parent / "ralph-hooks-junit.xml"
            report.unlink(missing_ok=True)
            args = [part.replace(_REPORT, str(report)) for part in _split(command)]
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
            failures=failing_tests(report) if _REPORT in command else None,
            problem=self._problem(done.returncode, limit),
        )

    def _warn(self, args: Sequence[str]) -> None:
        for name in stubborn_loaders(self._project, args[0]) if args else ():
            self._caveats[_STUBBORN.format(name=one_line(name))] = None

    def _problem(self, code: int | None, limit: float) -> str:
        if code is None and limit < self._timeout:
            return f"stopped after {limit:.0f} s because the deadline came: raise the deadline or run less"
        return "killed, most likely because memory ran out" if code == _KILLED else ""


class _Bench:
    """The scratch copy of one tree, made when it is first asked for and removed with ``stack``."""

    def __init__(self, repository: Repository, tree: str, change: Change, stack: contextlib.ExitStack) -> None:
        self._repository = repository
        self.tree = tree
        self._change = change
        self._stack = stack
        self._copy: Path | None = None

    def copy(self) -> Path:
        """Raises GitError and OSError as `scratch`."""
        if self._copy is None:
            self._copy = self._stack.enter_context(scratch(self._repository, self.tree, self._change))
        return self._copy


def _split(command: str) -> list[str]:
    """Words as a shell would split them; on Windows a backslash is part of a path and quotes stay around a word."""
    return shlex.split(command, posix=os.name == "posix")


def _never_ran(command: str, attempt: Attempt) -> bool:
    """Whether the command ended before a test ran.

    That may be the fault of the machine (a tool is not installed) or of the change (it deletes the script, breaks what
    conftest.py imports): only the base can tell.
    """
    if attempt.code in {_NOT_EXECUTABLE, _NOT_FOUND} or (_REPORT in command and attempt.failures is None):
        return True
    return _is_pytest(command) and attempt.code in {_PYTEST_USAGE, _PYTEST_NO_TESTS}


def _is_pytest(command: str) -> bool:
    return any(PurePath(word).stem in _PYTEST for word in _split(command))


def _why(command: str, attempt: Attempt) -> str:
    """Why a command that does not run on the base either says nothing about the change."""
    if attempt.code == _NOT_FOUND:
        return "a program was not found: install it or change verify.commands"
    if attempt.code == _NOT_EXECUTABLE:
        return "a program could not be executed: `chmod +x` it or change verify.commands"
    if attempt.code == _PYTEST_NO_TESTS and _is_pytest(command):
        return "no tests were collected, on the base neither: change verify.commands"
    return "it ends before a test runs, on the base too: see what it printed"


def _unreported(command: str, attempt: Attempt) -> str:
    """Why a command that ended well has not shown that its tests passed; empty where it has, or was not asked to.

    What a test imports may end the run with 0 before a test has failed.
    """
    if _REPORT not in command or attempt.failures is not None:
        return ""
    words = {PurePath(word).stem for word in _split(command)}
    known = next((how for tool, how in _REPORTERS.items() if tool in words), "the option or plugin of your test runner")
    return (
        "it ended with 0 but wrote no JUnit report that can be read, so nobody knows whether a test ran:"
        f" use {known}, or take {_REPORT} out of the command"
    )


def _hung(command: str, attempt: Attempt, before: Attempt) -> Verification:
    """One that was stopped at ``verify.timeout``: by the fault of the change where it comes to its end on the base."""
    limit = f"stopped after {attempt.seconds:.0f} s"
    if before.code == 0 or (before.code is not None and before.failures is not None):
        note = f"({limit}: on the base it ends after {before.seconds:.1f} s)"
        return _outcome(command, attempt, tail=f"{attempt.tail}\n{note}".lstrip())
    there = before.problem or (f"it ended with {before.code}" if before.code else "it was stopped too")
    return _outcome(
        command, attempt, problem=f"{limit}, and on the base {there}: make it faster or raise verify.timeout"
    )


def _compared(command: str, attempt: Attempt, before: Attempt) -> Verification:
    """New and old failures. Where the base gives nothing to compare with, all of them count as new."""
    failures = attempt.failures or ()
    if before.problem or before.failures is None or before.code not in {0, attempt.code}:
        note = before.problem or f"it ended with {before.code} there"
        return _outcome(
            command, attempt, new=failures, tail=f"{attempt.tail}\n(nothing to compare with on the base: {note})"
        )
    known = tuple(name for name in failures if name in before.failures)
    new = tuple(name for name in failures if name not in before.failures)
    hidden = known and not new and _STOPPED_EARLY in attempt.tail
    return _outcome(
        command,
        attempt,
        new=new,
        known=known,
        problem="it stops at a failure that the base has too and hides what comes behind: run all tests" * bool(hidden),
    )


def _broken_since(outcome: Verification, between: Attempt) -> Verification:
    """``outcome`` with the failures as new that were mended ``between``."""
    if between.problem or (between.code != 0 and between.failures is None):
        return outcome
    fails = between.failures or ()
    broken = tuple(name for name in outcome.known_failures if name not in fails)
    known = tuple(name for name in outcome.known_failures if name in fails)
    if not broken:
        return outcome
    return msgspec.structs.replace(
        outcome, new_failures=outcome.new_failures + broken, known_failures=known, problem=""
    )


def _outcome(
    command: str,
    attempt: Attempt,
    *,
    new: tuple[str, ...] = (),
    known: tuple[str, ...] = (),
    problem: str = "",
    tail: str = "",
) -> Verification:
    return Verification(
        command=command,
        exit_code=attempt.code,
        seconds=attempt.seconds,
        new_failures=new,
        known_failures=known,
        tail=tail or attempt.tail,
        problem=problem or attempt.problem,
    )


def _tail(output: bytes) -> str:
    lines = decode(output[-_TAIL_BYTES:]).rstrip().splitlines()
    return "\n".join(lines[-_TAIL_LINES:])
