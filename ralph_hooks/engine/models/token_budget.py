"""Size limits of a request and its maximum usage, in tokens. Only the model itself counts tokens exactly."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from ralph_hooks.core.model_errors import TooLarge
from ralph_hooks.core.ports.models import ModelRequest, marks_instructions
from ralph_hooks.core.route import Chain, Model, Wire
from ralph_hooks.core.usage import Usage, estimate_tokens, fewest_tokens, most_tokens

_TOOLS = 640  # tokens: a provider's own, billed prompt about tools and shapes, with its chat template
_AGENT = 16_000  # tokens: a coding agent's own prompt besides the question; 10,000 for codex with its defaults
_TEMPLATE = 64  # tokens of the chat template alone: a server of one's own keeps to the shape by other means
_SMALLEST_REPLY = 512  # tokens: less room is not worth asking for
_CACHING = "prompt_cache_options"  # OpenAI's name for it, from GPT-5.6 on
_SMALLEST_PART = 64  # tokens: less code says nothing


def _prompt_tokens(request: ModelRequest) -> int:
    schema = msgspec.json.encode(request.schema).decode()
    own = _AGENT if request.model.provider.wire is Wire.AGENT else _TOOLS
    return sum(map(most_tokens, (request.system, request.prompt, schema))) + own


def worst_case(request: ModelRequest) -> Usage:
    """Return the maximum usage of a call: the provider has cached nothing, and the reply is of full length.

    If the provider has no limit on the reply, only the rest of its context bounds it.
    """
    provider = request.model.provider
    reply = provider.context if provider.token_limit in request.omit else request.max_output
    tokens = _prompt_tokens(request)
    written = _cache_writes(request.model, request.system, tokens, most_tokens, request.omit)
    return Usage(input_tokens=tokens, cache_write_tokens=written, output_tokens=reply, estimated=True)


def expected(model: Model, system: str, sent: int, reply: int) -> Usage:
    """Return the expected usage of a request of ``sent`` tokens, of which nothing is cached yet."""
    written = _cache_writes(model, system, sent, estimate_tokens)
    return Usage(input_tokens=sent, cache_write_tokens=written, output_tokens=reply)


def _cache_writes(
    model: Model, system: str, sent: int, count: Callable[[str], int], omit: frozenset[str] = frozenset()
) -> int:
    """Return how many of the tokens ``sent`` get into the provider's prompt cache, at most."""
    provider = model.provider
    if provider.quick.get(_CACHING) == {"mode": "explicit"} and _CACHING not in omit:
        return 0  # only marked parts are written, and nothing is marked
    if provider.wire is Wire.ANTHROPIC:
        return count(system) if marks_instructions(model, system) else 0
    return sent


def believed(usage: Usage | None, request: ModelRequest, answer: str) -> Usage | None:
    """Return ``usage``; None if it is impossibly low, which makes the actual usage unknown.

    Zeros beside an answer would cost nothing, and no budget would ever be used up.
    """
    if usage is None or usage.estimated:
        return usage
    counted = usage.input_tokens >= _fewest_sent(request) and usage.output_tokens >= max(1, fewest_tokens(answer))
    return usage if counted else None


def check_whole(usage: Usage | None, request: ModelRequest) -> None:
    """Raise TooLarge if the provider has counted far fewer tokens than were sent: the model saw a part of it.

    Zero says that it does not count. A coding agent counts in its own way.
    """
    if usage is None or not usage.input_tokens or request.model.provider.wire is Wire.AGENT:
        return
    fewest = _fewest_sent(request)
    if usage.input_tokens < fewest:
        fault = TooLarge(f"{request.model.name} read {usage.input_tokens:,} of at least {fewest:,} tokens of a request")
        fault.usage = worst_case(request)
        raise fault


def _fewest_sent(request: ModelRequest) -> int:
    return fewest_tokens(request.system) + fewest_tokens(request.prompt)


def prompt_budget(chain: Chain, system: str, most: int) -> int:
    """Return how many tokens of code fit into one request below ``system``, whichever model of ``chain`` answers.

    In tokens as `estimate_tokens` counts them, which takes four bytes for one where a tokenizer may make four; at most
    ``most``.
    """
    left = min(_left(model, system) for model in chain)
    return max(_SMALLEST_PART, min(most, left // 4))


def _left(model: Model, system: str) -> int:
    """Return the number of tokens of the context left besides the instructions and the shortest reply, at least."""
    return model.provider.context - most_tokens(system) - _TEMPLATE - _SMALLEST_REPLY


def fit_to_context(request: ModelRequest) -> ModelRequest:
    """Return ``request`` with space for a reply in the model's context. Raise TooLarge if the request may fill it."""
    left = _left(request.model, request.system) - most_tokens(request.prompt) + _SMALLEST_REPLY
    if left < _SMALLEST_REPLY:
        name, context = request.model.name, request.model.provider.context
        raise TooLarge(f"the request may be too large for the {context:,} tokens of {name}, which would cut it")
    return msgspec.structs.replace(request, max_output=min(request.max_output, left))
