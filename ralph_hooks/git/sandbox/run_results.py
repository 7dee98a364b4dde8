"""Results of one run of a reproducer, from the log of the probe, the reports and the output of its runner."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Collection, Iterator, Sequence
from functools import partial
from pathlib import Path

import msgspec

from ralph_hooks.core.change import decode
from ralph_hooks.core.codec import from_json
from ralph_hooks.core.proof import HANG, Failure, ProofOutcome, ProofRun, Run
from ralph_hooks.git.sandbox.junit import find_reports, read_cases
from ralph_hooks.languages import run_output
from ralph_hooks.languages.instrument import seen, without_marks
from ralph_hooks.languages.runners import ProofRunner, Watch, java_module

FOLDER = "ralph-hooks-proof"
"""Folder beside the copy, which has the project's name."""
REPORT = "report.json"
_TAIL_LINES = 30
_LOOPING = 0.3  # of the time limit
_LARGEST_LOG = 4_000_000  # bytes
_WHOLE = "the command"


def read_run(
    runner: ProofRunner, trial: ProofRun, copy: Path, log: Path, output: bytes, *, ended: bool, seconds: float
) -> Run:
    """Return the run of ``trial`` in ``copy``, whose logs are in the folder ``log``. ``ended``: it was not stopped."""
    text = decode(output)
    run = _read(runner, trial, copy, log, text, ended=ended, seconds=seconds)
    tail = "\n".join(without_marks(run.tail, runner.mark).rstrip().splitlines()[-_TAIL_LINES:])
    # The folder has another name in every run.
    run = msgspec.structs.replace(run, tail=tail.replace(f"{copy.parent}{os.sep}", ""))
    if runner.watch is Watch.NODE:
        run = _with_marks(run, text)
        if ended and run.outcome is ProofOutcome.NOT_RUN:
            foreign = run_output.is_unresolved(text, trial.test.path)
            run = msgspec.structs.replace(run, outcome=ProofOutcome.NOT_LOADED, foreign=foreign)
    return run if runner.watch is Watch.PROBE else _by_place(run, trial)


def _read(
    runner: ProofRunner, trial: ProofRun, copy: Path, log: Path, text: str, *, ended: bool, seconds: float
) -> Run:
    test = trial.test.path
    top = os.path.realpath(copy) + os.sep
    match runner.watch:
        case Watch.GO:
            return run_output.read_go(text, top, test, seconds)
        case Watch.CARGO:
            return run_output.read_cargo(text, test, seconds)
        case Watch.JEST | Watch.JUNIT if not ended:
            return Run(outcome=ProofOutcome.NOT_RUN, tail=f"{text}\nstopped at its time limit", seconds=seconds)
        case Watch.JEST:
            return run_output.read_jest(_bytes(log / REPORT), text, top, test, seconds)
        case Watch.JUNIT:
            module = java_module(test) or ""
            cases, printed = read_cases(_reports(copy / module / runner.report))
            find = partial(_java_source, copy, module, tuple(trial.lines))
            return run_output.read_junit(cases, f"{text}\n{printed}", find, test, seconds)
        case _:
            return _read_probe(log, copy, trial, text, seconds)


def _with_marks(run: Run, output: str) -> Run:
    """Return ``run`` of node's reporter with the printed marks."""
    reached = seen(output)
    failures = tuple(msgspec.structs.replace(failure, reached=reached) for failure in run.failures)
    return msgspec.structs.replace(run, failures=failures)


def _by_place(run: Run, trial: ProofRun) -> Run:
    """Return ``run`` with a changed line counted as executed if an exception was raised at it, marked or not."""
    failures = tuple(
        msgspec.structs.replace(failure, reached=(failure.at,))
        if not failure.reached and failure.at[1] in trial.lines.get(failure.at[0], ())
        else failure
        for failure in run.failures
    )
    return msgspec.structs.replace(run, failures=failures)


def by_exit(code: int | None, text: str, seconds: float) -> Run:
    """Return a run by exit code only, for a user's command in a language without instrumentation."""
    tail = "\n".join(text.rstrip().splitlines()[-_TAIL_LINES:])
    if code == 0:
        return Run(outcome=ProofOutcome.PASSED, passed=(_WHOLE,), tail=tail, seconds=seconds)
    failure = Failure(test=_WHOLE, kind="failure", reached=seen(text))
    return Run(outcome=ProofOutcome.FAILED, failures=(failure,), tail=tail, seconds=seconds)


def _reports(folder: Path) -> list[Path]:
    return find_reports(folder, ("TEST-*.xml",)) if folder.is_dir() and not folder.is_symlink() else []


def _java_source(copy: Path, module: str, changed: Sequence[str], name: str) -> str | None:
    """Return the path of the source file ``name``, such as ``shop/Shop.java``, in the copy: main code before tests."""
    modules = dict.fromkeys([module, *(found for path in changed if (found := java_module(path)) is not None)])
    places = (f"{each}src/{kind}/java/{name}" for kind in ("main", "test") for each in modules)
    return next((place for place in places if (copy / place).is_file()), None)


class _Event(msgspec.Struct, frozen=True):
    """One line of the probe's log."""

    event: str
    test: str = ""
    kind: str = ""
    own: bool = False
    at: tuple[str, int] = ("", 0)
    path: str = ""
    line: int = 0
    deed: str = ""
    foreign: bool = False
    seconds: float = 0.0


def _read_probe(probe: Path, copy: Path, trial: ProofRun, tail: str, seconds: float) -> Run:
    """Return the run recorded in the log of `languages.python_probe`.

    What tests wrote into it is not to be trusted, only bounded.
    """
    events = list(_events(probe / "log"))
    hang = _hang(probe / "hangs", copy, trial.test.path)
    calls = [event.seconds for event in events if event.event == "entered"]
    looping = bool(calls) and calls[-1] > trial.limit * _LOOPING  # the test calls the project again and again
    failures: list[Failure] = []
    reached: dict[tuple[str, int], None] = {}
    running = ""
    for event in events:
        if event.event == "start":
            running = event.test
            reached.clear()
        elif event.event == "line":
            reached[event.path, event.line] = None
        elif event.event == "failed":
            failures.append(
                Failure(test=event.test, kind=event.kind, own=event.own, at=event.at, reached=tuple(reached))
            )
    kinds = {event.event for event in events}
    hung = "end" not in kinds and hang is not None and running != ""
    if hung and hang is not None:
        failures.append(
            Failure(test=running, kind=HANG, own=bool(hang[0]) and not looping, at=hang, reached=tuple(reached))
        )
    return Run(
        outcome=_outcome(kinds, hung=hung),
        failures=tuple(failures),
        passed=tuple(event.test for event in events if event.event == "passed"),
        misdeeds=tuple(dict.fromkeys(event.deed for event in events if event.event == "denied")),
        foreign=any(event.foreign for event in events if event.event == "unloaded"),
        tail=tail,
        seconds=seconds,
    )


def _outcome(kinds: Collection[str], *, hung: bool) -> ProofOutcome:
    if "unloaded" in kinds:
        return ProofOutcome.NOT_LOADED
    if "end" not in kinds:
        return ProofOutcome.HUNG if hung else ProofOutcome.NOT_RUN
    if "failed" in kinds:
        return ProofOutcome.FAILED
    return ProofOutcome.PASSED if "passed" in kinds else ProofOutcome.NOT_LOADED


def _events(log: Path) -> Iterator[_Event]:
    for line in _bytes(log).splitlines():
        with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
            yield from_json(line, _Event)


def _bytes(path: Path) -> bytes:
    with contextlib.suppress(OSError):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                return file.read(_LARGEST_LOG)
    return b""


_FRAME = re.compile(r'^  File "(.+)", line (\d+) in ', re.MULTILINE)


def _hang(dump: Path, copy: Path, test: str) -> tuple[str, int] | None:
    """Return where a test hung in the project: its innermost frame, unless the test's own frame is further in.

    ("", 0) if it hung in the test; None if it did not hang. The dump is faulthandler's, innermost frame first.
    """
    text = decode(_bytes(dump))
    if not text:
        return None
    top = os.path.realpath(copy) + os.sep
    for thread in text.split("\n\n"):
        for path, line in _FRAME.findall(thread):
            real = os.path.realpath(path)
            inside = real.removeprefix(top).replace(os.sep, "/") if real.startswith(top) else ""
            if inside == test:
                return "", 0
            if inside and "site-packages" not in inside:
                return inside, int(line)
    return "", 0
