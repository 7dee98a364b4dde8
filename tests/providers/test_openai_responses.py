"""The responses of OpenAI."""

from __future__ import annotations

from tests.support.asking import KEY, SCHEMA, ask, model
from tests.support.server import ModelServer, Reply
from tests.support.wire_requests import sent


def test_responses_request_keeps_nothing_at_the_provider() -> None:
    request = sent("openai-responses", quick={"reasoning": {"effort": "low"}})
    assert request.path == "/v1/responses"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.body == {
        "model": "small-1",
        "instructions": "Judge.",
        "input": "BEGIN x\n### a.py\n+1 eval(line)\nEND x",
        "store": False,
        "text": {"format": {"type": "json_schema", "name": "analyze", "strict": True, "schema": SCHEMA}},
        "max_output_tokens": 256,
        "temperature": 0,
        "reasoning": {"effort": "low"},
    }


def test_cached_and_reasoning_tokens_are_parts_of_the_totals() -> None:
    usage = {
        "input_tokens": 100,
        "input_tokens_details": {"cached_tokens": 60},
        "output_tokens": 50,
        "output_tokens_details": {"reasoning_tokens": 40},
    }
    with ModelServer(Reply.json_text({"findings": []}, usage=usage)) as server:
        used = ask(model("openai-responses", server.url)).usage
    assert used is not None
    assert (used.input_tokens, used.cached_input_tokens, used.output_tokens) == (100, 60, 50)
