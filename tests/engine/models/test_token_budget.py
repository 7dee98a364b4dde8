"""The worst case of a request reckons with what a provider writes to its prompt cache: some bill that apart."""

from __future__ import annotations

import pytest

from ralph_hooks.core.usage import most_tokens
from ralph_hooks.engine.models.token_budget import worst_case
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
    assert worst.cache_write_tokens == (worst.input_tokens if whole else most_tokens(request.system))
