"""What a command did on a tree, and what that says of a change, beside what it did on other trees. Pure."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import PurePath

import msgspec
from msgspec import Struct

from ralph_hooks.core.report import Verification

REPORT = "{junit}"
"""Stands in a command for the file that it may write a JUnit report to."""

_NOT_EXECUTABLE, _NOT_FOUND = 126, 127  # what a shell ends with
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
_OF_NETWORKS = re.compile(
    r"(?i)unreachable|connect|resolv|name or service|getaddrinfo|dial tcp|socket|eai_again|enotfound|time.?out|network"
)
_STOPPED_EARLY = "! stopping after "  # pytest's --maxfail and -x


class Attempt(Struct, frozen=True):
    """One command on one tree."""

    code: int | None
    """None where it was not started, or was stopped."""
    seconds: float
    tail: str = ""
    failures: tuple[str, ...] | None = None
    """Names of failing tests; None where the command was not asked for a report or wrote none that can be read."""
    problem: str = ""
    """Why it says nothing; empty where it ran, or was stopped at ``verify.timeout``."""


def split(command: str) -> list[str]:
    """Words as a shell would split them; on Windows a backslash is part of a path and quotes stay around a word."""
    return shlex.split(command, posix=os.name == "posix")


def never_ran(command: str, attempt: Attempt) -> bool:
    """Whether the command ended before a test ran.

    That may be the fault of the machine (a tool is not installed) or of the change (it deletes the script, breaks what
    conftest.py imports): only the base can tell.
    """
    if attempt.code in {_NOT_EXECUTABLE, _NOT_FOUND} or (REPORT in command and attempt.failures is None):
        return True
    return _is_pytest(command) and attempt.code in {_PYTEST_USAGE, _PYTEST_NO_TESTS}


def _is_pytest(command: str) -> bool:
    return any(PurePath(word).stem in _PYTEST for word in split(command))


def why(command: str, attempt: Attempt) -> str:
    """Why a command that does not run on the base either says nothing about the change."""
    if attempt.code == _NOT_FOUND:
        return "a program was not found: install it or change verify.commands"
    if attempt.code == _NOT_EXECUTABLE:
        return "a program could not be executed: `chmod +x` it or change verify.commands"
    if attempt.code == _PYTEST_NO_TESTS and _is_pytest(command):
        return "no tests were collected, on the base neither: change verify.commands"
    return "it ends before a test runs, on the base too: see what it printed"


def unreported(command: str, attempt: Attempt) -> str:
    """Why a command that ended well has not shown that its tests passed; empty where it has, or was not asked to.

    What a test imports may end the run with 0 before a test has failed.
    """
    if REPORT not in command or attempt.failures is not None:
        return ""
    words = {PurePath(word).stem for word in split(command)}
    known = next((how for tool, how in _REPORTERS.items() if tool in words), "the option or plugin of your test runner")
    return (
        "it ended with 0 but wrote no JUnit report that can be read, so nobody knows whether a test ran:"
        f" use {known}, or take {REPORT} out of the command"
    )


def speaks_of_network(attempt: Attempt) -> bool:
    """Whether what a command printed last may be about a network that it did not find; one that is silent may be.

    To ask the base whenever a command fails would take the time of all tests once more.
    """
    return not attempt.tail or _OF_NETWORKS.search(attempt.tail) is not None


def hung(command: str, attempt: Attempt, before: Attempt) -> Verification:
    """One that was stopped at ``verify.timeout``: by the fault of the change where it comes to its end on the base."""
    limit = f"stopped after {attempt.seconds:.0f} s"
    if before.code == 0 or (before.code is not None and before.failures is not None):
        note = f"({limit}: on the base it ends after {before.seconds:.1f} s)"
        return outcome(command, attempt, tail=f"{attempt.tail}\n{note}".lstrip())
    there = before.problem or (f"it ended with {before.code}" if before.code else "it was stopped too")
    return outcome(
        command, attempt, problem=f"{limit}, and on the base {there}: make it faster or raise verify.timeout"
    )


def compared(command: str, attempt: Attempt, before: Attempt) -> Verification:
    """New and old failures. Where the base gives nothing to compare with, all of them count as new."""
    failures = attempt.failures or ()
    if before.problem or before.failures is None or before.code not in {0, attempt.code}:
        note = before.problem or f"it ended with {before.code} there"
        return outcome(
            command, attempt, new=failures, tail=f"{attempt.tail}\n(nothing to compare with on the base: {note})"
        )
    there = frozenset(before.failures)  # a report may name hundreds of thousands
    known = tuple(name for name in failures if name in there)
    new = tuple(name for name in failures if name not in there)
    hidden = known and not new and _STOPPED_EARLY in attempt.tail
    return outcome(
        command,
        attempt,
        new=new,
        known=known,
        problem="it stops at a failure that the base has too and hides what comes behind: run all tests" * bool(hidden),
    )


def broken_since(found: Verification, between: Attempt) -> Verification:
    """``found`` with the failures as new that were mended ``between``."""
    if between.problem or (between.code != 0 and between.failures is None):
        return found
    fails = frozenset(between.failures or ())
    broken = tuple(name for name in found.known_failures if name not in fails)
    if not broken:
        return found
    known = tuple(name for name in found.known_failures if name in fails)
    return msgspec.structs.replace(found, new_failures=found.new_failures + broken, known_failures=known, problem="")


def outcome(
    command: str,
    attempt: Attempt,
    *,
    new: tuple[str, ...] = (),
    known: tuple[str, ...] = (),
    problem: str = "",
    tail: str = "",
) -> Verification:
    """What ``attempt`` comes to, with ``new`` and ``known`` failures; a ``problem`` says why it says nothing."""
    return Verification(
        command=command,
        exit_code=attempt.code,
        seconds=attempt.seconds,
        new_failures=new,
        known_failures=known,
        tail=tail or attempt.tail,
        problem=problem or attempt.problem,
    )
