"""Money is exact."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ralph_hooks.core.usage import Price, Usage, estimate_tokens, most_tokens

TOKENS = st.integers(0, 10**7)
DOLLARS = st.decimals(0, 1000, places=6)


@given(fresh=TOKENS, cached=TOKENS, written=TOKENS, output=TOKENS, price=DOLLARS, dear=DOLLARS)
def test_each_token_is_paid_for_once_at_its_own_price(
    fresh: int, cached: int, written: int, output: int, price: Decimal, dear: Decimal
) -> None:
    usage = Usage(
        input_tokens=fresh + cached + written,
        cached_input_tokens=cached,
        cache_write_tokens=written,
        output_tokens=output,
    )
    own = Price(input=price, output=dear, cached_input=price / 10, cache_write=dear * 2)
    expected = fresh * price + cached * price / 10 + written * dear * 2 + output * dear
    assert own.cost(usage) * 1_000_000 == expected


@pytest.mark.parametrize(("written", "counted"), [("1.25", 400), ("1", 0), ("0.5", 0), (None, 0)])
def test_the_worst_case_is_written_to_a_cache_only_where_that_costs_more(written: str | None, counted: int) -> None:
    price = Price(input=Decimal(1), output=Decimal(1), cache_write=None if written is None else Decimal(written))
    worst = price.dearest(Usage(input_tokens=1000, cache_write_tokens=400, output_tokens=10))
    assert worst.cache_write_tokens == counted
    for cached in (0, 500):
        for wrote in (0, 400):
            may = Usage(input_tokens=1000, cached_input_tokens=cached, cache_write_tokens=wrote, output_tokens=10)
            assert price.cost(may) <= price.cost(worst)


@given(usage=st.builds(Usage, input_tokens=TOKENS, cached_input_tokens=st.just(0), output_tokens=TOKENS))
def test_without_prices_of_their_own_cached_tokens_cost_what_others_do(usage: Usage) -> None:
    price = Price(input=Decimal("0.1"), output=Decimal("0.3"))
    cached = Usage(
        input_tokens=usage.input_tokens, cached_input_tokens=usage.input_tokens, output_tokens=usage.output_tokens
    )
    assert price.cost(cached) == price.cost(usage)


def test_ten_calls_of_a_tenth_are_one() -> None:
    cost = Price(input=Decimal("0.1"), output=Decimal(0)).cost(Usage(input_tokens=1_000_000, output_tokens=0))
    assert sum([cost] * 10, Decimal(0)) == 1


def test_the_providers_own_figure_wins() -> None:
    usage = Usage(input_tokens=10**6, output_tokens=0, reported_usd=Decimal("0.07"))
    assert Price(input=Decimal(1), output=Decimal(1)).cost(usage) == Decimal("0.07")


@given(text=st.text(st.characters(codec=None)))
def test_an_estimate_is_a_quarter_of_the_bytes_and_never_nothing(text: str) -> None:
    size = len(text.encode("utf-8", "surrogatepass"))
    assert max(1, size / 4) <= estimate_tokens(text) < size / 4 + 1 + (size == 0)


@pytest.mark.parametrize(
    ("text", "counted"),
    [
        ('def total(items):\n    """The sum."""\n    return sum(item.price * item.count for item in items)\n', 28),
        ('!function(t,e){"object"==typeof exports?module.exports=e():t.$=e()}(this,function(){var t=[],n=0});', 45),
        ("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", 59),
        ("MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAu1SU1LfVLPHCozMxH2Mo", 45),
        ("3.141592653589793,2.718281828459045,1.618033988749895,0.577215664901532\n", 72),
        ('{"id": 17, "tags": ["a", "b"], "on": true, "at": "2026-01-02T03:04:05Z"}\n', 47),
        ("返回所有商品的总价,不包括最后一件。如果列表为空,则返回零。", 25),
        ("सभी वस्तुओं का योग लौटाता है, अंतिम को छोड़कर।", 52),
        ("የሁሉንም እቃዎች ድምር ይመልሳል።", 56),
        ("🚀🔥✅🧪🐛🧑‍💻🏳️‍🌈", 40),
    ],
)
def test_no_tokenizer_makes_more_of_a_text(text: str, counted: int) -> None:
    """``counted`` is the most that cl100k, o200k, DeepSeek's, Qwen's, Claude's and Mistral's made of it."""
    assert counted <= most_tokens(text) <= len(text.encode())


@given(text=st.text(st.characters(codec=None)))
def test_there_are_never_more_tokens_than_bytes_and_always_some(text: str) -> None:
    size = len(text.encode("utf-8", "surrogatepass"))
    assert size / 2 <= most_tokens(text) <= size


@given(text=st.text(st.characters(min_codepoint=128, exclude_categories=["Cs"])))
def test_what_is_not_ascii_counts_byte_by_byte(text: str) -> None:
    assert most_tokens(text) == len(text.encode())
