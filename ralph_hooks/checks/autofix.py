"""ruff's own repairs: those it calls safe, of the findings that block, and nothing else in the file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from ralph_hooks.checks.ruff import Ruff, RuffDiagnostic, diagnose
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.finding import Finding

_SAFE = "safe"
_BOM = "\ufeff"


class _Place(Struct, frozen=True):
    row: int
    column: int


class _Edit(Struct, frozen=True):
    content: str | None
    location: _Place
    end_location: _Place


class _Fix(Struct, frozen=True):
    applicability: str
    edits: tuple[_Edit, ...]


class _Fixable(RuffDiagnostic, frozen=True):
    location: _Place
    fix: _Fix | None = None


class RuffFixes:
    """Implements `core.ports.checks.Autofix`."""

    source = Ruff.name

    def mend(self, findings: Sequence[Finding], files: Mapping[str, bytes], deadline: Deadline) -> Mapping[str, bytes]:
        """Return the fixed files. Files that are not UTF-8, or have unusual line breaks, stay unchanged."""
        wanted: dict[str, set[tuple[str, int]]] = {}
        for finding in findings:
            if finding.source == self.source:
                wanted.setdefault(finding.path, set()).add((finding.category, finding.line))
        texts = {path: text for path in wanted if path in files and (text := _text(files[path])) is not None}
        if not texts:
            return {}
        mended: dict[str, bytes] = {}
        found = diagnose([(path, text.removeprefix(_BOM)) for path, text in texts.items()], deadline, _Fixable)
        for (path, text), items in zip(texts.items(), found, strict=True):
            fixes = [
                item.fix
                for item in items
                if item.fix and item.fix.applicability == _SAFE and (item.code, item.location.row) in wanted[path]
            ]
            if fixes:
                bom = _BOM if text.startswith(_BOM) else ""
                mended[path] = (bom + _applied(text.removeprefix(_BOM), fixes)).encode()
        return mended


def _text(data: bytes) -> str | None:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    return None if "\r" in text.replace("\r\n", "") else text


def _applied(text: str, fixes: Iterable[_Fix]) -> str:
    """Return ``text`` with each fix that does not overlap an earlier one."""
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    taken: list[tuple[int, int, str]] = []
    for fix in fixes:
        spans = [
            (
                starts[edit.location.row - 1] + edit.location.column - 1,
                starts[edit.end_location.row - 1] + edit.end_location.column - 1,
                edit.content or "",
            )
            for edit in fix.edits
        ]
        if not any(begin < other_end and other < end for begin, end, _ in spans for other, other_end, _ in taken):
            taken += [span for span in spans if span not in taken]
    for begin, end, content in sorted(taken, reverse=True):
        text = text[:begin] + content + text[end:]
    return text
