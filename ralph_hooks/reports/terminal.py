"""Terminal output: colour, display columns, wrapping, and a line of code with a mark under the quote."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from ralph_hooks.core.finding import Finding
from ralph_hooks.core.text import one_line, visible

_TAB = "    "  # a fixed width keeps the mark aligned in a long line that is cut
_ELLIPSIS = "..."
_MAX_ROWS = 6

_SGR = {"bad": "1;31", "warn": "1;33", "good": "1;32", "note": "36", "strong": "1", "faint": "2"}


class Ink:
    """A function that colours text, or leaves it unchanged. The caller decides (NO_COLOR, a terminal or a pipe)."""

    def __init__(self, *, color: bool) -> None:
        self.color = color

    def __call__(self, look: str, text: str) -> str:
        """Return ``text`` in one of the looks above."""
        return f"\x1b[{_SGR[look]}m{text}\x1b[0m" if self.color and text else text


def columns(text: str) -> int:
    """Return the number of terminal cells that ``text`` takes."""
    return len(text) if text.isascii() else sum(_cells(char) for char in text)


def _cells(char: str) -> int:
    import unicodedata  # imported only for text that is not ASCII

    if unicodedata.combining(char) or unicodedata.category(char) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1


def shown(code: str) -> str:
    """Return a line of code as it is printed: tabs as spaces, everything unsafe escaped."""
    return one_line(code.replace("\t", _TAB))


def fit(text: str, width: int) -> str:
    """Return ``text`` cut to ``width`` columns, with an ellipsis if it was cut."""
    if columns(text) <= width:
        return text
    _, end = _grow(text, 0, 0, width - len(_ELLIPSIS))
    return text[:end] + _ELLIPSIS


def wrap(text: str, width: int) -> Iterator[str]:
    """Yield escaped lines of at most ``width`` columns; newlines of ``text`` stay, a long word is cut."""
    for paragraph in visible(text).split("\n"):
        line, used = "", 0
        for word in _pieces(paragraph, width):
            size = columns(word)
            if line and used + 1 + size > width:
                yield line
                line, used = "", 0
            line, used = (f"{line} {word}", used + 1 + size) if line else (word, size)
        yield line


def _pieces(paragraph: str, width: int) -> Iterator[str]:
    for word in paragraph.split():
        rest = word
        while columns(rest) > width:
            _, end = _grow(rest, 0, 0, width)
            yield rest[: max(1, end)]
            rest = rest[max(1, end) :]
        yield rest


class _Row(Struct, frozen=True):
    """A line of code and its quoted columns."""

    text: str
    begin: int
    end: int


def excerpt(finding: Finding, width: int, ink: Ink) -> Iterator[str]:
    """Yield the quoted lines behind a gutter with line numbers, and a mark under the quote, in ``width`` columns."""
    spans = _spans(finding)
    if not spans:
        return
    gutter = len(str(finding.line + spans[-1][0]))
    room = max(20, width - gutter - 3)
    rows = [(offset, _window(text, begin, end, room)) for offset, text, begin, end in spans[:_MAX_ROWS]]
    for offset, row in rows:
        yield f"{ink('faint', f'{finding.line + offset:>{gutter}} |')} {row.text}"
    begin, end = min(row.begin for _, row in rows), max(row.end for _, row in rows)
    yield f"{ink('faint', ' ' * gutter + ' |')} {' ' * begin}{ink('bad', '^' * max(1, end - begin))}"
    if len(spans) > _MAX_ROWS:
        yield ink("faint", f"{'':>{gutter}} | {_ELLIPSIS} {len(spans) - _MAX_ROWS} more")


def _spans(finding: Finding) -> list[tuple[int, str, int, int]]:
    """Return each line of the quote: its offset from the first, the line, and the start and end of the quote in it."""
    found = []
    for offset, line in enumerate(line.rstrip("\r") for line in finding.quote.split("\n")):
        code = line.strip()
        text = finding.context if offset == 0 and code in finding.context else line
        if code:
            begin = text.index(code)
            found.append((offset, text, begin, begin + len(code)))
    return found


def _window(text: str, begin: int, end: int, room: int) -> _Row:
    """Return as much of ``text`` as fits in ``room`` columns, around the quote at ``begin:end``."""
    low, high = _grow(text, begin, end, room)
    if (low, high) != (0, len(text)):
        low, high = _grow(text, begin, end, room - 2 * len(_ELLIPSIS))
    left, right = _ELLIPSIS if low else "", _ELLIPSIS if high < len(text) else ""
    before = left + shown(text[low:begin])
    quoted = shown(text[begin : min(end, high)])
    start = columns(before)
    return _Row(f"{before}{quoted}{shown(text[end:high])}{right}", start, start + columns(quoted))


def _grow(text: str, begin: int, end: int, room: int) -> tuple[int, int]:
    """Return the longest range that holds the start of ``begin:end`` and takes at most ``room`` columns when shown."""
    low, high, left = begin, begin, room
    while high < end and (size := columns(shown(text[high]))) <= left:
        high, left = high + 1, left - size
    if high < end:
        return low, high
    moved = True
    while moved:
        moved = False
        if low > 0 and (size := columns(shown(text[low - 1]))) <= left:
            low, left, moved = low - 1, left - size, True
        if high < len(text) and (size := columns(shown(text[high]))) <= left:
            high, left, moved = high + 1, left - size, True
    return low, high
