"""Runs the project's own commands on a scratch copy and tells new failures from old ones."""

from __future__ import annotations

import contextlib
import os
import shlex
from collections.abc import Sequence
from pathlib import Path, PurePath

from msgspec import Struct

from ralph_hooks.core.change import Change, decode
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.report import Verification
from ralph_hooks.errors import RalphError
from ralph_hooks.git.junit import failing_tests
from ralph_hooks.git.scratch import program_environment, scratch
from ralph_hooks.git.snapshot import Repository
from ralph_hooks.process import most_memory, run_bounded

_REPORT = "{junit}"
_TAIL_BYTES = 8 * 1024
_TAIL_LINES = 40
_NOT_EXECUTABLE, _NOT_FOUND = 126, 127  # what a shell ends with
_KILLED = 137  # 128 + SIGKILL, and it was not us: the system was out of memory
_PYTEST = ("pytest", "py.test")
_PYTEST_USAGE, _PYTEST_NO_TESTS = 4, 5  # also where a conftest.py cannot be imported, where paths do not exist
_STOPPED_EARLY = "! stopping after "  # pytest's --maxfail and -x


class _Attempt(Struct, frozen=True):
    """One command on one tree."""

    code: int | None
    seconds: float
    tail: str
    failures: tuple[str, ...] | None = None
    """Names of failing tests; None where the command was not asked for a report or wrote none that can be read."""
    problem: str = ""


class CommandVerifier:
    """Satisfies `core.ports.Verifier`. ``timeout`` is in seconds for one command, ``memory`` in bytes for one process.

    ``change`` says how to make its tree where git has not stored it (a staged change). ``project`` is the folder whose
    code may be installed in editable mode, where it is not the repository's own. Without ``memory`` the limit is three
    quarters of what the machine has: enough to stop a test that would take it all.
    """

    def __init__(
        self,
        repository: Repository,
        change: Change,
        *,
        timeout: float,
        memory: int | None = None,
        project: Path | None = None,
    ) -> None:
        self._repository = repository
        self._change = change
        self._timeout = timeout
        self._memory = memory or most_memory()
        self._project = project or repository.top

    def run(self, tree: str, base: str, commands: Sequence[str], deadline: Deadline) -> tuple[Verification, ...]:
        """One outcome a command; one scratch copy of ``tree``, and one of ``base`` if there is something to compare."""
        with contextlib.ExitStack() as stack:
            here, there = (_Bench(self._repository, oid, self._change, stack) for oid in (tree, base))
            return tuple(self._verify(command, here, there, deadline) for command in commands)

    def _verify(self, command: str, here: _Bench, there: _Bench, deadline: Deadline) -> Verification:
        attempt = self._attempt(command, here, deadline)
        if attempt.problem or attempt.code == 0:
            return _outcome(command, attempt)
        if _never_ran(command, attempt):
            before = self._attempt(command, there, deadline)
            same = before.code == attempt.code and _never_ran(command, before)
            return _outcome(command, attempt, problem=_why(command, attempt) if same else "")
        if not attempt.failures:
            return _outcome(command, attempt)
        return _compared(command, attempt, self._attempt(command, there, deadline))

    def _attempt(self, command: str, bench: _Bench, deadline: Deadline) -> _Attempt:
        try:
            copy = bench.copy()
            report = copy.parent / "ralph-hooks-junit.xml"
            report.unlink(missing_ok=True)
            args = [part.replace(_REPORT, str(report)) for part in _split(command)]
            limit = min(self._timeout, deadline.remaining())
            if not args or not limit:
                return _Attempt(None, 0.0, "", problem="the deadline came first" if args else "it is empty")
            done = run_bounded(
                args, cwd=copy, env=program_environment(copy, self._project), timeout=limit, memory=self._memory
            )
        except RalphError as error:
            hint = f" ({error.hint})" if error.hint else ""
            return _Attempt(None, 0.0, "", problem=f"no scratch copy could be made: {error.message}{hint}")
        except ValueError as error:
            return _Attempt(None, 0.0, "", problem=f"it cannot be split into words: {error}")
        except OSError as error:
            return _Attempt(None, 0.0, "", problem=f"it could not be started: {error.strerror}")
        return _Attempt(
            code=done.returncode,
            seconds=round(done.seconds, 3),
            tail=_tail(done.tail),
            failures=failing_tests(report) if _REPORT in command else None,
            problem=self._problem(done.returncode, limit),
        )

    def _problem(self, code: int | None, limit: float) -> str:
        if code is None and limit < self._timeout:
            return f"stopped after {limit:.0f} s because the deadline came: raise the deadline or run less"
        if code is None:
            return f"stopped after {limit:.0f} s: make it faster or raise verify.timeout"
        return "killed, most likely because memory ran out" if code == _KILLED else ""


class _Bench:
    """The scratch copy of one tree, made when it is first asked for and removed with ``stack``."""

    def __init__(self, repository: Repository, tree: str, change: Change, stack: contextlib.ExitStack) -> None:
        self._repository = repository
        self._tree = tree
        self._change = change
        self._stack = stack
        self._copy: Path | None = None

    def copy(self) -> Path:
        """Raises GitError and OSError as `scratch`."""
        if self._copy is None:
            self._copy = self._stack.enter_context(scratch(self._repository, self._tree, self._change))
        return self._copy


def _split(command: str) -> list[str]:
    """Words as a shell would split them; on Windows a backslash is part of a path and quotes stay around a word."""
    return shlex.split(command, posix=os.name == "posix")


def _never_ran(command: str, attempt: _Attempt) -> bool:
    """Whether the command ended before a test ran.

    That may be the fault of the machine (a tool is not installed) or of the change (it deletes the script, breaks what
    conftest.py imports): only the base can tell.
    """
    if attempt.code in {_NOT_EXECUTABLE, _NOT_FOUND} or (_REPORT in command and attempt.failures is None):
        return True
    return _is_pytest(command) and attempt.code in {_PYTEST_USAGE, _PYTEST_NO_TESTS}


def _is_pytest(command: str) -> bool:
    return any(PurePath(word).stem in _PYTEST for word in _split(command))


def _why(command: str, attempt: _Attempt) -> str:
    """Why a command that does not run on the base either says nothing about the change."""
    if attempt.code == _NOT_FOUND:
        return "a program was not found: install it or change verify.commands"
    if attempt.code == _NOT_EXECUTABLE:
        return "a program could not be executed: `chmod +x` it or change verify.commands"
    if attempt.code == _PYTEST_NO_TESTS and _is_pytest(command):
        return "no tests were collected, on the base neither: change verify.commands"
    return "it ends before a test runs, on the base too: see what it printed"


def _compared(command: str, attempt: _Attempt, before: _Attempt) -> Verification:
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


def _outcome(
    command: str,
    attempt: _Attempt,
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
