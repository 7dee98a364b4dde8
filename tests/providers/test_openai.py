"""The chat completions of OpenAI."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.support.asking import KEY, SCHEMA, ask, model
from tests.support.server import JSON, ModelServer, Reply
from tests.support.wire_requests import sent


def test_openai_request() -> None:
    request = sent("openai", quick={"reasoning_effort": "low"})
    assert request.path == "/v1/chat/completions"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert "x-api-key" not in request.headers
    assert request.headers["user-agent"].startswith("ralph-hooks/")
    assert request.body == {
        "model": "small-1",
        "messages": [
            {"role": "system", "content": "Judge."},
            {"role": "user", "content": "BEGIN x\n### a.py\n+1 eval(line)\nEND x"},
        ],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "analyze", "strict": True, "schema": SCHEMA},
        },
        "max_tokens": 256,
        "temperature": 0,
        "reasoning_effort": "low",
    }


def test_a_reported_cost_is_exact() -> None:
    usage = b'{"prompt_tokens": 1, "completion_tokens": 1, "cost": 0.0000012345678901234567890123}'
    reply = b'{"choices": [{"message": {"content": "{}"}, "finish_reason": "stop"}], "usage": %b}' % usage
    with ModelServer(Reply.status(200, reply)) as server:
        completion = ask(model("openai", server.url))
    assert completion.usage is not None
    assert completion.usage.reported_usd == Decimal("0.0000012345678901234567890123")


@pytest.mark.parametrize(
    "content",
    [
        '<think>\nIs it {"findings": []}?\n</think>\n\n{"a": 1}',
        [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}, {"type": "text", "text": '{"a": 1}'}],
        '{"a": 1}',
    ],
)
def test_reasoning_is_not_part_of_the_answer(content: JSON) -> None:
    with ModelServer(Reply.text("", message={"content": content, "reasoning_content": "Hm."})) as server:
        assert ask(model("openai", server.url)).text.strip() == '{"a": 1}'
