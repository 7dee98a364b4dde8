"""Tokens and what they cost, in exact US dollars."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

_MILLION = Decimal(1_000_000)


class Usage(Struct, frozen=True, kw_only=True):
    """What one call used. Both wires are brought to one meaning here: the totals include their parts."""

    input_tokens: int
    """All tokens of the request, those read from or written to the provider's prompt cache included."""
    cached_input_tokens: int = 0
    """Of those, read from the prompt cache."""
    cache_write_tokens: int = 0
    """Of those, written to the prompt cache (Anthropic bills them apart)."""
    output_tokens: int
    """All tokens of the reply, reasoning included."""
    reported_usd: Decimal | None = None
    """The provider's own figure for this call, where it gives one (``usage.cost`` of OpenRouter)."""
    estimated: bool = False
    """True where the provider reported no usage and the worst case was taken instead."""


class Price(Struct, frozen=True, kw_only=True):
    """US dollars per million tokens."""

    input: Decimal
    output: Decimal
    cached_input: Decimal | None = None
    """None where cached tokens cost what others do."""
    cache_write: Decimal | None = None

    def cost(self, usage: Usage) -> Decimal:
        """What ``usage`` costs in US dollars, exact; the provider's own figure where it gave one."""
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
    """One call to a model, or one answer from the store, as the report and the ledger show it."""

    phase: str
    model: str
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    cost_usd: Decimal | None
    """US dollars; None where it is not known, which is not the same as 0."""
    seconds: float
    outcome: str
    """``ok``, or what went wrong: the name of a fault (see `core.faults`)."""
    from_store: bool = False


def estimate_tokens(text: str) -> int:
    """About how many tokens ``text`` is: one for four bytes of UTF-8, never fewer than one.

    Providers' tokenizers differ; four characters a token is what they document for English and code.
    """
    return max(1, -(-len(text.encode("utf-8", "surrogatepass")) // 4))
