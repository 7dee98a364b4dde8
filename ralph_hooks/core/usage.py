"""Tokens and their cost, in exact US dollars."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from math import ceil
from typing import Annotated

from msgspec import Meta, Struct, structs

_MILLION = Decimal(1_000_000)
_DEAREST = Decimal(100_000)
"""US dollars: a higher reported cost of a single call is rejected, or one reply could use up a budget."""
CACHEABLE = 1024
"""Tokens: Anthropic caches no shorter prefix (https://platform.claude.com/docs/en/build-with-claude/prompt-caching)."""
Tokens = Annotated[int, Meta(ge=0, le=1_000_000_000)]
"""A count as a reply may state it. One beyond any context is not believed, as for `_DEAREST`."""


class Usage(Struct, frozen=True, kw_only=True):
    """Usage of one call. Both wires are converted to one meaning here: the totals include their parts."""

    input_tokens: int
    """All tokens of the request, those read from or written to the provider's prompt cache included."""
    cached_input_tokens: int = 0
    """Of those, read from the prompt cache."""
    cache_write_tokens: int = 0
    """Of those, written to the prompt cache (Anthropic, and OpenAI from GPT-5.6 on, bill them apart)."""
    output_tokens: int
    """All tokens of the reply, reasoning included."""
    reported_usd: Decimal | None = None
    """Cost of this call as the provider reports it, if it does (``usage.cost`` of OpenRouter)."""
    estimated: bool = False
    """True if the provider reported no usage and the worst case was taken instead."""


def total_cost(costs: Iterable[Decimal | None]) -> Decimal | None:
    """Return the sum of ``costs`` in USD; None if one of them is not known."""
    total = Decimal(0)
    for cost in costs:
        if cost is None:
            return None
        total += cost
    return total


def charged(*figures: Decimal) -> Decimal | None:
    """Return the sum that a provider reports as charged; None if it is impossible: negative, nan, absurd."""
    believed = all(figure.is_finite() and 0 <= figure <= _DEAREST for figure in figures)
    return sum(figures, Decimal(0)) if believed else None


class Price(Struct, frozen=True, kw_only=True):
    """US dollars per million tokens."""

    input: Decimal
    output: Decimal
    cached_input: Decimal | None = None
    """None if cached tokens have the normal price."""
    cache_write: Decimal | None = None
    fallback: bool = False
    """True if a repository says so: it counts only where neither the user nor the catalogue has a price."""

    def dearest(self, usage: Usage) -> Usage:
        """Return the most expensive variant of ``usage``: without cache writes, unless they cost more than input."""
        charged_more = self.cache_write is not None and self.cache_write > self.input
        return usage if charged_more else structs.replace(usage, cache_write_tokens=0)

    def cost(self, usage: Usage) -> Decimal:
        """Return what ``usage`` costs in US dollars, exact; the provider's own figure where it gave one."""
        if usage.reported_usd is not None:
            return usage.reported_usd
        cached = self.input if self.cached_input is None else self.cached_input
        written = self.input if self.cache_write is None else self.cache_write
        fresh = usage.input_tokens - usage.cached_input_tokens - usage.cache_write_tokens
        total = (
            fresh * self.input
            + usage.cached_input_tokens * cached
            + usage.cache_write_tokens * written
            + usage.output_tokens * self.output
        )
        return total / _MILLION


class Call(Struct, frozen=True, kw_only=True):
    """One call to a model, or one cached answer, as the report and the ledger show it."""

    phase: str
    model: str
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    cost_usd: Decimal | None
    """US dollars; None if it is not known, which is not the same as 0."""
    seconds: float
    outcome: str
    """``ok``, or what went wrong: the name of a fault (see `core.model_errors`)."""
    from_store: bool = False
    estimated: bool = False
    """True if the provider did not report the usage, so that the call counts at its maximum cost."""


_WORD = re.compile(r"\w+")
_LETTERS = bytes((*range(65, 91), *range(97, 123)))
_BLANKS = b" \t"
_A_LETTER, _A_BLANK, _ANOTHER = 4, 2.5, 6  # fifths of a token


def most_tokens(text: str) -> int:
    """Return an upper bound on the tokens that any model's tokenizer makes of ``text``, for reserving a budget.

    A token is at least one byte, so there are never more tokens than bytes; that is the bound for every script but
    ours. ASCII words and blanks take fewer; docs/reliability.md says how they were measured, and how far they lie above
    the real count.
    """
    data = text.encode("utf-8", "surrogatepass")
    letters = len(data) - len(data.translate(None, _LETTERS))
    blanks = len(data) - len(data.translate(None, _BLANKS))
    rest = len(data) - letters - blanks
    return min(len(data), ceil((letters * _A_LETTER + blanks * _A_BLANK + rest * _ANOTHER) / 5))


def fewest_tokens(text: str) -> int:
    """Return a lower bound on the tokens that any tokenizer makes of ``text``: three for four words.

    Tokenizers split text into words first, so a token never spans two; a few contractions such as ``don't`` are one.
    """
    return len(_WORD.findall(text)) * 3 // 4


def estimate_tokens(text: str) -> int:
    """Return the approximate number of tokens in ``text``: one for four bytes of UTF-8, never fewer than one.

    Providers' tokenizers differ; they document four characters a token for English and code.
    """
    size = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
    return max(1, -(-size // 4))
