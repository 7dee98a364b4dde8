r"""Undo the escaping of text in text, such as JSON in JSON, and keep the place of each character.

A notebook holds ``"PASSWORD = \"hunter2\"\n"``, a log ``%22password%22%3A``, a page ``&quot;password&quot;``, a CSV
file ``{""password"": ""..""}``. Each such part of a text is unescaped level by level, and every level is scanned.
"""

from __future__ import annotations

import re
import sys
from bisect import bisect_right
from collections.abc import Iterator, Sequence

from msgspec import Struct

from ralph_hooks.core.lazy_pattern import lazy
from ralph_hooks.secrets.names import Name
from ralph_hooks.secrets.text_index import SHOWN

_LEVELS = 8
_BEFORE, _BEHIND = 300, 1_000  # characters around a name
_LINES = 3  # from the name's own line on

# Kinds of escapes, the outermost first: a page may show JSON.
_ESCAPES = (
    lazy(r"&(?:quot|apos|amp|lt|gt|nbsp|#\d{2,6}|#[xX][0-9A-Fa-f]{2,5});"),
    lazy(r"%[2-7][0-9A-Fa-f]"),
    lazy(
        r"\\(?:[nN]\"[ \t]*,[ \t]*\n" + SHOWN + r"[ \t]*\"|u[0-9A-Fa-f]{4}|u\{[0-9A-Fa-f]{1,6}\}|x[0-9A-Fa-f]{2}"
        r"|U[0-9A-Fa-f]{8}|[\"'`\\/nrt])"
    ),
)
_ANY = lazy(r"[\\&%]|\"\"\w|''\w")
_DOUBLED = {quote: lazy(rf"{quote}{quote}[\w-]{{1,60}}{quote}{quote}\s{{0,4}}[:=]") for quote in "\"'"}
_CONTROLS = {"n": "\n", "N": "\n", "r": "\n", "t": "\t"}


class Unescaped(Struct, frozen=True):
    """A part of a text with one more level of its escapes undone."""

    text: str
    starts: Sequence[int]
    """Offsets of the runs of characters that lie side by side in both texts."""
    origins: Sequence[int]
    """Offset of each run in the text that the part is of."""

    def origin(self, offset: int) -> int:
        """Return the offset in the original text of the character at ``offset``."""
        run = bisect_right(self.starts, offset) - 1
        return self.origins[run] + offset - self.starts[run]


def unescaped(text: str, names: Sequence[Name]) -> Iterator[Unescaped]:
    """Yield the parts around ``names`` that hold escapes, level by level."""
    for start, end in _parts(text, names):
        part = Unescaped(text[start:end], [0], [start])
        for _ in range(_LEVELS):
            if (deeper := _undo(part)) is None:
                break
            yield deeper
            part = deeper


def without_escapes(text: str) -> str:
    """Return ``text`` with one level of its escapes undone."""
    undone = _undo(Unescaped(text, [0], [0]))
    return undone.text if undone else text


def _parts(text: str, names: Sequence[Name]) -> Iterator[tuple[int, int]]:
    """Yield the surroundings of each name that hold an escape: its line and the next ones, without overlap."""
    start = end = 0
    for name in names:
        if name.begin < end and name.after < end - _BEHIND // 2:
            continue
        first = text.rfind("\n", max(0, name.begin - _BEFORE), name.begin) + 1 or max(0, name.begin - _BEFORE)
        last, limit = name.after, min(len(text), name.after + _BEHIND)
        for _ in range(_LINES):
            last = text.find("\n", last, limit) + 1
            if not last:
                last = limit
                break
        if not _ANY.search(text, first, last):
            continue
        if first > end:
            if end:
                yield start, end
            start = first
        end = max(end, last)
    if end:
        yield start, end


def _undo(part: Unescaped) -> Unescaped | None:
    """Return ``part`` with one level of escapes undone; None if there is none."""
    escape = _escape_of(part.text)
    if escape is None:
        return None
    pieces: list[str] = []
    starts, origins = [0], [part.origin(0)]
    length = position = 0
    for match in escape.finditer(part.text):
        sign = _character(match[0])
        pieces += [part.text[position : match.start()], sign]
        length += match.start() - position
        position = match.end()
        starts += [length, length + len(sign)]
        origins += [part.origin(match.start()), part.origin(position)]
        length += len(sign)
    return Unescaped("".join([*pieces, part.text[position:]]), starts, origins)


def _escape_of(text: str) -> re.Pattern[str] | None:
    """Return the kind of escapes to undo next."""
    doubled = next((quote for quote, pattern in _DOUBLED.items() if pattern.search(text)), None)
    if doubled:
        return re.compile(doubled * 2)
    return next((escape for escape in _ESCAPES if escape.search(text)), None)


def _character(escape: str) -> str:
    if escape[0] == "&":
        import html  # its table of entities takes a millisecond

        return html.unescape(escape)[:1]
    if escape[0] == "%":
        return chr(int(escape[1:], 16))
    if escape[0] != "\\":
        return escape[0]
    if escape[1] in "uUx":
        number = int(escape[2:].strip("{}"), 16)
        return chr(number) if number <= sys.maxunicode else " "
    return _CONTROLS.get(escape[1], escape[1])
