"""What goes over each wire, and what is read from it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from ralph_hooks.core import model_errors
from ralph_hooks.core.route import Structured
from ralph_hooks.core.usage import Usage
from tests.support.asking import SCHEMA, WIRES, ask, model
from tests.support.server import JSON, ModelServer, Reply
from tests.support.wire_requests import ANSWER, sent

both_wires = pytest.mark.parametrize("wire", WIRES)


@pytest.mark.parametrize(
    ("wire", "kind", "fields"),
    [
        ("openai", Structured.JSON_OBJECT, {"response_format": {"type": "json_object"}}),
        ("openai", Structured.NONE, {}),
        (
            "openai",
            Structured.TOOL,
            {
                "tools": [{"type": "function", "function": {"name": "analyze", "parameters": SCHEMA, "strict": True}}],
                "tool_choice": {"type": "function", "function": {"name": "analyze"}},
            },
        ),
        ("anthropic", Structured.JSON_OBJECT, {}),
        ("anthropic", Structured.NONE, {}),
        (
            "anthropic",
            Structured.TOOL,
            {
                "tools": [{"name": "analyze", "input_schema": SCHEMA}],
                "tool_choice": {"type": "tool", "name": "analyze"},
            },
        ),
    ],
)
def test_kinds_of_structured_output(wire: str, kind: Structured, fields: dict[str, JSON]) -> None:
    body = sent(wire, structured=kind).body
    names = {"response_format", "output_config", "tools", "tool_choice"}
    assert {name: body[name] for name in names & body.keys()} == fields


@pytest.mark.parametrize(
    ("wire", "kind", "omit", "gone"),
    [
        ("openai", Structured.JSON_SCHEMA, "response_format", {"response_format"}),
        ("openai", Structured.JSON_SCHEMA, "temperature", {"temperature"}),
        ("openai", Structured.JSON_SCHEMA, "max_tokens", {"max_tokens"}),
        ("openai", Structured.JSON_SCHEMA, "reasoning_effort", {"reasoning_effort"}),
        ("openai", Structured.TOOL, "tool_choice", {"tools", "tool_choice"}),
        ("openai", Structured.NONE, "messages", set()),
        ("anthropic", Structured.JSON_SCHEMA, "output_config", {"output_config"}),
        ("anthropic", Structured.TOOL, "tools", {"tools", "tool_choice"}),
        ("anthropic", Structured.JSON_SCHEMA, "max_tokens", set()),
    ],
)
def test_fields_that_a_model_was_seen_to_reject_are_left_out(
    wire: str, kind: Structured, omit: str, gone: set[str]
) -> None:
    quirks: JSON = {"structured": kind, "quick": {"reasoning_effort": "low"}}
    whole = sent(wire, **quirks).body
    assert whole.keys() - sent(wire, omit=frozenset({omit}), **quirks).body.keys() == gone


def test_a_provider_names_its_token_limit_and_may_have_no_temperature() -> None:
    body = sent("openai", token_limit="max_completion_tokens", temperature=False).body
    assert body["max_completion_tokens"] == 256
    assert body.keys() & {"max_tokens", "temperature"} == set()


@both_wires
def test_the_same_question_is_the_same_bytes(wire: str) -> None:
    assert sent(wire).raw == sent(wire).raw


@both_wires
def test_text_that_is_not_utf8_is_sent_all_the_same(wire: str) -> None:
    with ModelServer(Reply.json_text(ANSWER)) as server:
        ask(model(wire, server.url), prompt="### caf\udce9.py\n+1 naïve")
    assert server.requests[0].prompt == "### caf?.py\n+1 naïve"


@pytest.mark.parametrize(
    ("wire", "reported", "usage"),
    [
        (
            "openai",
            {
                "prompt_tokens": 100,
                "completion_tokens": 30,
                "total_tokens": 130,
                "prompt_tokens_details": {"cached_tokens": 60},
                "completion_tokens_details": {"reasoning_tokens": 20},
            },
            Usage(input_tokens=100, cached_input_tokens=60, output_tokens=30),
        ),
        (  # DeepSeek
            "openai",
            {"prompt_tokens": 100, "completion_tokens": 30, "prompt_cache_hit_tokens": 64},
            Usage(input_tokens=100, cached_input_tokens=64, output_tokens=30),
        ),
        (  # OpenRouter
            "openai",
            {
                "prompt_tokens": 100,
                "completion_tokens": 30,
                "cost": 0.00012345678901234567,
                "is_byok": False,
                "cost_details": {"upstream_inference_cost": 5},
                "prompt_tokens_details": {"cached_tokens": 10, "cache_write_tokens": 20},
            },
            Usage(
                input_tokens=100,
                cached_input_tokens=10,
                cache_write_tokens=20,
                output_tokens=30,
                reported_usd=Decimal(repr(0.00012345678901234567)),
            ),
        ),
        (  # OpenRouter with a key of one's own at the provider behind it
            "openai",
            {
                "prompt_tokens": 100,
                "completion_tokens": 30,
                "cost": 0.01,
                "is_byok": True,
                "cost_details": {"upstream_inference_cost": 0.2},
            },
            Usage(input_tokens=100, output_tokens=30, reported_usd=Decimal("0.21")),
        ),
        (  # xAI and Google: reasoning is in the total alone
            "openai",
            {"prompt_tokens": 2341, "completion_tokens": 31, "total_tokens": 3108},
            Usage(input_tokens=2341, output_tokens=767),
        ),
        (
            "anthropic",
            {
                "input_tokens": 100,
                "cache_read_input_tokens": 2000,
                "cache_creation_input_tokens": 300,
                "output_tokens": 30,
            },
            Usage(input_tokens=2400, cached_input_tokens=2000, cache_write_tokens=300, output_tokens=30),
        ),
        ("anthropic", {"input_tokens": 5, "output_tokens": 6}, Usage(input_tokens=5, output_tokens=6)),
        (
            "anthropic",
            {"input_tokens": 5, "output_tokens": 6, "cache_read_input_tokens": None},
            Usage(input_tokens=5, output_tokens=6),
        ),
    ],
)
def test_usage_has_one_meaning(wire: str, reported: dict[str, JSON], usage: Usage) -> None:
    with ModelServer(Reply.json_text(ANSWER, usage=reported)) as server:
        assert ask(model(wire, server.url)).usage == usage


@both_wires
@pytest.mark.parametrize(
    "reported",
    [
        {},
        {"prompt_tokens": "many", "input_tokens": -1},
        {"cost": "free"},
        {"prompt_tokens": 10**30, "completion_tokens": 1, "input_tokens": 10**30, "output_tokens": 1},
    ],
)
def test_usage_that_cannot_be_understood_is_unknown(wire: str, reported: dict[str, JSON]) -> None:
    with ModelServer(Reply.json_text(ANSWER, usage=reported)) as server:
        assert ask(model(wire, server.url)).usage is None


@pytest.mark.parametrize(
    "figures",
    [
        {"cost": "NaN"},
        {"cost": "Infinity"},
        {"cost": 1e300},
        {"cost": -5},
        {"cost": 1, "is_byok": True, "cost_details": {"upstream_inference_cost": -1000}},
    ],
)
def test_a_charge_that_can_be_none_is_not_believed(figures: dict[str, JSON]) -> None:
    """It would make room in a budget, use it up for a month, or end the run."""
    reported = {"prompt_tokens": 10, "completion_tokens": 5, **figures}
    with ModelServer(Reply.json_text(ANSWER, usage=reported)) as server:
        assert ask(model("openai", server.url)).usage == Usage(input_tokens=10, output_tokens=5)


@both_wires
def test_missing_usage_is_unknown(wire: str) -> None:
    with ModelServer(Reply.json_text(ANSWER, with_usage=False)) as server:
        assert ask(model(wire, server.url)).usage is None


def test_an_answer_that_is_only_reasoning_is_empty() -> None:
    with ModelServer(Reply.text("<think>Hm.</think>")) as server, pytest.raises(model_errors.Truncated):
        ask(model("openai", server.url))
