"""A reply with a success status, read in the same way for every wire format.

A false pass lets everything through, so an answer counts only if the reply says in a known form that it is complete.
An unknown finish reason, part or item makes the answer unreadable.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

import msgspec

from ralph_hooks.core.codec import from_json, refuse_doubles
from ralph_hooks.core.model_errors import ModelError, Refused, TooLarge, Truncated, Unreachable, Unreadable
from ralph_hooks.core.ports.models import Completion
from ralph_hooks.core.route import Model
from ralph_hooks.core.text import one_line
from ralph_hooks.core.usage import Usage
from ralph_hooks.providers.errors import unreadable
from ralph_hooks.providers.transport import host_of

Reply = TypeVar("Reply", bound=msgspec.Struct)

_REFUSED = (
    "content_filter", "refusal", "safety", "sensitive", "recitation", "blocklist", "prohibited_content", "spii",
    "guardrail_intervened", "content_policy",
)  # fmt: skip
_CUT = ("length", "model_length", "max_tokens", "max_output_tokens", "max_completion_tokens", "incomplete")
_FULL = ("model_context_window_exceeded", "context_length", "context_window")
_BROKEN = (
    "error", "network_error", "insufficient_system_resource", "abort", "cancelled", "canceled", "timeout", "failed",
    "queued", "in_progress",
)  # fmt: skip
# By the start of the name. Sources: the references of OpenAI, Anthropic, Google, Mistral, DeepSeek, OpenRouter, Z.ai,
# MiniMax, Amazon Bedrock and vLLM (2026-11).


def read_reply(
    data: bytes,
    model: Model,
    *,
    shape: type[Reply],
    text: Callable[[Reply, Model], str],
    usage: Callable[[bytes], Usage | None],
) -> Completion:
    """Return the answer that ``text`` finds in ``data``, which is of ``shape``, and what it used.

    Raises ModelError if there is none; the fault then carries what was used, for it will be charged.
    """
    try:
        reply = from_json(data, shape)
        used = usage(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise unreadable(data, model) from None
    try:
        _refuse_doubles(data, model)
        return Completion(text=text(reply, model), usage=used)
    except ModelError as fault:
        fault.usage = used
        raise


def _refuse_doubles(data: bytes, model: Model) -> None:
    """Reject duplicate keys: of two lists of choices parsers take the last, which may be the one without a finding."""
    try:
        refuse_doubles(data)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"{host_of(model.provider.base_url)} sent a reply that contradicts itself: {error}") from None


def check_finish(reason: str | None, model: Model, *, good: Collection[str]) -> None:
    """Raise the fault for ``reason``, unless it is one of the ``good`` reasons, which mean a complete answer."""
    name = (reason or "").strip().lower()
    if name in good:
        return
    check_not_bad(reason, model)
    how = f"ended its answer with {one_line(name)!r}" if name else "did not report why its answer ended"
    raise Unreadable(f"{model.name} {how}, so the answer may be incomplete")


def check_not_bad(reason: str | None, model: Model) -> None:
    """Raise the fault for ``reason`` if it is known to mean an incomplete answer."""
    name = (reason or "").strip().lower()
    if name.startswith(_REFUSED):
        raise refused(model)
    if name.startswith(_FULL):
        raise TooLarge(f"the request and its answer are too large for {model.name}")
    if name.startswith(_CUT):
        raise Truncated(f"the answer of {model.name} was cut off at its token limit")
    if name.startswith(_BROKEN):
        raise Unreachable(f"{host_of(model.provider.base_url)} cut the answer off ({name})")


def refused(model: Model) -> Refused:
    """Return the error for a model, or a filter in its place, that declines to answer."""
    return Refused(f"{model.name} declined to answer")


def check_kinds(kinds: Sequence[str], model: Model, *, known: Collection[str]) -> None:
    """Raise Refused if one of the ``kinds`` of parts is a refusal, and Unreadable where one is not ``known``."""
    if "refusal" in kinds:
        raise refused(model)
    unknown = next((kind for kind in kinds if kind not in known), None)
    if unknown is not None:
        raise Unreadable(f"{model.name} sent an unknown part: {one_line(unknown)!r}")


def only_answer(calls: Sequence[str], text: str, model: Model) -> str:
    """Return the one answer of a reply: the arguments of a tool call, else its ``text``.

    Raises Unreadable if there are several, for one may have the finding that another lacks; beside a call prose is
    harmless. Raises Truncated if there is none.
    """
    if len(calls) > 1 or (calls and "{" in text):
        raise Unreadable(f"{model.name} sent several answers in one reply")
    answer = calls[0] if calls else text
    if not answer.strip():
        raise Truncated(f"{model.name} sent an empty answer")
    return answer
