"""Names the code that a finding is about, so that it is recognised while that code stays the same.

An anchor is made of the whole lines that are quoted, the name of the definition around them, and which of several
identical places in it is meant. Line numbers, the path and everything else in the file have no part in it.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from ralph_hooks.core.change import Content, lines_of
from ralph_hooks.core.finding import Finding, digest
from ralph_hooks.core.ports.change import Source
from ralph_hooks.core.ports.checks import CheckResult
from ralph_hooks.engine.review.review_input import SECRET
from ralph_hooks.languages.outline import definitions

VERSION = "1"
"""Changes when anchors are made in another way, so that stored findings are made again."""
_ROUNDS = 1_000  # of the slow hash: 0.4 ms each, and a file may hold thousands of findings


def anchored_results(results: Mapping[str, CheckResult], sources: Sequence[Source]) -> Mapping[str, CheckResult]:
    """Return ``results`` of a check on ``sources``, by path, with the anchors of their findings."""
    contents = {source.path: source.content for source in sources}
    return {
        path: msgspec.structs.replace(result, findings=anchored(result.findings, path, contents[path]))
        if result.findings and path in contents
        else result
        for path, result in results.items()
    }


def anchored_all(findings: Iterable[Finding], sources: Sequence[Source]) -> tuple[Finding, ...]:
    """Return ``findings`` about any of ``sources`` with their anchors, file by file."""
    contents = {source.path: source.content for source in sources}
    by_path: dict[str, list[Finding]] = {}
    for finding in findings:
        by_path.setdefault(finding.path, []).append(finding)
    return tuple(
        made
        for path, about in by_path.items()
        for made in (anchored(about, path, contents[path]) if path in contents else about)
    )


def anchored(findings: Sequence[Finding], path: str, content: Content) -> tuple[Finding, ...]:
    """Return ``findings`` about ``content``, the file at ``path``, with their anchors."""
    sides = {
        side: _Side(path, data or b"")
        for side, data in ((False, content.new), (True, content.old))
        if any(finding.removed is side for finding in findings)
    }
    return tuple(sides[finding.removed].anchor(finding) for finding in findings)


class _Side:
    """One side of a file: its lines, and for each of them the definition around it and its rank among equal lines."""

    def __init__(self, path: str, data: bytes) -> None:
        self._lines = [line.rstrip("\r") for line in lines_of(data)]
        self._names = [""] * len(self._lines)
        for definition in sorted(definitions(path, "\n".join(self._lines)), key=lambda d: (d.first, -d.last)):
            last = min(definition.last, len(self._lines))
            self._names[definition.first - 1 : last] = [definition.name] * (last - definition.first + 1)
        self._ranks: list[int] = []
        seen: Counter[tuple[str, str]] = Counter()
        for place in zip(self._names, self._lines, strict=True):
            self._ranks.append(seen[place])
            seen[place] += 1

    def anchor(self, finding: Finding) -> Finding:
        """Return ``finding`` with its anchor; as it is where its line is not in the file."""
        quoted = self._lines[finding.line - 1 : max(finding.line, finding.end_line)]
        if finding.line < 1 or not quoted:
            return finding
        place = (self._names[finding.line - 1], str(self._ranks[finding.line - 1]))
        if finding.category != SECRET:
            return msgspec.structs.replace(finding, anchor=digest(*place, *quoted))
        # Output must not let anybody guess a secret: it contains the masked form instead.
        anchor = digest(*place, finding.context)
        code = "\n".join(quoted).encode("utf-8", "surrogatepass")
        value = hashlib.pbkdf2_hmac("sha256", code, anchor.encode(), _ROUNDS)
        return msgspec.structs.replace(finding, anchor=anchor, value=value.hex())
