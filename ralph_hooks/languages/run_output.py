"""Parser for the output of ``go test -json`` and of ``cargo test``. Pure: text in, a `Run` out."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from ralph_hooks.core.codec import from_json
from ralph_hooks.core.proof import HANG, Failure, ProofOutcome, Run
from ralph_hooks.languages.instrument import MARK, seen
from ralph_hooks.languages.test_files import is_test_file


class _GoEvent(msgspec.Struct, frozen=True, rename="pascal"):
    """One line of ``go test -json``: https://pkg.go.dev/cmd/test2json."""

    action: str
    test: str = ""
    output: str = ""


_GO_FRAME = re.compile(r"^\t(/\S+\.go):(\d+)", re.MULTILINE)
_GO_PANIC = re.compile(r"^panic: (.+?)(?: \[recovered\].*)?$", re.MULTILINE)
_NUMBERS = re.compile(r"\d+|0x[0-9a-f]+")
_MARKED = re.compile(rf"^.*{MARK}.*\n?", re.MULTILINE)


def read_go(output: str, top: str, seconds: float) -> Run:
    """``top`` is the folder of the copy, with a slash at its end."""
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
    for test in failed or ([test for test in ran if test not in passed][-1:] if panic else []):
        kind, own, at = "failure", False, ("", 0)
        if panic:
            hung = "test timed out" in panic[1]
            at = _innermost(_GO_FRAME.findall(text[panic.start() :]), top)
            kind, own = (HANG if hung else f"panic: {_NUMBERS.sub('N', panic[1])[:120]}"), bool(at[0])
        failures.append(Failure(test=test, kind=kind, own=own, at=at, reached=seen(text)))
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
    return Run(outcome=outcome, failures=tuple(failures), passed=passed, tail=_tail(text), seconds=seconds)


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


def read_cargo(output: str, crate: str, seconds: float) -> Run:
    """``crate`` is the folder of the crate in the project, with a slash at its end unless it is the top."""
    if "test result:" not in output:
        hung = _CARGO_TEST.findall(output)[-1:] if "could not compile" not in output else []
        if hung:  # stopped from outside: no stack trace shows the place
            return Run(
                outcome=ProofOutcome.NOT_RUN, tail=f"{_tail(output)}\nstopped at its time limit", seconds=seconds
            )
        return Run(outcome=ProofOutcome.NOT_LOADED, tail=_tail(output), seconds=seconds)
    listed = [name.strip() for block in _CARGO_FAILED.findall(output) for name in block.splitlines()]
    failed = list(dict.fromkeys(listed))
    panics = {name: (path, int(line), told) for name, path, line, told in _CARGO_PANIC.findall(output)}
    failures = []
    for test in failed:
        path, line, told = panics.get(test, ("", 0, ""))
        own = bool(path) and not path.startswith(("/", "tests/")) and "/tests/" not in path
        kind = _NUMBERS.sub("N", told)[:120] or "failure"
        inside = path if path.startswith(crate) else crate + path
        at = (inside, line) if own else ("", 0)
        failures.append(Failure(test=test, kind=kind, own=own, at=at, reached=seen(output)))
    passed = tuple(name for name in dict.fromkeys(_CARGO_TEST.findall(output)) if name not in failed)
    outcome = ProofOutcome.FAILED if failures else ProofOutcome.PASSED if passed else ProofOutcome.NOT_LOADED
    return Run(outcome=outcome, failures=tuple(failures), passed=passed, tail=_tail(output), seconds=seconds)


def _tail(text: str) -> str:
    return "\n".join(_MARKED.sub("", text).rstrip().splitlines()[-30:])
