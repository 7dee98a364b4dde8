"""Conflict markers that git left in a file: all three of them, at the beginning of their lines.

Left alone are fenced blocks of Markdown, test data, and tests that parse: those hold the markers in a string.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from posixpath import splitext

from ralph_hooks.checks.shared import added, blocking, language, without_end
from ralph_hooks.core.change import Entry
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.finding import Finding
from ralph_hooks.core.ports.change import Source
from ralph_hooks.core.ports.checks import CheckResult
from ralph_hooks.languages.test_files import is_test_file, is_wrong_on_purpose

_VERSION = "1"
_MARKERS = (b"<<<<<<<", b"=======", b">>>>>>>")
_MARKDOWN = frozenset((".md", ".markdown", ".mdx", ".qmd"))


class Conflicts:
    """Unresolved conflicts that the change brings."""

    name = "conflicts"
    source_only = False  # lock files are where merges leave them most often
    version = _VERSION

    def applies(self, entry: Entry) -> bool:
        """Return True for any file that exists after the change."""
        return entry.new_oid is not None

    def run(self, sources: Sequence[Source], deadline: Deadline) -> Mapping[str, CheckResult]:  # noqa: ARG002 - too quick to need it
        """Return at most one finding per file."""
        return {source.path: CheckResult(tuple(_findings(source))) for source in sources}


def _findings(source: Source) -> Iterator[Finding]:
    data = source.content.new or b""
    if not all(marker in data for marker in _MARKERS) or is_wrong_on_purpose(source.path):
        return
    lines = without_end(data)
    fresh = added(source)
    for begin, end in _conflicts(lines, fenced=splitext(source.path)[1].lower() in _MARKDOWN):
        if any(line in fresh and _marker().match(fresh[line].rstrip("\r")) for line in range(begin, end + 1)):
            if is_test_file(source.path) and _parses(source):
                return
            yield blocking(
                "conflicts",
                source.path,
                begin,
                category="conflict-markers",
                message="an unresolved merge conflict: choose a side and delete the markers",
                shown=lines[begin - 1],
                end_line=end,
            )
            return


@cache
def _marker() -> re.Pattern[str]:
    return re.compile(r"(?:<{7}(?: |$)|={7}$|>{7}(?: |$))")


def _conflicts(lines: Sequence[str], *, fenced: bool) -> Iterator[tuple[int, int]]:
    """Yield the first and last line of each group of the three markers in order."""
    begin = middle = 0
    fence = False
    for number, line in enumerate(lines, start=1):
        text = line.rstrip("\r")
        if fenced and text.lstrip().startswith(("```", "~~~")):
            fence = not fence
        marker = None if fence else _marker().match(text)
        if marker is None:
            continue
        match text[0]:
            case "<":
                begin, middle = number, 0
            case "=":
                middle = number if begin else 0
            case _ if middle:
                yield begin, number
                begin = middle = 0
            case _:
                begin = middle = 0


def _parses(source: Source) -> bool:
    known = language(source)
    return known is not None and known.parses(source.path, source.content.new or b"")
