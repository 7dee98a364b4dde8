"""Description of the problem that a repair has to fix, as text for a model: the same for plan, implement and fix."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from ralph_hooks.core.finding import Finding
from ralph_hooks.core.proof import Evidence
from ralph_hooks.core.report import Verification
from ralph_hooks.core.text import one_line, path_line, plural
from ralph_hooks.core.usage import estimate_tokens
from ralph_hooks.phases.question import fenced

OUTPUT_TOKENS = 1_500
"""Approximate limit of the output of a failing command in a prompt; its end says most."""
_NAMES = 20  # failing tests that are listed
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Problem(Struct, frozen=True, kw_only=True):
    """Reason for a repair."""

    findings: tuple[Finding, ...] = ()
    failures: tuple[Verification, ...] = ()
    """Verify commands that fail."""
    instruction: str = ""
    """Instruction from the user; empty if there is none."""

    def __bool__(self) -> bool:
        return bool(self.findings or self.failures or self.instruction)

    @property
    def paths(self) -> tuple[str, ...]:
        """The files with findings."""
        return tuple(dict.fromkeys(finding.path for finding in self.findings))


class Shown(Struct, frozen=True):
    """The part of a file that is shown to a model."""

    path: str
    text: str


def task(problem: Problem) -> str:
    """Return the task for the model: the user's instruction, which is placed outside of the fence."""
    count = len(problem.findings) + len(problem.failures)
    known = f"Mend {plural(count, 'problem')}: P1{f' to P{count}' if count > 1 else ''}." if count else ""
    asked = f"The user asks: {problem.instruction.strip()}" if problem.instruction else ""
    return f"TASK: {' '.join(filter(None, (known, asked)))}"


def described(problem: Problem, mark: str = "P", *, room: int = OUTPUT_TOKENS) -> Iterator[str]:
    """Return one text for each problem, numbered P1, P2 and so on, with at most ``room`` tokens of each output."""
    number = 0
    for number, finding in enumerate(problem.findings, start=1):
        side = "removed line" if finding.removed else "line"
        yield "\n".join(
            [
                f"{mark}{number}: {path_line(finding.path)}, {side} {finding.line}: {finding.message}",
                f"  code: {finding.quote.strip()}",
                *reproduced(finding, room),
            ]
        )
    for index, failure in enumerate(problem.failures, start=number + 1):
        yield f"{mark}{index}: {failing(failure, room)}"


def reproduced(finding: Finding, room: int = OUTPUT_TOKENS) -> list[str]:
    """Return the reproducer of a finding and how it fails: it must pass on the repaired tree."""
    if finding.proof is None or finding.evidence not in {Evidence.PROVED, Evidence.SHOWN}:
        return []
    test = finding.proof.test.rstrip().split("\n")
    output = tail(finding.proof.on_change, room) if room else []
    return [
        "  this test shows it and has to pass:",
        *(f"  | {line}" for line in test),
        *(["  it fails:"] if output else []),
        *(f"  | {line}" for line in output),
    ]


def failing(item: Verification, room: int = OUTPUT_TOKENS) -> str:
    """Return a failing command: how it ended, the tests that fail, and the last ``room`` tokens of its output."""
    ended = "was stopped at its time limit" if item.exit_code is None else f"ended with {item.exit_code}"
    lines = [f"`{one_line(item.command)}` {ended}"]
    lines += [f"  fails: {one_line(name)}" for name in item.new_failures[:_NAMES]]
    if len(item.new_failures) > _NAMES:
        lines.append(f"  and {plural(len(item.new_failures) - _NAMES, 'more test')}")
    lines += [f"  no longer runs: {one_line(name)}" for name in item.missing_tests[:_NAMES]]
    return "\n".join([*lines, *(f"  | {line}" for line in tail(item.tail, room))]) if room else "\n".join(lines)


def tail(output: str, limit: int) -> list[str]:
    """Return the last lines of ``output`` that hold about ``limit`` tokens, without colours."""
    kept: list[str] = []
    room = limit
    for line in reversed(_COLOUR.sub("", output).strip("\n").split("\n")):
        room -= estimate_tokens(line) + 1
        if room < 0:
            kept.append("[... the beginning is left out ...]")
            break
        kept.append(line)
    return kept[::-1]


def files(shown: Sequence[Shown], marker: str) -> Iterator[str]:
    """Yield files one after the other. ``marker`` is in each heading, so that no file can imitate another."""
    for file in shown:
        yield f"FILE {marker} {path_line(file.path)}\n{file.text.rstrip()}"


def prompt(problem: Problem, sections: Iterable[str], marker: str) -> str:
    """Return the user's instruction, then everything else as data."""
    return f"{task(problem)}\n{fenced(marker, chr(10).join(sections))}"
