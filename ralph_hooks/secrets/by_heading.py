"""Values below the name of a credential: a YAML mapping ``password:``, a list, an INI value of several lines, a column.

All of it is masked and none of it blocks: only the heading suggests that the block holds credentials.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from itertools import groupby, islice

from ralph_hooks.core.lazy_pattern import lazy
from ralph_hooks.secrets.names import Name, about
from ralph_hooks.secrets.secret import Secret
from ralph_hooks.secrets.text_index import SHOWN, TextIndex
from ralph_hooks.secrets.values import is_placeholder, is_reference, noise, worded

_MOST_LINES = 30
_LEAST_INDENT = 2  # more than the heading's; a line of context in a request has one column more than a changed one
_SHORTEST_NUMBER, _SHORTEST_WORD, _SHORTEST_VALUE = 9, 16, 7  # characters

_BEFORE = lazy(rf"(?:^|(?<=\n)){SHOWN}(?P<indent>[ \t]*)(?:- +)?[\"']?[\w.-]*$")
_AFTER = lazy(r"[\"']?\]?[ \t]{0,4}[:=][ \t]{0,4}(?:[|>][-+]?\d?)?[ \t]*(?:#[^\n]*)?\n")
_KEYS = lazy(r"key[a-z]?s?[ \t]{0,4}[:=][ \t]*\n")
_DATA = lazy(r"(?<!meta)data:[ \t]*\n")
_OF_KUBERNETES = lazy(r"kind:\s{1,4}secret\b")
_LINE = lazy(
    rf"{SHOWN}(?P<indent>[ \t]*)(?P<item>- +)?"
    r"(?:(?:(?P<name>[\"']?[\w./-]{1,80}[\"']?)[ \t]{0,4}[:=][ \t]{0,4})?"
    r"(?P<quote>[\"']?)(?P<value>[^\s\"'#;][^\s\"']{0,1000})(?P=quote),?[ \t]*(?:#[^\n]*)?|(?P<other>[^\n]*))(?:\n|$)"
)
_LONGEST_COLUMNS = 400  # characters
_MOST_CELLS = 4_000  # with the signs between them
_COLUMNS = lazy(rf"[^()]{{0,{_LONGEST_COLUMNS}}}\)\s{{0,8}}values\b")
_SQL = lazy(r"'(?P<value>(?:[^'\\\n]|\\.|'')*+)'|[(),;]")
_HEADS_A_COLUMN = lazy(r"[\"']?[ \t]*(?:[,;|\t]|\n)")
_CELL = lazy(r"[ \t\"']*([\w -]*[\w-])[ \t\"']*$")
_BEFORE_A_LINE = lazy(SHOWN)
_MOST_ROWS = 200
_LONGEST_HEADER = 1_000  # characters
_LONGEST_BEFORE = 400  # characters
_DIGITS = lazy(r"key[a-z]?[ \t]{0,4}[=:][ \t]{0,4}(\d{9,})(?![\w.])(?P<more>[ \t]*\n)?")


def nested(piece: TextIndex, names: Sequence[Name]) -> Iterator[Secret]:
    """Yield values in the blocks and columns below ``names``."""
    lower = piece.lower
    rows = range(0)  # of the last table
    for name in names:
        after = _AFTER.match(lower, name.after)
        if after and not about(piece.text[name.end : name.after]):
            yield from _block(piece.text, name.begin, after.end(), everything=False)
        elif _HEADS_A_COLUMN.match(lower, name.after) and name.begin not in rows:
            rows, found = _column(piece.text, name)
            yield from found
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
    """Yield values that are indented more than the line of ``begin``, in the lines from ``start``."""
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


def _column(text: str, name: Name) -> tuple[range, list[Secret]]:
    """Return the cells below ``name``, as in CSV and Markdown, and the ranges of their rows."""
    start = text.rfind("\n", 0, name.begin) + 1
    table = "|" in text[_shown(text, start) : _end_of_line(text, start)]
    head = start if table else _shown(text, start)
    header = text[head : _end_of_line(text, start)]
    delimiter = "|" if table else next((each for each in ",;\t" if each in header), "\n")
    heads = header[:_LONGEST_HEADER].split(delimiter)
    column = header.count(delimiter, 0, max(0, name.begin - head))
    cell = _CELL.match(heads[column]) if column < len(heads) else None
    named = len(header) <= _LONGEST_HEADER and cell is not None and name.after - name.begin <= len(cell[1])
    if not named or not (table or (len(heads) > 1 and all(map(_CELL.match, heads)))):  # code ends lines in commas
        return range(0), []
    first = start = _end_of_line(text, start) + 1
    found: list[Secret] = []
    for _ in range(_MOST_ROWS):
        begin = start if table else _shown(text, start)
        cells = text[begin : _end_of_line(text, start)].split(delimiter)
        if len(cells) != len(heads):
            break
        value = cells[column].strip(" \t\"'")
        if value and _is_value(value, named=True):
            at = begin + sum(len(each) + 1 for each in cells[:column]) + cells[column].index(value)
            found.append(Secret("secret in a column", at, at + len(value), certain=False))
        start = _end_of_line(text, start) + 1
    return range(first, start), found


def inserted(piece: TextIndex, names: Sequence[Name]) -> Iterator[Secret]:
    """Yield values of columns ``names`` in ``INSERT INTO users (name, password) VALUES ('ada', '...'), ...``."""
    reached = 0
    for start, columns in groupby(names, key=lambda name: _rows_after(piece, name)):
        begins = [name.begin for name in columns]
        if start and begins[0] >= reached:
            reached = yield from _row_values(piece.text, begins, start)


def _rows_after(piece: TextIndex, name: Name) -> int:
    """Return the offset of the rows that have a column ``name``; 0 where there are none."""
    match = _COLUMNS.match(piece.lower, name.after)
    return match.end() if match else 0


def _row_values(text: str, begins: Sequence[int], start: int) -> Generator[Secret, None, int]:
    head = text.rfind("(", max(0, begins[0] - _LONGEST_COLUMNS), begins[0])
    columns = {text.count(",", head, begin) for begin in begins} if head >= 0 else set()
    depth = cell = 0
    end = start
    for token in islice(_SQL.finditer(text, start), _MOST_CELLS):
        sign, end = token[0], token.end()
        if sign == ";":
            break
        depth += (sign == "(") - (sign == ")")
        cell = cell + 1 if sign == "," and depth == 1 else cell * (depth > 0)
        if token["value"] and depth == 1 and cell in columns and _is_value(token["value"], named=True):
            yield Secret("secret in a column", *token.span("value"), certain=False)
    return end


def _shown(text: str, start: int) -> int:
    """Return the offset of the line that is shown from ``start``, without what a request puts before it."""
    match = _BEFORE_A_LINE.match(text, start)
    return match.end() if match else start


def _end_of_line(text: str, start: int) -> int:
    end = text.find("\n", start)
    return len(text) if end < 0 else end


def _is_value(value: str, *, named: bool) -> bool:
    if is_reference(value) or (named and is_placeholder(value)):
        return False
    if value.isdigit():
        return len(value) >= _SHORTEST_NUMBER
    if value.isalpha():
        return len(value) >= _SHORTEST_WORD and (value.islower() or not worded(value))
    mixed = len(value) >= _SHORTEST_VALUE and any(map(str.isdigit, value)) and any(map(str.isalpha, value))
    return noise(value) or (mixed and not (named and worded(value)))
