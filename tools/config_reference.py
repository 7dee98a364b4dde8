"""The JSON Schema and the reference of the configuration, generated from the types that decode it.

``python -m tools.config_reference`` writes both into the checkout it is run from; a test says whether they are
current.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from msgspec import NODEFAULT, Struct, inspect, json

from ralph_hooks.config.mistakes import expected
from ralph_hooks.config.settings import PUSH_OWN, PushSettings
from ralph_hooks.config.tables import FileTable

PREFIX = "tool.ralph-hooks"
SCHEMA = Path(__file__).parents[1] / "ralph_hooks" / "config" / "schema.json"
DOCUMENT = Path(__file__).parents[1] / "docs" / "configuration.md"
MARKER = "<!-- Generated from here on by `python -m tools.config_reference`. -->\n"

_FREE_KEYS = {"providers": "NAME", "prices": '"PROVIDER/MODEL"'}
"""Placeholders for the key in tables whose keys are the user's."""
_NOTHING: tuple[object, ...] = ("", [], {}, ())
"""Defaults that only say that a key is not set."""


def schema() -> bytes:
    """Return the JSON Schema (draft 2020-12) of ``[tool.ralph-hooks]``, as the file in this package holds it."""
    whole = json.schema(FileTable)
    definitions = whole["$defs"]
    for definition in definitions.values():
        del definition["title"]
        for key, value in definition.get("properties", {}).items():
            _tidy(value, definition is definitions[PushSettings.__name__] and key not in PUSH_OWN)
    root = definitions.pop(FileTable.__name__)
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:ralph-hooks:configuration",
        "title": "Configuration of ralph-hooks",
        **root,
        "$defs": definitions,
    }
    return json.format(json.encode(document), indent=2) + b"\n"


def _tidy(node: dict[str, Any], inherited: bool) -> None:  # noqa: FBT001 - two calls, both above
    """Leave out defaults that are none: of whole tables, of keys that are not set, of keys taken from another table."""
    default = node.get("default")
    if inherited or default in _NOTHING or isinstance(default, dict):
        node.pop("default", None)


def reference() -> str:
    """Return every key with its type, default and meaning, in Markdown."""
    root = inspect.type_info(FileTable)
    assert isinstance(root, inspect.StructType)
    tables = [(field, table) for field in root.fields if (table := _table(field.type))]
    keys = [field for field in root.fields if not _table(field.type)]
    parts = [f"## `[{PREFIX}]`", _rows(keys)]
    for field, table in tables:
        parts += [
            f"## {_heading(field)}",
            str(table.cls.__doc__),
            _rows(table.fields, PUSH_OWN if _is_push(table) else None),
        ]
    return "\n\n".join(parts) + "\n"


def _table(type_: inspect.Type) -> inspect.StructType | None:
    """The table that ``type_`` is, or is a list or mapping of."""
    match type_:
        case inspect.StructType():
            return type_
        case inspect.VarTupleType():
            return _table(type_.item_type)
        case inspect.DictType():
            return _table(type_.value_type)
    return None


def _is_push(table: inspect.StructType) -> bool:
    return table.cls is PushSettings


def _heading(field: inspect.Field) -> str:
    name = f"{PREFIX}.{field.encode_name}"
    match field.type:
        case inspect.VarTupleType():
            return f"`[[{name}]]`"
        case inspect.DictType():
            return f"`[{name}.{_FREE_KEYS[field.name]}]`"
    return f"`[{name}]`"


def _rows(fields: Sequence[inspect.Field], own: Collection[str] | None = None) -> str:
    """Return a Markdown table of ``fields``; those that are not ``own`` take their defaults from `gate`."""
    rows = ["| key | value | default | meaning |", "|---|---|---|---|"]
    for field in fields:
        type_ = field.type
        meaning = (type_.extra_json_schema or {})["description"] if isinstance(type_, inspect.Metadata) else ""
        default = _default(field) if own is None or field.encode_name in own else "as in `gate`"
        rows.append(f"| `{field.encode_name}` | {expected(type_)} | {default} | {meaning} |")
    return "\n".join(rows)


def _default(field: inspect.Field) -> str:
    default = field.default
    if field.required:
        return "required"
    if default is NODEFAULT or default in _NOTHING or isinstance(default, Struct):
        return "not set"
    if isinstance(default, float) and default.is_integer():
        default = int(default)
    return f"`{json.encode(default).decode()}`"


def main() -> None:
    """Bring the files of the checkout up to date."""
    SCHEMA.write_bytes(schema())
    by_hand = DOCUMENT.read_text(encoding="utf-8").partition(MARKER)[0]
    DOCUMENT.write_text(f"{by_hand}{MARKER}\n{reference()}", encoding="utf-8")


if __name__ == "__main__":
    main()
