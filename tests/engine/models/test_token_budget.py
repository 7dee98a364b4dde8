"""Estimates and reservations include what a provider writes to its prompt cache: some bill that apart."""

from __future__ import annotations

import pytest

from ralph_hooks.core.usage import CACHEABLE, estimate_tokens, most_tokens
from ralph_hooks.engine.models.token_budget import expected, worst_case
from tests.support.asking import model, question

EXPLICIT = {"prompt_cache_options": {"mode": "explicit"}}


@pytest.mark.parametrize(
    ("wire", "quick", "omit", "whole"),
    [
        ("openai", {}, set(), True),
        ("openai", EXPLICIT, set(), False),
        ("openai-responses", EXPLICIT, {"prompt_cache_options"}, True),
        ("anthropic", {}, set(), False),
    ],
)
def test_all_is_written_unless_only_what_is_marked_is(
    wire: str, quick: dict[str, object], omit: set[str], *, whole: bool
) -> None:
    request = question(model(wire, "http://127.0.0.1/v1", quick=quick), omit=frozenset(omit))
    worst = worst_case(request)
    assert worst.cache_write_tokens == (worst.input_tokens if whole else 0)


def test_marked_instructions_are_written_once() -> None:
    to = model("anthropic", "http://127.0.0.1/v1")
    request = question(to, system="word " * CACHEABLE)
    assert worst_case(request).cache_write_tokens == most_tokens(request.system)
    estimate = expected(to, request.system, 5_000, 100)
    assert (estimate.input_tokens, estimate.cache_write_tokens) == (5_000, estimate_tokens(request.system))
