"""Characters that a reviewer cannot see and a compiler or a model reads: https://trojansource.codes, tag characters.

In code, also those after which a reader sees another line than the compiler: Python begins a new line at a carriage
return, JavaScript at U+2028, also within a comment; an escape sequence, a backspace or a carriage return has a terminal
show something else.

Ordinary text stays allowed: emoji sequences, the joiners of Arabic, Persian and Indic scripts, variants of Chinese
characters, a byte order mark at the start of a file, and marks of direction in prose beside right-to-left letters.

Also Python files that declare an encoding in which the visible text means something else: in UTF-7, ``+AAo-`` in a
comment begins a new line of code.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import PurePosixPath

from ralph_hooks.checks.shared import added, blocking, is_python, removed
from ralph_hooks.core.change import Entry, decode
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.finding import Finding
from ralph_hooks.core.ports.change import Source
from ralph_hooks.core.ports.checks import CheckResult
from ralph_hooks.core.text import path_line, visible

_VERSION = "3"

_JOINING = r"\u0600-\u10ff\u1700-\u1aff\ua800-\uabff\ufb50-\ufdff\ufe70-\ufefc\U00010a00-\U00011fff"
_EMOJI = r"\u2190-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
_VARIED = r"#*0-9\u00a9\u00ae\u1000-\u109f\u2000-\u2bff\u3000-\u9fff\ua840-\ua87f\uf900-\ufaff\U0001f000-\U0003ffff"
_IDEOGRAPH = r"\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_SOUTH_EAST = r"\u0e00-\u19ff\u3000-\u9fff"


@lru_cache(maxsize=1)
def _invisible() -> re.Pattern[str]:
    """Format characters (general category Cf) and others without a glyph: fillers of Hangul, variation selectors."""
    return re.compile(
        r"[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
        r"\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
    )


_LINES = {"\r": "CARRIAGE RETURN", "\b": "BACKSPACE", "\x1b": "ESCAPE", "\x85": "NEXT LINE", "\x9b": "CONTROL SEQUENCE"}
"""Control characters that lines of code are not made of, by name."""


@lru_cache(maxsize=1)
def _unlike() -> re.Pattern[str]:
    return re.compile("[\u2028\u2029" + "".join(_LINES) + "]")


@lru_cache(maxsize=1)
def _unlike_ascii() -> re.Pattern[bytes]:
    return re.compile(rb"[\x08\x1b]|\r(?!\n)")


@lru_cache(maxsize=1)
def _in_place() -> re.Pattern[str]:
    """Match characters whose neighbours make them part of the visible text."""
    return re.compile(
        rf"(?<=[{_JOINING}])[\u200c\u200d](?=[{_JOINING}])"
        rf"|(?<=[{_EMOJI}\ufe0f])\u200d(?=[{_EMOJI}])"
        rf"|(?<=[{_VARIED}])[\ufe00-\ufe0f]"
        rf"|(?<=[{_IDEOGRAPH}])[\U000e0100-\U000e01ef]"
        rf"|(?<=[{_SOUTH_EAST}])\u200b(?=[{_SOUTH_EAST}])"  # says where a line of Thai may break
        r"|(?<=[\u1800-\u18af])[\u180b-\u180f]"
        r"|(?<=\U0001f3f4)[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f"  # flags: England, Scotland
    )


@lru_cache(maxsize=1)
def _right_to_left() -> re.Pattern[str]:
    return re.compile(r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]")


_PROSE = {
    ".md", ".markdown", ".rst", ".txt", ".adoc", ".tex", ".html", ".htm", ".po", ".pot", ".json", ".arb", ".xliff",
    ".xlf", ".xml", ".strings", ".stringsdict", ".ftl", ".properties", ".resx", ".yaml", ".yml", ".csv", ".srt", ".vtt",
}  # fmt: skip

_DIRECTION = "\u061c\u200e\u200f\u202a\u202b\u202c\u2066\u2067\u2068\u2069"  # all but the overrides
_SOFT_HYPHEN, _BYTE_ORDER_MARK = "\u00ad", "\ufeff"
_MOST_NAMED = 4


class Invisible:
    """Invisible characters on added lines, unless removed lines of the same file had as many of the same."""

    name = "invisible"
    source_only = True
    version = _VERSION

    def applies(self, entry: Entry) -> bool:
        """Return True for any file that exists after the change."""
        return entry.new_oid is not None

    def run(self, sources: Sequence[Source], deadline: Deadline) -> Mapping[str, CheckResult]:  # noqa: ARG002 - too quick to need it
        """Return at most one finding per line."""
        return {source.path: CheckResult((*_named_so(source), *_findings(source))) for source in sources}


# https://peps.python.org/pep-0263/: in one of the first two lines.
_CODING = re.compile(rb"[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_SEEN = rb"+AGE- \x61 \u0061 ~{VW~}"


def _disguise(source: Source) -> Iterator[Finding]:
    for number, line in enumerate((source.content.new or b"").split(b"\n", 2)[:2], 1):
        coding = _CODING.match(line)
        if coding and number in added(source) and is_python(source) and _changes_what_is_seen(coding[1].decode()):
            yield blocking(
                "invisible",
                source.path,
                number,
                category="invisible-characters",
                message="with the encoding declared here, the code that runs is not what a reader sees. Use UTF-8",
                shown=visible(decode(line)),
            )


def _changes_what_is_seen(encoding: str) -> bool:
    try:
        return _SEEN.decode(encoding) != _SEEN.decode()
    except (LookupError, UnicodeError):  # Python will not read it either
        return False


def _named_so(source: Source) -> Iterator[Finding]:
    """Yield a finding for a new name that contains misleading characters."""
    path, old = source.path, source.entry.old_path if source.entry.old_oid else ""
    hidden = [char for char in _hidden(path, "", first=False) if char not in old] if path != old else []
    if hidden:
        yield blocking(
            "invisible",
            path,
            1,
            category="invisible-characters",
            message=f"the name of this file has invisible Unicode characters: {_named(hidden)}. Rename it",
            shown=path_line(path),
        )


def _findings(source: Source) -> Iterator[Finding]:
    yield from _disguise(source)
    content = source.content.new or b""
    if content.isascii() and not _unlike_ascii().search(content):  # nearly always
        return
    known = Counter(char for text in removed(source).values() for char in _suspects(text))
    for number, text in added(source).items():
        fresh = []
        for char in _hidden(text, source.path, first=number == 1):
            known[char] -= 1
            if known[char] < 0:
                fresh.append(char)
        if fresh:
            yield blocking(
                "invisible",
                source.path,
                number,
                category="invisible-characters",
                message=f"invisible Unicode characters: {_named(fresh)}. Remove them, or write them as escapes",
                shown=visible(text.removesuffix("\r")),
            )


def _suspects(text: str) -> list[str]:
    """Return the characters of a line that may hide something."""
    return _invisible().findall(text) + _unlike().findall(text.removesuffix("\r"))


def _hidden(text: str, path: str, *, first: bool) -> Iterator[str]:
    """Yield the invisible characters of a line that are not legitimate there."""
    if first:
        text = text.removeprefix(_BYTE_ORDER_MARK)
    prose = PurePosixPath(path).suffix.lower() in _PROSE
    directed = prose and _right_to_left().search(text) is not None
    for char in _suspects(_in_place().sub("", text)):
        if not (directed and char in _DIRECTION) and not (prose and (char == _SOFT_HYPHEN or _unlike().match(char))):
            yield char


def _named(chars: Sequence[str]) -> str:
    import unicodedata

    kinds = list(dict.fromkeys(chars))
    names = [
        f"U+{ord(char):04X} {_LINES.get(char) or unicodedata.name(char, 'without a name')}"
        for char in kinds[:_MOST_NAMED]
    ]
    more = len(kinds) - len(names)
    return ", ".join(names) + (f" and {more} others" if more else "")
