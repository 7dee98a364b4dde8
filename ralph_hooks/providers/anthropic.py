"""Anthropic messages: https://platform.claude.com/docs/en/api/messages."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from ralph_hooks.core.codec import from_json
from ralph_hooks.core.model_errors import Unreadable
from ralph_hooks.core.ports.models import Completion, ModelRequest, marks_instructions
from ralph_hooks.core.route import Auth, Model, Structured
from ralph_hooks.core.usage import Tokens, Usage
from ralph_hooks.providers.errors import from_success, read_error
from ralph_hooks.providers.reply import check_finish, check_kinds, only_answer, read_reply
from ralph_hooks.providers.transport import host_of

PATH = "/messages"
REQUIRED = frozenset({"model", "messages", "max_tokens"})
AUTH = Auth.X_API_KEY
HEADERS = {"anthropic-version": "2023-06-01"}


def body(request: ModelRequest) -> dict[str, Any]:
    """Return the JSON body for ``request``. Instructions that are long enough are marked for the prompt cache."""
    provider = request.model.provider
    system: dict[str, Any] = {"type": "text", "text": request.system}
    if marks_instructions(request.model, request.system):
        system["cache_control"] = {"type": "ephemeral"}
    fields: dict[str, Any] = {
        "model": request.model.name,
        "system": [system],
        "messages": [{"role": "user", "content": request.prompt}],
        "max_tokens": request.max_output,
        **_shape(request),
    }
    if provider.temperature:
        fields["temperature"] = 0
    fields |= provider.quick
    return {name: value for name, value in fields.items() if name in REQUIRED or name not in request.omit}


def _shape(request: ModelRequest) -> dict[str, Any]:
    """Return the fields that request the answer's schema; there is no JSON mode without a schema."""
    match request.model.provider.structured:
        case Structured.JSON_SCHEMA:
            return {"output_config": {"format": {"type": "json_schema", "schema": request.schema}}}
        case Structured.TOOL if not request.omit & {"tools", "tool_choice"}:
            return {
                "tools": [{"name": request.schema_name, "input_schema": request.schema}],
                "tool_choice": {"type": "tool", "name": request.schema_name},
            }
    return {}


_WHOLE = frozenset({"end_turn", "tool_use"})
_BLOCKS = frozenset({"text", "tool_use", "thinking", "redacted_thinking"})


class _Block(Struct, frozen=True):
    type: str
    text: str = ""
    input: Any = None


class _Usage(Struct, frozen=True):
    input_tokens: Tokens
    output_tokens: Tokens
    cache_read_input_tokens: Tokens | None = None
    cache_creation_input_tokens: Tokens | None = None


class _Reply(Struct, frozen=True):
    type: str = "message"
    content: list[_Block] | None = None
    stop_reason: str | None = None
    error: Any = None


class _Billed(Struct, frozen=True):
    usage: _Usage | None = None


def completion(data: bytes, model: Model) -> Completion:
    """Return the answer in the body of a successful reply. Raises ModelError if there is none."""
    return read_reply(data, model, shape=_Reply, text=_text, usage=usage)


def _text(reply: _Reply, model: Model) -> str:
    host = host_of(model.provider.base_url)
    if reply.error:
        raise from_success(read_error({"error": reply.error}), model)
    if reply.content is None or reply.type != "message":
        raise Unreadable(f"{host} sent a reply without an answer in it")
    check_kinds([block.type for block in reply.content], model, known=_BLOCKS)
    check_finish(reply.stop_reason, model, good=_WHOLE)
    calls = [msgspec.json.encode(block.input).decode() for block in reply.content if block.type == "tool_use"]
    return only_answer(calls, "".join(block.text for block in reply.content if block.type == "text"), model)


def usage(data: bytes) -> Usage | None:
    """Return the usage of the call; None if the provider does not report it.

    Cache reads and writes come on top of its input.
    """
    try:
        used = from_json(data, _Billed).usage
    except msgspec.ValidationError:
        return None
    if used is None:
        return None
    read = used.cache_read_input_tokens or 0
    written = used.cache_creation_input_tokens or 0
    return Usage(
        input_tokens=used.input_tokens + read + written,
        cached_input_tokens=read,
        cache_write_tokens=written,
        output_tokens=used.output_tokens,
    )
