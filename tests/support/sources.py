"""Files of a change as checks see them, without git."""

from __future__ import annotations

import difflib
import time

from ralph_hooks.core.change import Content, Entry, Hunk, Line, Status, decode
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.finding import Finding
from ralph_hooks.core.ports.change import Source
from ralph_hooks.core.ports.checks import Check, CheckResult


def source(path: str, new: str | bytes | None, old: str | bytes | None = None) -> Source:
    """Return ``path`` as it was and as it would be; its hunks are what differs, without context."""
    before, after = (side.encode() if isinstance(side, str) else side for side in (old, new))
    status = Status.DELETED if after is None else Status.ADDED if before is None else Status.MODIFIED
    entry = Entry(path, status, path, "100644", "100644", "1" * 40 if before else None, "2" * 40 if after else None)
    return Source(entry, Content(before, after), _hunks(_lines(before), _lines(after)))


def _lines(side: bytes | None) -> list[str]:
    return decode(side).removesuffix("\n").split("\n") if side else []


def _hunks(old: list[str], new: list[str]) -> tuple[Hunk, ...]:
    hunks = []
    for kind, i1, i2, j1, j2 in difflib.SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes():
        if kind != "equal":
            removed = [Line("-", number, None, old[number - 1]) for number in range(i1 + 1, i2 + 1)]
            added = [Line("+", None, number, new[number - 1]) for number in range(j1 + 1, j2 + 1)]
            hunks.append(Hunk((*removed, *added)))
    return tuple(hunks)


def run(check: Check, *sources: Source, seconds: float = 60) -> dict[str, CheckResult]:
    """Return the result of ``check`` for each file it applies to."""
    applicable = [each for each in sources if check.applies(each.entry)]
    return dict(check.run(applicable, Deadline(seconds, time.monotonic)))


def findings(check: Check, path: str, new: str | bytes, old: str | bytes | None = None) -> tuple[Finding, ...]:
    """Return the findings of ``check`` on one file."""
    result = run(check, source(path, new, old)).get(path)
    return result.findings if result else ()
