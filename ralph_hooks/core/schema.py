"""JSON Schema of a reply, in the subset that every provider's strict structured output takes."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec


@lru_cache(maxsize=16)
def strict_schema(reply: type[msgspec.Struct]) -> dict[str, Any]:
    """The schema of ``reply`` with references resolved, every field required and no others allowed.

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
