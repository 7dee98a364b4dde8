"""Values below the name of a credential: a YAML mapping ``password:``, a list, an INI value of several lines.

All of it is masked and none of it holds a change back: what such a block holds is told by nothing but its heading.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ralph_hooks.secrets import Secret
from ralph_hooks.secrets.names import Name, about
from ralph_hooks.secrets.piece import SHOWN, Piece
from ralph_hooks.secrets.values import is_placeholder, noise, refers, worded

_MOST_LINES = 30
_LEAST_INDENT = 2  # more than the heading's; a line of context in a request has one column more than a changed one
_SHORTEST_NUMBER, _SHORTEST_WORD, _SHORTEST_VALUE = 9, 16, 7  # characters

_BEFORE = re.compile(rf"(?:^|(?<=\n)){SHOWN}(?P<indent>[ \t]*)(?:- +)?[\"']?[\w.-]*$")
_AFTER = re.compile(r"[\"']?\]?[ \t]{0,4}[:=][ \t]{0,4}(?:[|>][-+]?\d?)?[ \t]*(?:#[^\n]*)?\n")
_KEYS = re.compile(r"key[a-z]?s?[ \t]{0,4}[:=][ \t]*\n")
_DATA = re.compile(r"(?<!meta)data:[ \t]*\n")
_OF_KUBERNETES = re.compile(r"kind:\s{1,4}secret\b")
_LINE = re.compile(
    rf"{SHOWN}(?P<indent>[ \t]*)(?P<item>- +)?"
    r"(?:(?:(?P<name>[\"']?[\w./-]{1,80}[\"']?)[ \t]{0,4}[:=][ \t]{0,4})?"
    r"(?P<quote>[\"']?)(?P<value>[^\s\"'#;][^\s\"']{0,1000})(?P=quote),?[ \t]*(?:#[^\n]*)?|(?P<other>[^\n]*))(?:\n|$)"
)
_LONGEST_BEFORE = 400  # characters
_DIGITS = re.compile(r"key[a-z]?[ \t]{0,4}[=:][ \t]{0,4}(\d{9,})(?![\w.])(?P<more>[ \t]*\n)?")


def nested(piece: Piece, names: Sequence[Name]) -> Iterator[Secret]:
    """Values in the blocks below ``names``."""
    lower = piece.lower
    for name in names:
        after = _AFTER.match(lower, name.after)
        if after and not about(piece.text[name.end : name.after]):
            yield from _block(piece.text, name.begin, after.end(), everything=False)
    for keys in _KEYS.finditer(lower):
        yield from _block(piece.text, keys.start(), keys.end(), everything=False)
    if "kind:" in lower and _OF_KUBERNETES.search(lower):
        for data in _DATA.finditer(lower):
            yield from _block(piece.text, data.start(), data.end(), everything=True)
    for number in _DIGITS.finditer(lower):
        if _BEFORE.search(piece.text, max(0, number.start() - _LONGEST_BEFORE), number.start()):
            yield Secret("key written down", *number.span(1), certain=False)
            if number["more"]:
                yield from _block(piece.text, number.start(), number.end(), everything=False)


def _block(text: str, begin: int, start: int, *, everything: bool) -> Iterator[Secret]:
    """What is deeper than the line of ``begin``, in the lines from ``start``."""
    heading = _BEFORE.search(text, max(0, begin - _LONGEST_BEFORE), begin)
    if heading is None:
        return
    least = len(heading["indent"]) + _LEAST_INDENT
    for _ in range(_MOST_LINES):
        line = _LINE.match(text, start)
        if line is None or start >= len(text):
            return
        start = line.end()
        if line["value"] is None and not (line["other"] or "").strip():
            continue
        if len(line["indent"]) < least and not (line["item"] and len(line["indent"]) >= least - _LEAST_INDENT):
            return
        value = line["value"] or ""
        if value and not value.endswith(":") and (everything or _is_value(value, named=line["name"] is not None)):
            yield Secret("secret in a block", *line.span("value"), certain=False)


def _is_value(value: str, *, named: bool) -> bool:
    if refers(value) or (named and is_placeholder(value)):
        return False
    if value.isdigit():
        return len(value) >= _SHORTEST_NUMBER
    if value.isalpha():
        return len(value) >= _SHORTEST_WORD and (value.islower() or not worded(value))
    mixed = len(value) >= _SHORTEST_VALUE and any(map(str.isdigit, value)) and any(map(str.isalpha, value))
    return noise(value) or (mixed and not (named and worded(value)))
