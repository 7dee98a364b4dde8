"""Writes TOML for tests that make up configurations: inline tables throughout, as a parser does not mind."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date


def dumps(table: Mapping[str, object]) -> str:
    """Return ``table`` as a TOML document."""
    return "".join(f"{_string(key)} = {_value(value)}\n" for key, value in table.items())


def _value(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            return _string(value)
        case date():
            return value.isoformat()
        case dict():
            return "{" + ", ".join(f"{_string(key)} = {_value(item)}" for key, item in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(_value, value)) + "]"
    return repr(value)


def _string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
