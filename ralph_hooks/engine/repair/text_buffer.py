"""The text of a file as a model sees it, with LF line ends, and the way back to the bytes that the file has. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from msgspec import Struct


class Span(Struct, frozen=True):
    """A range from ``start`` to ``end`` of a text, and its replacement."""

    start: int
    end: int
    replacement: str


class Editable:
    """A file. Line ends, a missing last one and bytes that are not UTF-8 stay as they are where nothing is changed.

    ``text`` ends with LF even where the file does not: a model quotes whole lines, the last one too.
    """

    def __init__(self, data: bytes) -> None:
        raw = data.decode("utf-8", "surrogateescape")
        last = raw.rfind("\n")
        self._added = "" if last == len(raw) - 1 else "\r\n" if raw[max(0, last - 1) : last] == "\r" else "\n"
        self._raw = raw + self._added
        self._crlf: list[int] = []  # places in `text` whose LF is CRLF in the file
        place = self._raw.find("\r\n")
        while place >= 0:
            self._crlf.append(place - len(self._crlf))
            place = self._raw.find("\r\n", place + 2)
        self.text = self._raw.replace("\r\n", "\n")
        self.is_utf8 = raw.isascii() or raw.encode("utf-8", "replace") == data

    def line(self, place: int) -> int:
        """Return the 1-based number of the line at ``place`` in the text."""
        return self.text.count("\n", 0, place) + 1

    def changed(self, spans: Sequence[Span]) -> bytes:
        """Return the file with ``spans`` replaced; they are in order and do not overlap."""
        parts: list[str] = []
        place = 0
        for span in map(self._trimmed, spans):
            parts += [self._original(place, span.start), self._styled(span)]
            place = span.end
        return self._unended("".join([*parts, self._original(place, len(self.text))])).encode(
            "utf-8", "surrogateescape"
        )

    def _trimmed(self, span: Span) -> Span:
        """Return the differing part only, so that the rest of a quoted passage keeps its bytes."""
        old, new = self.text[span.start : span.end], span.replacement
        head = _common(old, new)
        tail = _common(old[head:][::-1], new[head:][::-1])
        return Span(span.start + head, span.end - tail, new[head : len(new) - tail])

    def _original(self, start: int, end: int) -> str:
        return self._raw[start + bisect_left(self._crlf, start) : end + bisect_left(self._crlf, end)]

    def _styled(self, span: Span) -> str:
        """Return the replacement with the line ends of the line that it begins on."""
        place = self.text.find("\n", span.start)
        index = bisect_left(self._crlf, place if place >= 0 else len(self.text) - 1)
        if self._crlf[index : index + 1] == [place if place >= 0 else len(self.text) - 1]:
            return span.replacement.replace("\n", "\r\n")
        return span.replacement

    def _unended(self, result: str) -> str:
        """Return ``result`` without the line end that the file never had."""
        if not self._added or not result.endswith("\n"):
            return result
        kept = self._raw.removesuffix(self._added).endswith("\r")
        return result[:-1] if kept else result[:-1].removesuffix("\r")


def _common(one: str, two: str) -> int:
    """Return how many characters both begin with."""
    return next((i for i, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), min(len(one), len(two)))
