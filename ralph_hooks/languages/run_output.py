"""Parsers for what ``go test -json``, ``cargo test``, Jest and JUnit report. Pure: text in, a `Run` out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

import msgspec

from ralph_hooks.core.codec import from_json
from ralph_hooks.core.proof import HANG, Failure, ProofOutcome, Run
from ralph_hooks.languages.instrument import seen, without_marks
from ralph_hooks.languages.test_files import is_test_file


class _GoEvent(msgspec.Struct, frozen=True, rename="pascal"):
    """One line of ``go test -json``: https://pkg.go.dev/cmd/test2json."""

    action: str
    test: str = ""
    output: str = ""


_GO_FRAME = re.compile(r"^\t(/\S+\.go):(\d+)", re.MULTILINE)
_GO_PANIC = re.compile(r"^panic: (.+?)(?: \[recovered[^\]\n]*\].*)?$", re.MULTILINE)
_NUMBERS = re.compile(r"\d+|0x[0-9a-f]+")
_TAIL_LINES = 30
_EMPTY = re.compile(r"no test files|no tests to run")
"""The test file has no test that runs, which is its own fault."""


def read_go(output: str, top: str, test: str, seconds: float) -> Run:
    """``top`` is the folder of the copy, with a slash at its end; ``test`` is the path of the test file in it."""
    events = list(_go_events(output))
    text = "".join(event.output for event in events) + "".join(
        f"{line}\n" for line in output.splitlines() if not line.startswith("{")
    )
    ran = dict.fromkeys(event.test for event in events if event.action == "run" and event.test)
    passed = tuple(event.test for event in events if event.action == "pass" and event.test)
    failed = [
        test for test in dict.fromkeys(e.test for e in events if e.action == "fail" and e.test) if "/" not in test
    ]
    panic = _GO_PANIC.search(text)
    failures = []
    for name in failed or ([each for each in ran if each not in passed][-1:] if panic else []):
        kind, own, at = "failure", False, ("", 0)
        if panic:
            hung = "test timed out" in panic[1]
            at = _innermost(_GO_FRAME.findall(text[panic.start() :]), top)
            kind, own = (HANG if hung else f"panic: {_NUMBERS.sub('N', panic[1])[:120]}"), bool(at[0])
        failures.append(Failure(test=name, kind=kind, own=own, at=at, reached=seen(text)))
    hangs = any(failure.kind == HANG for failure in failures)
    outcome = (
        ProofOutcome.HUNG
        if hangs
        else ProofOutcome.FAILED
        if failures
        else ProofOutcome.PASSED
        if passed
        else ProofOutcome.NOT_LOADED
    )
    foreign = outcome is ProofOutcome.NOT_LOADED and not _names(text, test) and _EMPTY.search(text) is None
    return Run(
        outcome=outcome, failures=tuple(failures), passed=passed, foreign=foreign, tail=_tail(text), seconds=seconds
    )


def _names(output: str, test: str) -> bool:
    """Return whether an error is about ``test``: any other one is a fault of the project or of this machine."""
    return test.rpartition("/")[2] in output


def _go_events(output: str) -> Iterator[_GoEvent]:
    for line in output.splitlines():
        if line.startswith("{"):
            try:
                yield from_json(line, _GoEvent)
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue


def _innermost(frames: list[tuple[str, str]], top: str) -> tuple[str, int]:
    """Return the innermost place of the project, where the test is not further in; ("", 0) where it is."""
    for path, line in frames:
        if path.startswith(top):
            inside = path.removeprefix(top)
            return ("", 0) if is_test_file(inside) else (inside, int(line))
    return "", 0


_CARGO_TEST = re.compile(r"^test (\S+)(?: - should panic)? \.\.\. ", re.MULTILINE)
_CARGO_FAILED = re.compile(r"^failures:\n((?:    \S+\n)+)", re.MULTILINE)
_CARGO_PANIC = re.compile(r"^thread '([^']*)'(?: \(\d+\))? panicked at ([^:\n]+):(\d+):\d+:\n(.*)$", re.MULTILINE)


def read_cargo(output: str, test: str, seconds: float) -> Run:
    """``test`` is the path of the test file in the project."""
    crate = test.rpartition("tests/")[0]
    if "test result:" not in output:
        hung = _CARGO_TEST.findall(output)[-1:] if "could not compile" not in output else []
        if hung:  # stopped from outside: no stack trace shows the place
            return Run(
                outcome=ProofOutcome.NOT_RUN, tail=f"{_tail(output)}\nstopped at its time limit", seconds=seconds
            )
        foreign = not _names(output, test)
        return Run(outcome=ProofOutcome.NOT_LOADED, foreign=foreign, tail=_tail(output), seconds=seconds)
    listed = [name.strip() for block in _CARGO_FAILED.findall(output) for name in block.splitlines()]
    failed = list(dict.fromkeys(listed))
    panics = {each: (path, int(line), told) for each, path, line, told in _CARGO_PANIC.findall(output)}
    failures = []
    for name in failed:
        path, line, told = panics.get(name, ("", 0, ""))
        own = bool(path) and not path.startswith(("/", "tests/")) and "/tests/" not in path
        kind = _NUMBERS.sub("N", told)[:120] or "failure"
        inside = path if path.startswith(crate) else crate + path
        at = (inside, line) if own else ("", 0)
        failures.append(Failure(test=name, kind=kind, own=own, at=at, reached=seen(output)))
    passed = tuple(name for name in dict.fromkeys(_CARGO_TEST.findall(output)) if name not in failed)
    outcome = ProofOutcome.FAILED if failures else ProofOutcome.PASSED if passed else ProofOutcome.NOT_LOADED
    return Run(outcome=outcome, failures=tuple(failures), passed=passed, tail=_tail(output), seconds=seconds)


class _JestCase(msgspec.Struct, frozen=True, rename="camel"):
    full_name: str = ""
    status: str = ""
    failure_messages: tuple[str, ...] = ()


class _JestFile(msgspec.Struct, frozen=True, rename="camel"):
    message: str = ""
    assertion_results: tuple[_JestCase, ...] = ()


class _JestReport(msgspec.Struct, frozen=True, rename="camel"):
    """The report of ``jest --json``: https://jestjs.io/docs/configuration#testresultsprocessor-string."""

    test_results: tuple[_JestFile, ...] = ()


_SCRIPT_FRAME = re.compile(r"^\s+at (?:.*?\()?(?:file://)?(/[^\s()?]+?)(?:\?[^\s():]*)?:(\d+):\d+\)?$", re.MULTILINE)
_SCRIPT_KIND = re.compile(r"([\w$.]*(?:Error|Exception))\b")
_NO_TESTS = re.compile(r"No tests? (?:files )?found")
_IMPORTED_BY = re.compile(r"\bfrom ['\"]?([^'\"\s]+)")
_UNRESOLVED = re.compile(
    r"^.*(?:Cannot find (?:module|package)|Failed to resolve import|Could not resolve).*$", re.MULTILINE
)


def read_jest(report: bytes, output: str, top: str, test: str, seconds: float) -> Run:
    """Return the run of Jest or Vitest. ``top`` is as for `read_go`, ``test`` the path of the test file in it."""
    try:
        files = from_json(report, _JestReport).test_results
    except (msgspec.DecodeError, UnicodeDecodeError):
        files = ()
    cases = [case for file in files for case in file.assertion_results]
    told = "\n".join([*(file.message for file in files), output])
    failures = tuple(_script_failure(case, top, test, told) for case in cases if case.status == "failed")
    passed = tuple(case.full_name for case in cases if case.status == "passed")
    stacks = [line for case in cases for each in case.failure_messages for line in each.splitlines()]
    shown = [line for line in stacks if "/node_modules/" not in line]
    outcome = ProofOutcome.FAILED if failures else ProofOutcome.PASSED if passed else ProofOutcome.NOT_LOADED
    foreign = outcome is ProofOutcome.NOT_LOADED and (_NO_TESTS.search(told) is not None or is_unresolved(told, test))
    tail = _tail("\n".join(shown) if shown else told)
    return Run(outcome=outcome, failures=failures, passed=passed, foreign=foreign, tail=tail, seconds=seconds)


def is_unresolved(output: str, test: str) -> bool:
    """Return whether a file of the project, and not ``test``, imports something that is not there."""
    name = test.rpartition("/")[2]
    importers = [found[1] for line in _UNRESOLVED.findall(output) if (found := _IMPORTED_BY.search(line))]
    return any(name not in importer for importer in importers)


def _script_failure(case: _JestCase, top: str, test: str, output: str) -> Failure:
    stack = case.failure_messages[0] if case.failure_messages else ""
    kind = _SCRIPT_KIND.match(stack)
    own, at = False, ("", 0)
    for path, line in _SCRIPT_FRAME.findall(stack):
        inside = path.removeprefix(top) if path.startswith(top) else ""
        if inside == test:
            break
        if inside and "node_modules/" not in inside:
            own, at = "ERR_ASSERTION" not in stack, (inside, int(line))
            break
    return Failure(test=case.full_name, kind=kind[1] if kind else "failure", own=own, at=at, reached=seen(output))


class JUnitCase(msgspec.Struct, frozen=True):
    """One test of an XML report."""

    name: str
    kind: str = ""
    """Type of the exception; empty if it passed."""
    stack: str = ""


_JAVA_FRAME = re.compile(r"^\s*at (?:[\w.@-]*/)*([\w$.]+)\.[\w$<>]+\((\w+\.java):(\d+)\)", re.MULTILINE)
_CAUSED = re.compile(r"^(?:Caused by|\s*Suppressed): ", re.MULTILINE)
_NOT_COMPILED = re.compile(r"COMPILATION ERROR|[Cc]ompilation failed")


def read_junit(
    cases: Sequence[JUnitCase], output: str, find: Callable[[str], str | None], test: str, seconds: float
) -> Run:
    """Return the run of Maven or Gradle; ``find`` returns the path of a source file like ``shop/Shop.java``.

    ``test`` is the path of the test file.
    """
    failures = tuple(_java_failure(case, output, find, test) for case in cases if case.kind)
    passed = tuple(case.name for case in cases if not case.kind)
    if not cases:
        failed = "[ERROR]" in output or "What went wrong" in output
        foreign = failed and (_NOT_COMPILED.search(output) is None or not _names(output, test))
        return Run(outcome=ProofOutcome.NOT_LOADED, foreign=foreign, tail=_tail(_errors(output)), seconds=seconds)
    stacks = "\n".join("\n".join(case.stack.strip().splitlines()[:_STACK]) for case in cases if case.kind)
    outcome = ProofOutcome.FAILED if failures else ProofOutcome.PASSED
    return Run(outcome=outcome, failures=failures, passed=passed, tail=_tail(stacks or output), seconds=seconds)


_STACK = 8  # lines


def _errors(output: str) -> str:
    """Return the first errors that Maven or Gradle reports: its last lines are advice on how to run it."""
    lines = [line for line in output.splitlines() if line.strip() not in {"", "[ERROR]"}]
    return "\n".join(lines[:_TAIL_LINES])


def _java_failure(case: JUnitCase, output: str, find: Callable[[str], str | None], test: str) -> Failure:
    own, at = False, ("", 0)
    for owner, file, line in _JAVA_FRAME.findall(_CAUSED.split(case.stack)[0]):
        path = find(f"{owner.rpartition('.')[0].replace('.', '/')}/{file}".lstrip("/"))
        if path == test or (path is not None and is_test_file(path)):
            break
        if path is not None:
            own, at = True, (path, int(line))
            break
    return Failure(test=case.name, kind=case.kind, own=own, at=at, reached=seen(output))


def _tail(text: str) -> str:
    return "\n".join(without_marks(text).rstrip().splitlines()[-_TAIL_LINES:])
