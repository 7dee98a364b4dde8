"""Edit a JSON file without changing any other byte: order, indentation and blank lines stay."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

_DECODER = json.JSONDecoder()
_BLANK = re.compile(r"\s*")


class NotEditable(Exception):
    """A file that cannot be edited. ``str()`` gives the reason."""


class _Part(Struct, frozen=True):
    """A member of an object or an item of a list, as offsets into the text."""

    key: str
    """The member's key; empty for an item."""
    start: int
    value: int
    end: int


def insert(text: str, path: Sequence[str], item: Any) -> str:  # noqa: ANN401 - a JSON value
    """Return ``text`` with ``item`` appended to the list at ``path``; missing objects on the path are created.

    Raises NotEditable if ``text`` is no JSON, or has something else there.
    """
    start = _start(text)
    for depth, key in enumerate(path):
        found = next((part for part in _parts(text, start, "{") if part.key == key), None)
        if found is None:
            value: Any = [item]
            for name in reversed(path[depth + 1 :]):
                value = {name: value}
            return _add(text, start, "{", value, key)
        start = found.value
    return _add(text, start, "[", item)


def remove(text: str, path: Sequence[str], ours: Callable[[Any], bool]) -> str:
    """Return ``text`` without the items of the list at ``path`` that are ``ours``, and without emptied containers.

    Raises as `insert`.
    """
    while True:
        start, trail = _start(text), list[tuple[int, _Part]]()
        for key in path:
            found = next((part for part in _parts(text, start, "{") if part.key == key), None)
            if found is None:
                return text
            trail.append((start, found))
            start = found.value
        items = _parts(text, start, "[")
        one = next((part for part in items if ours(_value(text, part))), None)
        if one is None:
            return text
        if len(items) > 1:
            text = _cut(text, items, one)
            continue
        for parent, part in reversed(trail):
            siblings = _parts(text, parent, "{")
            if len(siblings) > 1 or parent == _start(text):
                text = _cut(text, siblings, part)
                break


def _start(text: str) -> int:
    start = _skip(text, 0)
    try:
        _, end = _DECODER.raw_decode(text, start)
    except (json.JSONDecodeError, RecursionError) as error:
        raise NotEditable("it is not plain JSON (does it have comments or a trailing comma?)") from error
    if text[end:].strip():
        raise NotEditable("there is text after the end of the JSON")
    return start


def _skip(text: str, index: int) -> int:
    found = _BLANK.match(text, index)
    assert found is not None  # it also matches the empty string
    return found.end()


def _value(text: str, part: _Part) -> Any:  # noqa: ANN401 - a JSON value
    return json.loads(text[part.value : part.end])


def _parts(text: str, start: int, bracket: str) -> list[_Part]:
    """Return the members or items of the container that starts at ``start``."""
    if text[start] != bracket:
        raise NotEditable(f"a {'table' if bracket == '{' else 'list'} was expected")
    parts: list[_Part] = []
    index = _skip(text, start + 1)
    while text[index] not in "}]":
        begin, key = index, ""
        if bracket == "{":
            key, index = _DECODER.raw_decode(text, index)
            index = _skip(text, _skip(text, index) + 1)  # the colon
        value = index
        _, end = _DECODER.raw_decode(text, value)
        parts.append(_Part(key, begin, value, end))
        index = _skip(text, end)
        if text[index] == ",":
            index = _skip(text, index + 1)
    return parts


def _add(text: str, start: int, bracket: str, value: Any, key: str = "") -> str:  # noqa: ANN401 - a JSON value
    parts = _parts(text, start, bracket)
    unit = _unit(text)
    outer = _indent(text, start)
    inner = _indent(text, parts[-1].start) if parts and "\n" in text[start : parts[-1].start] else outer + unit
    written = json.dumps(value, indent=unit, ensure_ascii=False).replace("\n", "\n" + inner)
    member = f"{json.dumps(key)}: {written}" if bracket == "{" else written
    if parts:
        return f"{text[: parts[-1].end]},\n{inner}{member}{text[parts[-1].end :]}"
    close = _skip(text, start + 1)
    return f"{text[: start + 1]}\n{inner}{member}\n{outer}{text[close:]}"


def _cut(text: str, siblings: list[_Part], part: _Part) -> str:
    index = siblings.index(part)
    if index:
        return text[: siblings[index - 1].end] + text[part.end :]
    if len(siblings) > 1:
        return text[: part.start] + text[siblings[1].start :]
    before = text[: part.start].rstrip()
    return before + text[_skip(text, part.end) :]


def _indent(text: str, index: int) -> str:
    """Return the whitespace at the start of the line of ``index``."""
    line = text.rfind("\n", 0, index) + 1
    found = re.compile(r"[ \t]*").match(text, line)
    assert found is not None  # it also matches the empty string
    return found[0]


def _unit(text: str) -> str:
    """Return one step of the file's indentation."""
    found = re.search(r"^([ \t]+)\S", text, re.MULTILINE)
    return found[1] if found else "  "
