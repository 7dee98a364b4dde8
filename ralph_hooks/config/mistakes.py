"""Mistakes in a configuration file, in the user's terms. Imported only once there is one."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any

from msgspec import Struct, inspect, json

from ralph_hooks.core.text import plural
from ralph_hooks.errors import ConfigError

Key = tuple[str | int, ...]
"""Path to a value from the top of the file: names of keys, and 0-based indices in lists."""

_SHOWN = 20  # more would push the first ones off the screen
_LARGE = 10**15  # longer numbers are unreadable, and Python refuses to print the longest
_LONGEST_WORD = 40
_KINDS: Mapping[type, str] = {str: "a string", list: "a list", dict: "a table"}
_Number = inspect.IntType | inspect.FloatType


class Mistake(Struct, frozen=True):
    """One mistake and its remedy (empty if the problem implies it)."""

    key: Key
    problem: str
    hint: str = ""


def failure(mistakes: Sequence[tuple[Path, Mistake]]) -> ConfigError:
    """Return all ``mistakes`` as one error."""
    if len(mistakes) == 1:
        [(path, only)] = mistakes
        return ConfigError(_located(path, only), only.hint)
    lines = [
        _located(path, mistake) + (f" ({mistake.hint})" if mistake.hint else "") for path, mistake in mistakes[:_SHOWN]
    ]
    if len(mistakes) > _SHOWN:
        lines.append(f"and {len(mistakes) - _SHOWN} more")
    return ConfigError("\n  ".join([f"{plural(len(mistakes), 'mistake')} in the configuration:", *lines]))


def _located(path: Path, mistake: Mistake) -> str:
    return ": ".join(filter(None, (str(path), dotted(mistake.key), mistake.problem)))


def dotted(key: Key) -> str:
    """Return ``key`` as it would be written in TOML, with the place in a list in brackets."""
    text = ""
    for part in key:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            bare = re.fullmatch(r"[A-Za-z0-9_-]+", part) is not None
            text += ("." if text else "") + (part if bare else quoted(part))
    return text


def quoted(text: str) -> str:
    """Return ``text`` in double quotes as in TOML."""
    return json.encode(text).decode()


def nearest(name: str, choices: Iterable[str]) -> str | None:
    """Return the one of ``choices`` that ``name`` was probably meant to be."""
    meant = name.casefold().replace("_", "-")
    folded = {choice.casefold(): choice for choice in sorted(choices, reverse=True)}
    close = difflib.get_close_matches(meant, folded)
    if close:
        return folded[min(close, key=lambda one: (-difflib.SequenceMatcher(None, one, meant).ratio(), one))]
    parts = [one for one in folded if meant in one.split("-")]
    return folded[parts[0]] if len(parts) == 1 else None


def suggestion(name: str, choices: Iterable[str]) -> str:
    """Advice for a ``name`` that is none of ``choices``."""
    known = sorted(choices)
    close = nearest(name, known)
    return f"did you mean {quoted(close)}?" if close else f"known keys: {', '.join(known)}"


def find(value: object, type_: inspect.Type, key: Key = ()) -> Iterator[Mistake]:
    """Everything in ``value`` that does not fit ``type_``; nothing exactly where `msgspec.convert` takes it."""
    type_ = _alternative(value, type_)
    match type_:
        case inspect.StructType() if isinstance(value, dict):
            yield from _in_table(value, type_, key)
        case inspect.DictType() if isinstance(value, dict):
            for name, item in value.items():
                yield from find(item, type_.value_type, (*key, name))
        case inspect.VarTupleType() if isinstance(value, list) and len(value) >= (type_.min_length or 0):
            for index, item in enumerate(value):
                yield from find(item, type_.item_type, (*key, index))
        case _:
            if not _fits(value, type_):
                problem = f"expected {expected(type_)}, got {_got(value, type_)}"
                close = nearest(value, choices(type_)) if isinstance(value, str) else None
                yield Mistake(key, problem, f"did you mean {quoted(close)}?" if close else "")


def _alternative(value: object, type_: inspect.Type) -> inspect.Type:
    """Return ``type_`` without its description; of several types, the one that ``value`` was meant to have."""
    while isinstance(type_, inspect.Metadata):
        type_ = type_.type
    if not isinstance(type_, inspect.UnionType):
        return type_
    options = [_alternative(value, one) for one in type_.types]
    for kind, wanted in ((list, inspect.VarTupleType), (dict, inspect.StructType), (str, inspect.StrType)):
        meant = [one for one in options if isinstance(one, wanted)]
        if isinstance(value, kind) and meant:
            return meant[0]
    return options[0] if isinstance(value, list | str) else type_


def _in_table(table: Mapping[str, object], type_: inspect.StructType, key: Key) -> Iterator[Mistake]:
    fields = {field.encode_name: field for field in type_.fields}
    for name, value in table.items():
        if name in fields:
            yield from find(value, fields[name].type, (*key, name))
        else:
            yield Mistake((*key, name), "unknown key", _advice(name, fields))
    for name, field in fields.items():
        if field.required and name not in table:
            yield Mistake((*key, name), f"missing; expected {expected(field.type)}")


def _advice(name: str, fields: Mapping[str, inspect.Field]) -> str:
    """Return the right place of a key that is unknown here, or the key that was probably meant."""
    if name == "tool":
        return "write the keys of this file without the prefix tool.ralph-hooks"
    homes = [
        home
        for home, field in fields.items()
        if isinstance(field.type, inspect.StructType) and name in field.type.cls.__struct_encode_fields__
    ]
    return f"move it to the table {homes[0]}" if homes else suggestion(name, fields)


def _fits(value: object, type_: inspect.Type) -> bool:
    match type_:
        case inspect.AnyType():
            return True
        case inspect.BoolType():
            return isinstance(value, bool)
        case inspect.StrType():
            return isinstance(value, str) and len(value) >= (type_.min_length or 0)
        case inspect.IntType():
            return isinstance(value, int) and not isinstance(value, bool) and _in_range(value, type_)
        case inspect.FloatType():
            return isinstance(value, int | float) and not isinstance(value, bool) and _in_range(value, type_)
        case _:
            return value in choices(type_)


def _in_range(value: float, type_: _Number) -> bool:
    above = (type_.ge is None or value >= type_.ge) and (type_.gt is None or value > type_.gt)
    return above and (type_.le is None or value <= type_.le)


def choices(type_: inspect.Type) -> tuple[str, ...]:
    """Return the values that ``type_`` allows; empty if it is not a choice."""
    match type_:
        case inspect.Metadata():
            return choices(type_.type)
        case inspect.EnumType():
            return tuple(member.value for member in type_.cls if isinstance(member, Enum))
        case inspect.LiteralType():
            return tuple(str(value) for value in type_.values)
    return ()


def expected(type_: inspect.Type) -> str:  # noqa: PLR0911 - one line for each type a file can hold
    """Return a description of the values that fit ``type_``."""
    match type_:
        case inspect.Metadata():
            return expected(type_.type)
        case inspect.UnionType():
            return " or ".join(expected(one) for one in type_.types)
        case inspect.BoolType():
            return "true or false"
        case inspect.StrType():
            return "a non-empty string" if type_.min_length else "a string"
        case inspect.IntType() | inspect.FloatType():
            return f"{'a whole number' if isinstance(type_, inspect.IntType) else 'a number'} {_range(type_)}"
        case inspect.VarTupleType():
            return f"a list of {_plural(type_.item_type)}" + (", at least one" if type_.min_length else "")
    words = choices(type_)
    return " or ".join(filter(None, (", ".join(map(quoted, words[:-1])), quoted(words[-1])))) if words else "a table"


def _plural(item: inspect.Type) -> str:
    match item:
        case inspect.Metadata():
            return _plural(item.type)
        case inspect.StrType():
            return "strings"
        case inspect.StructType():
            return "tables"
        case inspect.UnionType():
            return ", ".join(_plural(one) for one in item.types)
        case inspect.VarTupleType():
            return f"lists of {_plural(item.item_type)}"
    return expected(item)


def _range(type_: _Number) -> str:
    upper = f"{type_.le:,}"
    return f"from {type_.ge} to {upper}" if type_.ge is not None else f"above {type_.gt}, at most {upper}"


def _got(value: object, type_: inspect.Type) -> str:
    """Return a description of the actual value. A string is shown only if a choice was expected: it might be a key."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return "a very large number" if abs(value) > _LARGE else str(value)
    if isinstance(value, str) and value and choices(type_) and len(value) <= _LONGEST_WORD:
        return quoted(value)
    kind = _KINDS.get(type(value), "a date or time")  # TOML has no other types
    return kind if value or kind == "a table" else kind.replace("a ", "an empty ")


def wrong_type(value: Any, key: Key) -> Mistake:  # noqa: ANN401 - a TOML value
    """Return a mistake for a value where there should be a table."""
    return Mistake(key, f"expected a table, got {_got(value, inspect.AnyType())}")
