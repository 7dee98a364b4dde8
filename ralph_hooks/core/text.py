"""Escape untrusted text for display: the only place that decides which characters reach a terminal."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache

_BYTE = re.compile("[\udc80-\udcff]")  # a byte that surrogateescape carried through
_ASCII = 0x80
_ASTRAL = 0x10000


@lru_cache(maxsize=1)
def _unsafe() -> re.Pattern[str]:
    # C0 and C1 controls, DEL, soft hyphen, line and paragraph separators, zero-width, bidirectional and tag characters,
    # byte order mark, fillers and other signs without a glyph, lone surrogates (bytes of a name that are not UTF-8).
    return re.compile(
        "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
        "\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
        "\U000e0000-\U000e0fff]"
    )


def _escape(match: re.Match[str]) -> str:
    char = match.group()
    code = ord(char)
    if code < _ASCII or _BYTE.match(char):
        return f"\\x{code & 0xFF:02x}"
    return f"\\u{code:04x}" if code < _ASTRAL else f"\\U{code:08x}"


def visible(text: str) -> str:
    """Return ``text`` with terminal control and invisible characters escaped; tabs and newlines stay."""
    if text.isascii() and text.isprintable():  # nearly always
        return text
    return _unsafe().sub(_escape, text)


def one_line(text: str) -> str:
    """As `visible`, with newlines and tabs escaped too: for paths and for messages that must stay on one line."""
    return visible(text).replace("\n", "\\n").replace("\t", "\\t")


def path_line(path: str) -> str:
    """As `one_line`, but unique for each path, because a backslash is written twice. For paths used as names."""
    return one_line(path.replace("\\", "\\\\"))


_SMALLEST = Decimal("0.0001")


PLACEHOLDER = re.compile(r"<secret-\d+>")
"""Replacement for a credential in everything that is sent (see `core.ports.models.Redactor`)."""


def placeholder(number: int) -> str:
    """Return the replacement for the ``number``-th credential of a run."""
    return f"<secret-{number}>"


def beginning(text: str, limit: int) -> str:
    """Return up to ``limit`` first characters of ``text``, cut at a word boundary: scans miss half a credential."""
    if len(text) <= limit:
        return text
    kept = text[:limit]
    return kept[: 1 + max(map(kept.rfind, " \t\n"))]


def plural(count: int, noun: str) -> str:
    """Return a count with its noun: ``1 file``, ``3 files``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def money(amount: Decimal) -> str:
    """Return an amount in US dollars for people: four decimals below one dollar, two above."""
    if amount == 0:
        return "$0"
    if amount < _SMALLEST:
        return f"<${_SMALLEST}"
    return f"${amount:,.2f}" if amount >= 1 else f"${amount:.4f}"
