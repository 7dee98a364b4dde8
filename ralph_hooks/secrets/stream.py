"""Scan a text that is too large to be held in memory, window by window."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator

from msgspec import Struct

from ralph_hooks.secrets.scan import scan
from ralph_hooks.secrets.secret import Secret

WINDOW = 512 * 1024
"""Characters that are scanned at once."""
OVERLAP = 20_000
"""Characters on both sides of a window: more than the longest credential, a private key, has."""


class Located(Struct, frozen=True):
    """A credential in a large text."""

    secret: Secret
    """Its offsets are those in ``window``."""
    window: str
    line: int
    """The number of the line that it begins on."""

    @property
    def value(self) -> str:
        """The credential itself."""
        return self.window[self.secret.start : self.secret.end]

    def lines(self) -> list[str]:
        """Return the line before the one that it begins on, where there is one, and that line."""
        start = self.window.rfind("\n", 0, self.secret.start) + 1
        end = self.window.find("\n", self.secret.start)
        line = self.window[start : end if end >= 0 else len(self.window)]
        return [self.window[self.window.rfind("\n", 0, start - 1) + 1 : start - 1], line] if start else [line]


def scan_stream(chunks: Iterable[bytes], path: str) -> Iterator[Located]:
    """Yield each certain credential in the text of ``chunks``, in order. At most two windows are in memory."""
    before, buffer = "", ""
    line = 1  # where ``buffer`` begins
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    for chunk in chunks:
        buffer += decoder.decode(chunk)
        while len(buffer) >= WINDOW + OVERLAP:
            yield from _in_window(before, buffer[: WINDOW + OVERLAP], WINDOW, line, path)
            line += buffer.count("\n", 0, WINDOW)
            before, buffer = buffer[WINDOW - OVERLAP : WINDOW], buffer[WINDOW:]
    buffer += decoder.decode(b"", final=True)
    yield from _in_window(before, buffer, len(buffer), line, path)


def _in_window(before: str, text: str, length: int, line: int, path: str) -> Iterator[Located]:
    """Yield credentials that begin in the first ``length`` characters of ``text``, which follows ``before``."""
    window = before + text
    counted = first = len(before)
    for secret in scan(window, path, doubtful=False):
        if first <= secret.start < first + length:
            line += window.count("\n", counted, secret.start)
            counted = secret.start
            yield Located(secret, window, line)
