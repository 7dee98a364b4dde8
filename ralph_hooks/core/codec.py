"""JSON and MessagePack of a known shape: the one place that decodes them.

Two threads must not create a decoder at the same time: when msgspec first decodes a Struct, it builds type information
and leaves it half-built in the type until it is done. A second thread that finds it half-built crashes the process
(seen with 0.22 on Python 3.11 to 3.13). So decoders are built one at a time.
"""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import Any, TypeVar

import msgspec

from ralph_hooks.core.text import one_line

Shape = TypeVar("Shape")

_building = threading.Lock()
_decoders: dict[object, msgspec.json.Decoder[Any]] = {}
_packed: dict[object, msgspec.msgpack.Decoder[Any]] = {}


def from_json(data: bytes | str | msgspec.Raw, shape: type[Shape]) -> Shape:
    """Return ``data`` as a ``shape``; safe from several threads. Raises msgspec.DecodeError if it is none."""
    with _building:
        decoder = _decoders.get(shape)
        if decoder is None:
            decoder = _decoders[shape] = msgspec.json.Decoder(shape)
    decoded: Shape = decoder.decode(data)
    return decoded


def from_msgpack(data: bytes, shape: type[Shape]) -> Shape:
    """As `from_json`, for data sent between machines."""
    with _building:
        decoder = _packed.get(shape)
        if decoder is None:
            decoder = _packed[shape] = msgspec.msgpack.Decoder(shape)
    decoded: Shape = decoder.decode(data)
    return decoded


def refuse_doubles(data: bytes) -> None:
    """Raise ValueError if an object in ``data`` has a name twice: readers take the last one, and drop the other.

    Also where ``data`` is not JSON. Raises RecursionError if it is nested too deeply.
    """
    import json  # already loaded by the model client

    def once(pairs: list[tuple[str, object]]) -> None:
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise ValueError(f"it has `{one_line(name)}` twice in one object")
            seen.add(name)

    json.loads(data, object_pairs_hook=once, parse_int=str, strict=False)


@lru_cache(maxsize=16)
def strict_schema(reply: type[msgspec.Struct]) -> dict[str, Any]:
    """Return the schema of ``reply`` with references resolved, every field required and no others allowed.

    OpenAI's strict mode takes neither optional fields nor open objects; titles and defaults only cost tokens.
    """
    whole = msgspec.json.schema(reply)
    resolved: dict[str, Any] = _strict(whole, whole.get("$defs", {}))
    return resolved


def _strict(node: Any, definitions: dict[str, Any]) -> Any:  # noqa: ANN401 - a JSON value
    if isinstance(node, list):
        return [_strict(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _strict(definitions[node["$ref"].rpartition("/")[2]], definitions)
    if "enum" in node:
        return {"type": "string", "enum": node["enum"]}
    if node.get("type") == "object":
        properties = {name: _strict(value, definitions) for name, value in node["properties"].items()}
        return {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        }
    return {key: _strict(value, definitions) for key, value in node.items() if key in {"type", "items"}}
