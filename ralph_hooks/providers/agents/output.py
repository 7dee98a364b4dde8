"""Parsers for the output of coding agents: the answer, its usage, and a failure that the agent itself reports.

The format is recognised by its shape, so that a user's own command is read in the same way. Known formats:

- ``claude -p --output-format json`` and ``stream-json`` (https://code.claude.com/docs/en/headless, 2026-11): an object
  of type ``result`` with ``result``, ``structured_output``, ``usage``, ``total_cost_usd``, ``api_error_status``;
- ``codex exec --json`` (https://developers.openai.com/codex/noninteractive, 2026-11): events such as
  ``item.completed``, ``turn.completed``, ``turn.failed``;
- ``gemini --output-format json`` (https://geminicli.com/docs/cli/headless, 2026-11): an object with ``response``,
  ``stats`` and ``error``;
- ``copilot --output-format json`` (version 1.0.102): events such as ``assistant.message``, ``session.error``, without
  tokens;
- ``opencode run --format json`` (version 1.18): events ``text``, ``step_finish``, ``error``. The last event is
  sometimes lost (anomalyco/opencode#26855): the usage is unknown without it.

Anything else is text.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from ralph_hooks.core.change import decode
from ralph_hooks.core.usage import Tokens, Usage, charged

Shape = TypeVar("Shape")

_WORDS = 4_000  # characters of text that is in no known format


class Output(Struct, frozen=True):
    """The parsed output of an agent."""

    text: str
    usage: Usage | None = None
    """None if it does not say."""
    failed: bool = False
    """True if it says so itself."""
    status: int | None = None
    """The HTTP status of its provider that it failed with."""


def read(output: bytes) -> Output:
    """Read ``output`` in whichever format it is."""
    answer = _Answer(decode(output).strip()[-_WORDS:])
    for event in _events(output):
        for final in (_claude, _gemini, _failed):
            if (found := final(event)) is not None:
                return found
        answer.take(event)
    return Output(answer.text, answer.usage)


class _Answer:
    """The answer collected from successive events; until there is one, all output as text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.usage: Usage | None = None
        self._parts: list[str] = []

    def take(self, event: Mapping[str, Any]) -> None:
        """Take up one more event."""
        match event:
            case {"type": "item.completed", "item": {"type": "agent_message", "text": str(text)}}:  # codex
                self.text = text.strip()
            case {"type": "turn.completed", "usage": dict(used)}:
                self.usage = _openai_usage(used)
            case {"type": "assistant.message", "data": {"content": str(text)}} if text.strip():  # copilot
                self.text = text.strip()
            case {"type": "text", "part": {"text": str(text)}}:  # opencode
                self._parts.append(text)
                self.text = "".join(self._parts).strip()
            case {"type": "step_finish", "part": {"reason": "stop", "tokens": dict(tokens), **rest}}:
                self.usage = _opencode_usage(tokens, rest.get("cost"))


_WHOLE = {None, "end_turn", "tool_use"}
"""Reasons of claude for the end of a whole answer; older versions name none."""
_WHOLE_STEP = {"stop", "tool-calls"}
"""The same for a step of opencode."""


def _failed(event: Mapping[str, Any]) -> Output | None:
    """Return the failure that codex, copilot or opencode reports; None for any other event."""
    match event:
        case {"type": "turn.failed", **rest}:
            return Output(_message(rest.get("error")) or "the turn failed", failed=True)
        case {"type": "session.error", "data": {"message": str(message), **rest}}:
            return Output(message.strip(), failed=True, status=_status(rest.get("statusCode")))
        case {"type": "error", "error": {"data": {"message": str(message), **rest}}}:
            return Output(message.strip(), failed=True, status=_status(rest.get("statusCode")))
        case {"type": "step_finish", "part": {"reason": str(reason)}} if reason not in _WHOLE_STEP:
            return Output(f"the answer ended with {reason}", failed=True)
    return None


def _gemini(event: Mapping[str, Any]) -> Output | None:
    match event:
        case {"session_id": _, "error": {"message": str(message), **rest}}:
            return Output(message.strip(), _gemini_usage(event), failed=True, status=_status(rest.get("code")))
        case {"response": str(text), "stats": dict()}:
            return Output(text.strip(), _gemini_usage(event))
    return None


def _claude(event: Mapping[str, Any]) -> Output | None:
    match event:
        case {"type": "result", "subtype": str(subtype)}:
            ended = event.get("stop_reason")
            failed = event.get("is_error") is True or subtype != "success" or ended not in _WHOLE
        case _:
            return None
    words, answer, used = event.get("result"), event.get("structured_output"), event.get("usage")
    if not failed and answer is not None:
        text = msgspec.json.encode(answer).decode()
    else:
        said = subtype if subtype != "success" else f"the answer ended with {ended}"
        text = (words if isinstance(words, str) and words else said.replace("_", " ")).strip()
    usage = _anthropic_usage(used, event.get("total_cost_usd")) if isinstance(used, dict) else None
    return Output(text, usage, failed, _status(event.get("api_error_status")))


def _events(output: bytes) -> Iterator[Mapping[str, Any]]:
    """Yield every object in ``output``: one over several lines, one per line, or all in one list."""
    with contextlib.suppress(msgspec.DecodeError, RecursionError):
        whole = msgspec.json.decode(output)
        for event in whole if isinstance(whole, list) else [whole]:
            if isinstance(event, dict):
                yield event
        return
    start = output.find(b"\n{\n") + 1 if not output.startswith(b"{\n") else 0
    if start or output.startswith(b"{\n"):  # gemini prints over several lines, and may print notices before
        with contextlib.suppress(msgspec.DecodeError, RecursionError):
            event = msgspec.json.decode(output[start:])
            if isinstance(event, dict):
                yield event
                return
    for line in output.splitlines():
        if line.startswith(b"{"):
            with contextlib.suppress(msgspec.DecodeError, RecursionError):
                event = msgspec.json.decode(line)
                if isinstance(event, dict):
                    yield event


class _AnthropicUsage(Struct):
    input_tokens: Tokens
    output_tokens: Tokens
    cache_read_input_tokens: Tokens | None = None
    cache_creation_input_tokens: Tokens | None = None


def _anthropic_usage(used: Mapping[str, Any], dollars: object) -> Usage | None:
    """Return the usage. Tokens read from and written to the cache are added to the input."""
    tokens = _converted(used, _AnthropicUsage)
    if tokens is None:
        return None
    read_, written = tokens.cache_read_input_tokens or 0, tokens.cache_creation_input_tokens or 0
    return Usage(
        input_tokens=tokens.input_tokens + read_ + written,
        cached_input_tokens=read_,
        cache_write_tokens=written,
        output_tokens=tokens.output_tokens,
        reported_usd=_dollars(dollars),
    )


class _OpenAIUsage(Struct):
    input_tokens: Tokens
    output_tokens: Tokens
    cached_input_tokens: Tokens = 0
    cache_write_input_tokens: Tokens = 0


def _openai_usage(used: Mapping[str, Any]) -> Usage | None:
    """Return the usage. Tokens from the cache are part of the input."""
    tokens = _converted(used, _OpenAIUsage)
    if tokens is None:
        return None
    return Usage(
        input_tokens=max(tokens.input_tokens, tokens.cached_input_tokens + tokens.cache_write_input_tokens),
        cached_input_tokens=tokens.cached_input_tokens,
        cache_write_tokens=tokens.cache_write_input_tokens,
        output_tokens=tokens.output_tokens,
    )


class _GeminiTokens(Struct):
    prompt: Tokens
    candidates: Tokens
    cached: Tokens = 0
    thoughts: Tokens = 0
    tool: Tokens = 0


class _GeminiModel(Struct):
    tokens: _GeminiTokens


def _gemini_usage(event: Mapping[str, Any]) -> Usage | None:
    """Return the sum of all models that it called: a small one may have chosen the large one."""
    stats = event.get("stats")
    models = stats.get("models") if isinstance(stats, dict) else None
    used = _converted(models, dict[str, _GeminiModel]) if models else None
    if not used:
        return None
    tokens = [model.tokens for model in used.values()]
    return Usage(
        input_tokens=sum(each.prompt + each.tool for each in tokens),
        cached_input_tokens=sum(each.cached for each in tokens),
        output_tokens=sum(each.candidates + each.thoughts for each in tokens),
    )


class _OpencodeCache(Struct):
    read: Tokens = 0
    write: Tokens = 0


class _OpencodeTokens(Struct):
    input: Tokens
    output: Tokens
    reasoning: Tokens = 0
    cache: _OpencodeCache = msgspec.field(default_factory=_OpencodeCache)


def _opencode_usage(used: Mapping[str, Any], dollars: object) -> Usage | None:
    """Return the usage. It reports a cost of 0 for a model of unknown price, and for a subscription."""
    tokens = _converted(used, _OpencodeTokens)
    if tokens is None:
        return None
    return Usage(
        input_tokens=tokens.input + tokens.cache.read + tokens.cache.write,
        cached_input_tokens=tokens.cache.read,
        cache_write_tokens=tokens.cache.write,
        output_tokens=tokens.output + tokens.reasoning,
        reported_usd=_dollars(dollars) or None,
    )


def _converted(value: object, shape: type[Shape]) -> Shape | None:
    try:
        return msgspec.convert(value, shape)
    except msgspec.ValidationError:
        return None


def _dollars(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    with contextlib.suppress(InvalidOperation):
        return charged(Decimal(repr(value)))
    return None


def _status(value: object) -> int | None:
    """Return ``value`` if it can be an HTTP status, or a known exit code (41 of gemini)."""
    return value if isinstance(value, int) and value > 1 else None


def _message(error: object) -> str:
    message = error.get("message") if isinstance(error, dict) else error
    return message.strip() if isinstance(message, str) else ""
