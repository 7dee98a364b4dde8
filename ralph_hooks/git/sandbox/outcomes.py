"""The outcome of a command on a tree, and its meaning for a change in comparison with other trees. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import PurePath

import msgspec
from msgspec import Struct

from ralph_hooks.core.command import REPORT, Command
from ralph_hooks.core.report import Verification
from ralph_hooks.core.text import one_line, plural
from ralph_hooks.git.sandbox.lost_tests import Lost, leaf, lost

_NOT_EXECUTABLE, NOT_FOUND = 126, 127  # exit codes of a shell
_PYTEST = ("pytest", "py.test")
_PYTEST_USAGE, _PYTEST_NO_TESTS = 4, 5  # also if a conftest.py cannot be imported or paths do not exist
_REPORTERS = {
    "pytest": "`--junit-xml={junit}` (and no conftest.py that ends the run)",
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
_STOPS = re.compile(
    r"--exitfirst|--maxfail(?:=[1-9].*)?|--bail(?:=[1-9].*)?|--?fail-?fast(?:=true)?|--stop-on-(?:failure|error|defect)"
)
"""Options that end a run at its first failure."""
_STOPPED = re.compile(
    r"!+ stopping after \d|!+ Interrupted: |Canceling due to|tests? (?:was|were) not run|^\[INFO\] .* SKIPPED\b"
    r"|Bail(?:ing)? out!|Stopping after the first failure",
    re.MULTILINE,
)
"""Messages of pytest, nextest, Maven, TAP and others after they ended before their last test."""
_RAN_NONE = re.compile(r"^Ran 0 tests in |^(?:# |\u2139 )tests 0$", re.MULTILINE)
_RAN_SOME = re.compile(r"^Ran [1-9]\d* tests? in |^(?:# |\u2139 )tests [1-9]", re.MULTILINE)
"""Summaries of unittest and of Node's runner, which exit with 0 where a change hides every test from them."""
_PYTEST_STOPS = re.compile(r"-[qvsl]*x[qvslx]*")  # letters that may stand together; -rx asks for a summary
_NAMED = 3  # tests in a sentence


class Attempt(Struct, frozen=True):
    """The attempt of one command on one tree."""

    code: int | None
    """The exit code; None if it was not started, or was stopped."""
    seconds: float
    tail: str = ""
    failures: tuple[str, ...] | None = None
    """Names of failing tests; None without a requested and readable report."""
    problem: str = ""
    """The reason why the result is unusable; empty if it ran, or was stopped at ``verify.timeout``."""
    ran: tuple[str, ...] = ()
    """Names of all tests that ran, including failing ones."""
    stopped: bool = False
    """True if its output says that it ended before its last test."""


def says_it_stopped(output: str) -> bool:
    """Return True if a test runner says in ``output`` that it ended before its last test."""
    return _STOPPED.search(output) is not None


def never_ran(command: Command, attempt: Attempt) -> bool:
    """Return True if the command ended before a test ran.

    That may be the fault of the machine (a tool is not installed) or of the change (it deletes the script, breaks what
    conftest.py imports): only the base can tell.
    """
    if attempt.code in {_NOT_EXECUTABLE, NOT_FOUND} or (command.reports and attempt.failures is None):
        return True
    return _is_pytest(command) and attempt.code in {_PYTEST_USAGE, _PYTEST_NO_TESTS}


def _is_pytest(command: Command) -> bool:
    return any(PurePath(word).stem in _PYTEST for word in command.words)


def why(command: Command, attempt: Attempt) -> str:
    """Return why a command says nothing about the change: it does not run on the base either."""
    if attempt.code == NOT_FOUND:
        return "a program was not found: install it or change verify.commands"
    if attempt.code == _NOT_EXECUTABLE:
        return "a program could not be executed: `chmod +x` it or change verify.commands"
    if attempt.code == _PYTEST_NO_TESTS and _is_pytest(command):
        return "no tests were collected, nor on the base: change verify.commands"
    return "it stops before any test runs, also on the base: see its output"


def unreported(command: Command, attempt: Attempt) -> str:
    """Return the reason why exit code 0 does not prove passing tests; empty if it does, or no report was requested.

    What a test imports may end the run with 0 before a test has failed.
    """
    if not command.reports and _RAN_NONE.search(attempt.tail) and not _RAN_SOME.search(attempt.tail):
        return "it exited with 0 but ran no test: change verify.commands, or what keeps the tests from being found"
    if not command.reports or attempt.failures is not None:
        return ""
    if command.junit:
        return f"it exited with 0 but wrote no readable JUnit report to {', '.join(command.junit)}"
    words = {PurePath(word).stem for word in command.words}
    known = next((how for tool, how in _REPORTERS.items() if tool in words), "the option or plugin of your test runner")
    return (
        "it exited with 0 but wrote no readable JUnit report, so it is unknown whether any test ran:"
        f" use {known}, or remove {REPORT} from the command"
    )


def speaks_of_network(attempt: Attempt) -> bool:
    """Return True if the end of the output may be about a missing network; empty output counts too.

    To ask the base whenever a command fails would take the time of all tests once more.
    """
    return not attempt.tail or _OF_NETWORKS.search(attempt.tail) is not None


def hung(command: Command, attempt: Attempt, before: Attempt) -> Verification:
    """Return the outcome of a command stopped at ``verify.timeout``: the change's fault if it finishes on the base."""
    limit = f"stopped after {attempt.seconds:.0f} s"
    if before.code == 0 or (before.code is not None and before.failures is not None):
        note = f"({limit}: on the base it finishes after {before.seconds:.1f} s)"
        return outcome(command, attempt, tail=f"{attempt.tail}\n{note}".lstrip())
    there = before.problem or (f"it exited with {before.code}" if before.code else "it was also stopped")
    return outcome(
        command, attempt, problem=f"{limit}, and on the base {there}: make it faster or raise verify.timeout"
    )


def nameless(command: Command, attempt: Attempt, before: Attempt) -> Verification:
    """Return the outcome of a failure without test names: the whole command counts as old or new, by the base."""
    if before.problem or before.code in {None, 0}:
        return outcome(command, attempt)
    note = f"(it fails on the base too, where it exited with {before.code}: "
    note += f"with {REPORT} tests that already failed there do not count)"
    return outcome(command, attempt, tail=f"{attempt.tail}\n{note}".lstrip(), fails_on_base=True)


def compared(
    command: Command, attempt: Attempt, before: Attempt, sort: Callable[[tuple[str, ...]], Lost]
) -> Verification:
    """Return new and old failures, and tests that no longer run, which ``sort`` separates from removed ones.

    Where the base gives nothing to compare with, all failures count as new.
    """
    failures = attempt.failures or ()
    if failures and (before.problem or before.failures is None or before.code not in {0, attempt.code}):
        note = before.problem or f"it exited with {before.code} there"
        return outcome(
            command,
            attempt,
            new=tuple(dict.fromkeys(failures)),
            tail=f"{attempt.tail}\n(no comparison with the base: {note})".lstrip(),
        )
    new, known = _new_and_known(failures, before.failures or (), frozenset(attempt.ran))
    gone = sort(lost(before.ran, attempt.ran))
    found = outcome(command, attempt, new=new, known=known, gone=gone)
    if gone.missing:
        found = msgspec.structs.replace(found, tail=f"{found.tail}\n{_no_longer(gone.missing)}".lstrip())
    elif known and not new:
        return msgspec.structs.replace(found, problem=_hidden(command, attempt, known, before))
    return found


def _new_and_known(
    failures: tuple[str, ...], before: tuple[str, ...], ran: frozenset[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return failures that the base has less often, and the others; a failure that has only moved is old."""
    there = Counter(before)  # a report may name hundreds of thousands
    moved = Counter(leaf(name) for name in before if name not in ran)
    new, known = [], []
    for name in failures:
        if there[name] > 0:
            there[name] -= 1
            known.append(name)
        elif moved[leaf(name)] > 0:
            moved[leaf(name)] -= 1
            known.append(name)
        else:
            new.append(name)
    return tuple(dict.fromkeys(new)), tuple(name for name in dict.fromkeys(known) if name not in new)


def _no_longer(missing: tuple[str, ...]) -> str:
    named = ", ".join(map(one_line, missing[:_NAMED]))
    more = f" and {len(missing) - _NAMED:,} more" if len(missing) > _NAMED else ""
    return f"({plural(len(missing), 'test')} ran on the base but not here: {named}{more})"


def _hidden(command: Command, attempt: Attempt, known: tuple[str, ...], before: Attempt) -> str:
    """Return the reason why old failures may have prevented tests from running; empty if they have not."""
    if attempt.stopped or _may_stop(command):
        return "it stops at a failure that the base has too and hides later results: run all tests"
    if attempt.ran and len(attempt.ran) <= len(known) and before.stopped:
        return "no test ran, nor on the base: see its output"
    if command.goes_on:
        return "a failure that the base has too stops it before its last part: make each part a separate command"
    return ""


def _may_stop(command: Command) -> bool:
    if any(_STOPS.fullmatch(word) for word in command.words):
        return True
    return _is_pytest(command) and any(_PYTEST_STOPS.fullmatch(word) for word in command.words)


def broken_since(found: Verification, between: Attempt) -> Verification:
    """Return ``found`` with failures that were fixed in ``between`` counted as new."""
    if between.problem or (between.code != 0 and between.failures is None):
        return found
    fails = frozenset(between.failures or ())
    broken = tuple(name for name in found.known_failures if name not in fails)
    if not broken:
        return found
    known = tuple(name for name in found.known_failures if name in fails)
    return msgspec.structs.replace(found, new_failures=found.new_failures + broken, known_failures=known, problem="")


def outcome(
    command: Command,
    attempt: Attempt,
    *,
    new: tuple[str, ...] = (),
    known: tuple[str, ...] = (),
    gone: Lost | None = None,
    problem: str = "",
    tail: str = "",
    fails_on_base: bool = False,
) -> Verification:
    """Return the outcome of ``attempt``, with ``new`` and ``known`` failures; ``problem`` says why there is none."""
    return Verification(
        command=command.name,
        exit_code=attempt.code,
        seconds=attempt.seconds,
        new_failures=new,
        known_failures=known,
        missing_tests=gone.missing if gone else (),
        removed_tests=gone.removed if gone else (),
        tail=tail or attempt.tail,
        problem=problem or attempt.problem,
        fails_on_base=fails_on_base,
    )
