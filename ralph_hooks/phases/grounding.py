"""Match a reported finding to the change: its path, severity and quoted code, as far as they are unambiguous.

Models copy inexactly: a path in another case, `CRITICAL` for `error`, a quote with other white space. A finding that is
dropped for that may be the one that matters, so everything with one possible meaning is accepted.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

import msgspec

from ralph_hooks.core.change import Line
from ralph_hooks.core.finding import Severity

_SEVERITIES: Mapping[str, Severity] = {
    **dict.fromkeys(("error", "critical", "blocker", "blocking", "fatal", "severe", "high", "major"), Severity.ERROR),
    **dict.fromkeys(("warning", "warn", "medium", "moderate"), Severity.WARNING),
    **dict.fromkeys(("note", "low", "minor", "info", "information", "informational", "nit", "trivial"), Severity.NOTE),
}
_CONFIDENCES: Mapping[str, float] = {"certain": 1.0, "very high": 0.95, "high": 0.9, "medium": 0.6, "low": 0.3}
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_PREFIX = re.compile(r"^[+\- ]?\d+ |^[+-]")
_PLACE = re.compile(r"[:#][L\d][L\d:,-]*$")  # ``app.py:3:5``, ``app.py#L3-L5``
_SIMILAR = 0.8
"""Share of equal characters above which the line that a finding names is taken for a quote found nowhere."""
_COMPARED = 400  # characters: comparing takes time that grows with the square


class LooseFinding(msgspec.Struct, frozen=True):
    """A finding as models state it, before anything of it is believed."""

    path: str
    line: int | float | str
    category: str
    severity: str
    confidence: int | float | str
    message: str
    quote: str


def severity_of(text: str) -> Severity | None:
    """Return the severity that ``text`` names in any common scale; None if it names none."""
    return _SEVERITIES.get(text.strip().strip("*_`[]()!.").lower())


def confidence_of(value: float | str) -> float | None:
    """Return a confidence from 0 to 1 from a share, a percentage or a name such as ``high``; None for anything else."""
    if isinstance(value, str):
        word = value.strip().lower()
        number = _NUMBER.fullmatch(word.removesuffix("%").strip())
        if number is None:
            return _CONFIDENCES.get(word)
        value = float(number[0]) / (100 if word.endswith("%") else 1)
    if value > 1:
        value = value / 100 if 10 < value <= 100 else 1.0  # noqa: PLR2004 - 2 of 1 is 1, 85 is a percentage
    return value if value >= 0 else None  # NaN as well


def line_of(value: float | str) -> int | None:
    """Return the (first) line number in ``value``; None if it has none."""
    if isinstance(value, str):
        number = _NUMBER.search(value)
        return int(float(number[0])) if number else None
    return int(value)


def path_of(text: str, shown: Collection[str]) -> str | None:
    """Return the one of the paths ``shown`` that ``text`` means; None if it is none of them, or could be several."""
    if text in shown:
        return text
    plain = text.strip().strip("`'\"").replace("\\", "/").removeprefix("./")
    candidates = (plain, plain.removeprefix("a/"), plain.removeprefix("b/"), _PLACE.sub("", plain))
    for found in (
        {path for path in shown if path in candidates},
        {path for path in shown if path.lower() in {each.lower() for each in candidates}},
        {path for path in shown for each in candidates if each and _ends_alike(f"/{path}", f"/{each}")},
    ):
        if found:
            return found.pop() if len(found) == 1 else None
    return None


def _ends_alike(one: str, other: str) -> bool:
    return one.endswith(other) or other.endswith(one)


def locate(quote: str, line: int, lines: Sequence[Line]) -> tuple[Line, Line] | None:
    """Return the first and last of ``lines`` that ``quote`` is copied from, nearest to ``line``; None for none.

    White space does not count, nor do the marker and number that the model saw before a line, nor quotation marks
    around it. A quote that stands nowhere is taken for the changed line that the finding names if both are similar.
    """
    wanted = _rows(quote)
    if not wanted:
        return None
    hits = _hits(wanted, lines)
    if not hits:
        unquoted = _rows(quote.strip().strip("`'\"").replace("\\n", "\n"))
        hits = _hits(unquoted, lines) if unquoted != wanted else []
    changed = [hit for hit in hits if hit[0].kind != " " or hit[1].kind != " "] or hits
    return min(changed, key=lambda hit: abs(_number(hit[0]) - line), default=None) or _similar(wanted, line, lines)


def _rows(quote: str) -> list[str]:
    return [text for text in (row.strip() for row in quote.splitlines()) if text]


def _hits(wanted: Sequence[str], lines: Sequence[Line]) -> list[tuple[Line, Line]]:
    plain = [_PREFIX.sub("", text).strip() for text in wanted]
    for squeeze in (str.strip, _squeezed):
        for candidate in (wanted, plain):
            hits: list[tuple[Line, Line]] = []
            for side in ("+ ", "- "):
                rows = [(row, squeeze(row.text)) for row in lines if row.kind in side and row.text.strip()]
                hits += _occurrences([squeeze(text) for text in candidate], rows)
            if hits:
                return hits
    return []


def _squeezed(text: str) -> str:
    return "".join(text.split())


def _occurrences(wanted: Sequence[str], rows: Sequence[tuple[Line, str]]) -> list[tuple[Line, Line]]:
    if not all(wanted):
        return []
    if len(wanted) == 1:
        return [(row, row) for row, text in rows if wanted[0] in text]
    last = len(wanted) - 1
    found: list[tuple[Line, Line]] = []
    for start in range(len(rows) - last):
        window = rows[start : start + last + 1]
        inner = all(text == part for (_, text), part in zip(window[1:-1], wanted[1:-1], strict=True))
        if inner and window[0][1].endswith(wanted[0]) and window[-1][1].startswith(wanted[-1]):
            found.append((window[0][0], window[-1][0]))
    return found


def _similar(wanted: Sequence[str], line: int, lines: Sequence[Line]) -> tuple[Line, Line] | None:
    """Return the changed line with that number if it is nearly what was quoted."""
    from difflib import SequenceMatcher  # for a quote that was not copied alone

    quoted = _squeezed(_PREFIX.sub("", wanted[0]))[:_COMPARED]
    near = [row for row in lines if row.kind != " " and _number(row) == line and row.text.strip()]
    for row in near:
        if SequenceMatcher(None, quoted, _squeezed(row.text)[:_COMPARED], autojunk=False).ratio() >= _SIMILAR:
            return row, row
    return None


def _number(row: Line) -> int:
    return row.new or row.old or 0
