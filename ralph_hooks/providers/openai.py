"""OpenAI-compatible chat completions: https://platform.openai.com/docs/api-reference/chat.

Most providers speak it, each with small differences; where one is handled here, its name stands beside it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Struct

from ralph_hooks.core.codec import from_json
from ralph_hooks.core.model_errors import ModelError, Refused, Unreadable
from ralph_hooks.core.ports.models import Completion, ModelRequest
from ralph_hooks.core.route import Auth, Model, Structured
from ralph_hooks.core.usage import Tokens, Usage, charged
from ralph_hooks.providers.errors import Error, from_success, read_error
from ralph_hooks.providers.reply import check_finish, check_kinds, check_not_bad, only_answer, read_reply, refused
from ralph_hooks.providers.transport import host_of

PATH = "/chat/completions"
REQUIRED = frozenset({"model", "messages"})
AUTH = Auth.BEARER
HEADERS: dict[str, str] = {}


def body(request: ModelRequest) -> dict[str, Any]:
    """Return the JSON body for ``request``. Parts that are equal in all calls come first, for prompt caches."""
    provider = request.model.provider
    fields: dict[str, Any] = {
        "model": request.model.name,
        "messages": [{"role": "system", "content": request.system}, {"role": "user", "content": request.prompt}],
        **_shape(request),
        provider.token_limit: request.max_output,
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
            strict = {"name": name, "strict": True, "schema": schema}
            return {"response_format": {"type": "json_schema", "json_schema": strict}}
        case Structured.JSON_OBJECT:
            return {"response_format": {"type": "json_object"}}
        case Structured.TOOL if not request.omit & {"tools", "tool_choice"}:
            function = {"name": name, "parameters": schema, "strict": True}
            return {
                "tools": [{"type": "function", "function": function}],
                "tool_choice": {"type": "function", "function": {"name": name}},
            }
    return {}


class _Part(Struct, frozen=True):
    type: str = ""
    text: str = ""


class _Function(Struct, frozen=True):
    arguments: str = ""


class _ToolCall(Struct, frozen=True):
    function: _Function = _Function()


class _Message(Struct, frozen=True):
    content: str | list[_Part] | None = None
    refusal: str | None = None
    tool_calls: list[_ToolCall] | None = None
    function_call: _Function | None = None


class _Choice(Struct, frozen=True):
    message: _Message = _Message()
    finish_reason: str | None = None
    native_finish_reason: str | None = None  # OpenRouter
    content_filter_results: Mapping[str, Any] | None = None  # Azure
    error: Any = None


class _PromptDetails(Struct, frozen=True):
    cached_tokens: Tokens | None = None
    cache_write_tokens: Tokens | None = None  # OpenRouter, OpenAI from GPT-5.6 on


class _CostDetails(Struct, frozen=True):
    upstream_inference_cost: Decimal | None = None


class _Usage(Struct, frozen=True):
    prompt_tokens: Tokens
    completion_tokens: Tokens
    total_tokens: Tokens = 0
    prompt_tokens_details: _PromptDetails | None = None
    prompt_cache_hit_tokens: Tokens | None = None  # DeepSeek
    cached_tokens: Tokens | None = None  # Moonshot
    cost: Decimal | None = None  # OpenRouter, as are the next two
    is_byok: bool = False
    cost_details: _CostDetails | None = None


class _BaseResponse(Struct, frozen=True):
    """MiniMax: https://platform.minimax.io/docs/api-reference/errorcode."""

    status_code: int = 0
    status_msg: str = ""


class _Reply(Struct, frozen=True):
    choices: list[_Choice] | None = None
    usage: Any = None
    error: Any = None
    base_resp: _BaseResponse | None = None
    input_sensitive: bool = False  # MiniMax, as is the next
    output_sensitive: bool = False


def completion(data: bytes, model: Model) -> Completion:
    """Return the answer in the body of a successful reply. Raises ModelError if there is none."""
    return read_reply(data, model, shape=_Reply, text=_text, usage=usage)


def _text(reply: _Reply, model: Model) -> str:
    host = host_of(model.provider.base_url)
    if reply.error:
        raise from_success(read_error({"error": reply.error}), model)
    if reply.base_resp is not None and reply.base_resp.status_code:
        raise _minimax(reply.base_resp, model, host)
    if reply.input_sensitive or reply.output_sensitive:
        raise refused(model)
    if not reply.choices:
        raise Unreadable(f"{host} sent a reply without an answer in it")
    for choice in reply.choices:
        _check(choice, model)
    if len(reply.choices) > 1:
        raise Unreadable(f"{model.name} sent several answers in one reply")
    message = reply.choices[0].message
    calls = [call.function.arguments for call in message.tool_calls or ()]
    if message.function_call is not None:
        calls.append(message.function_call.arguments)
    return only_answer(calls, _content(message), model)


def _check(choice: _Choice, model: Model) -> None:
    """Raise ModelError if ``choice`` is no whole answer."""
    if choice.error:
        raise from_success(read_error({"error": choice.error}), model)
    results = (choice.content_filter_results or {}).values()
    if choice.message.refusal or any(isinstance(each, Mapping) and each.get("filtered") for each in results):
        raise refused(model)
    if isinstance(choice.message.content, list):
        check_kinds([part.type for part in choice.message.content], model, known=_PARTS)
    check_not_bad(choice.native_finish_reason, model)
    check_finish(choice.finish_reason, model, good=_WHOLE)


_WHOLE = frozenset({"stop", "tool_calls", "function_call", "eos", "eos_token"})  # the last two: Together, TGI
_PARTS = frozenset({"text", "thinking", "reasoning"})
_REASONING = re.compile(r"\s*<think>.*?</think>", re.DOTALL)  # servers that do not separate it from the answer


def _content(message: _Message) -> str:
    if isinstance(message.content, list):  # Mistral's reasoning models
        return "".join(part.text for part in message.content if part.type == "text")
    text = message.content or ""
    reasoning = _REASONING.match(text)
    return text[reasoning.end() :] if reasoning else text


_MINIMAX_STATUS = {1002: 429, 1004: 401, 1008: 402, 1039: 429, 1041: 429, 2013: 400, 2049: 401, 2056: 429}
_MINIMAX_SENSITIVE = {1026, 1027}


def _minimax(response: _BaseResponse, model: Model, host: str) -> ModelError:
    code = response.status_code
    if code in _MINIMAX_SENSITIVE:
        return Refused(f"a content filter of {host} rejected the request")
    return from_success(Error(message=response.status_msg, status=_MINIMAX_STATUS.get(code, 500)), model)


class _Billed(Struct, frozen=True):
    usage: _Usage | None = None


def usage(data: bytes) -> Usage | None:
    """Return the usage of the call; None if the provider does not report it in a readable form."""
    try:
        used = from_json(data, _Billed).usage
    except msgspec.ValidationError:
        return None
    if used is None:
        return None
    details = used.prompt_tokens_details or _PromptDetails()
    cached = details.cached_tokens or used.prompt_cache_hit_tokens or used.cached_tokens or 0
    written = details.cache_write_tokens or 0
    # xAI and Google count reasoning in the total alone.
    output = max(used.completion_tokens, used.total_tokens - used.prompt_tokens)
    return Usage(
        input_tokens=max(used.prompt_tokens, cached + written),
        cached_input_tokens=cached,
        cache_write_tokens=written,
        output_tokens=output,
        reported_usd=_dollars(used),
    )


def _dollars(used: _Usage) -> Decimal | None:
    """Return OpenRouter's cost; with the user's own key for the upstream provider, plus that provider's charge."""
    if used.cost is None:
        return None
    behind = used.cost_details.upstream_inference_cost if used.is_byok and used.cost_details else None
    return charged(used.cost, behind or Decimal(0))
