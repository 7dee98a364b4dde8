"""OpenAI responses: https://developers.openai.com/api/reference/resources/responses/methods/create (2026-11)."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from ralph_hooks.core.codec import from_json
from ralph_hooks.core.model_errors import Unreadable
from ralph_hooks.core.ports.models import Completion, ModelRequest
from ralph_hooks.core.route import Auth, Model, Structured
from ralph_hooks.core.usage import Tokens, Usage
from ralph_hooks.providers.errors import from_success, read_error
from ralph_hooks.providers.reply import check_finish, check_kinds, check_not_bad, only_answer, read_reply
from ralph_hooks.providers.transport import host_of

PATH = "/responses"
REQUIRED = frozenset({"model", "input"})
AUTH = Auth.BEARER
HEADERS: dict[str, str] = {}


def body(request: ModelRequest) -> dict[str, Any]:
    """Return the JSON body for ``request``. The provider keeps nothing: ``store`` is false."""
    provider = request.model.provider
    fields: dict[str, Any] = {
        "model": request.model.name,
        "instructions": request.system,
        "input": request.prompt,
        "store": False,
        **_shape(request),
        "max_output_tokens": request.max_output,
    }
    if provider.temperature:
        fields["temperature"] = 0
    fields |= provider.quick
    return {name: value for name, value in fields.items() if name in REQUIRED or name not in request.omit}


def _shape(request: ModelRequest) -> dict[str, Any]:
    """Return the fields that request the answer's schema."""
    name, schema = request.schema_name, request.schema
    match request.model.provider.structured:
        case Structured.JSON_SCHEMA:
            return {"text": {"format": {"type": "json_schema", "name": name, "strict": True, "schema": schema}}}
        case Structured.JSON_OBJECT:
            return {"text": {"format": {"type": "json_object"}}}
        case Structured.TOOL if not request.omit & {"tools", "tool_choice"}:
            return {
                "tools": [{"type": "function", "name": name, "parameters": schema, "strict": True}],
                "tool_choice": {"type": "function", "name": name},
            }
    return {}


_ITEMS = frozenset({"message", "function_call", "reasoning"})


class _Part(Struct, frozen=True):
    type: str = ""
    text: str = ""
    refusal: str = ""


class _Item(Struct, frozen=True):
    """A message, a call of a tool, or reasoning."""

    type: str = ""
    content: list[_Part] | None = None
    arguments: str = ""
    status: str | None = None


class _Incomplete(Struct, frozen=True):
    reason: str | None = None


class _InputDetails(Struct, frozen=True):
    cached_tokens: Tokens | None = None
    cache_write_tokens: Tokens | None = None  # GPT-5.6 and later


class _Usage(Struct, frozen=True):
    input_tokens: Tokens
    output_tokens: Tokens
    input_tokens_details: _InputDetails | None = None


class _Reply(Struct, frozen=True):
    status: str | None = None
    output: list[_Item] | None = None
    error: Any = None
    incomplete_details: _Incomplete | None = None


class _Billed(Struct, frozen=True):
    usage: _Usage | None = None


def completion(data: bytes, model: Model) -> Completion:
    """Return the answer in the body of a successful reply. Raises ModelError if there is none."""
    return read_reply(data, model, shape=_Reply, text=_text, usage=usage)


def _text(reply: _Reply, model: Model) -> str:
    host = host_of(model.provider.base_url)
    if reply.error:
        raise from_success(read_error({"error": reply.error}), model)
    if reply.output is None:
        raise Unreadable(f"{host} sent a reply without an answer in it")
    parts = [part for item in reply.output if item.type == "message" for part in item.content or ()]
    check_kinds([part.type for part in parts], model, known={"output_text"})
    check_kinds([item.type for item in reply.output], model, known=_ITEMS)
    if reply.incomplete_details:
        check_not_bad(reply.incomplete_details.reason, model)
    for status in (reply.status, *(item.status for item in reply.output if item.status is not None)):
        check_finish(status, model, good={"completed"})
    calls = [item.arguments for item in reply.output if item.type == "function_call"]
    return only_answer(calls, "".join(part.text for part in parts), model)


def usage(data: bytes) -> Usage | None:
    """Return the usage of the call; None if unreported. The output includes reasoning, the input the cache."""
    try:
        used = from_json(data, _Billed).usage
    except msgspec.ValidationError:
        return None
    if used is None:
        return None
    details = used.input_tokens_details or _InputDetails()
    cached, written = details.cached_tokens or 0, details.cache_write_tokens or 0
    return Usage(
        input_tokens=max(used.input_tokens, cached + written),
        cached_input_tokens=cached,
        cache_write_tokens=written,
        output_tokens=used.output_tokens,
    )
