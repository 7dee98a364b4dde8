"""The messages of Anthropic."""

from __future__ import annotations

import pytest

from tests.support.asking import KEY, SCHEMA, ask, model
from tests.support.server import ModelServer, Reply
from tests.support.wire_requests import sent


def test_anthropic_request() -> None:
    request = sent("anthropic", quick={"thinking": {"type": "disabled"}})
    assert request.path == "/v1/messages"
    assert request.headers["x-api-key"] == KEY
    assert "authorization" not in request.headers
    assert request.headers["anthropic-version"] == "2023-06-01"
    assert request.body == {
        "model": "small-1",
        "system": [{"type": "text", "text": "Judge."}],
        "messages": [{"role": "user", "content": "BEGIN x\n### a.py\n+1 eval(line)\nEND x"}],
        "max_tokens": 256,
        "output_config": {"format": {"type": "json_schema", "schema": SCHEMA}},
        "temperature": 0,
        "thinking": {"type": "disabled"},
    }


@pytest.mark.parametrize(("length", "marked"), [(4 * 1023, False), (4 * 1024, True)])
def test_instructions_go_to_the_prompt_cache_where_they_are_long_enough(length: int, marked: bool) -> None:  # noqa: FBT001 - a parameter of a test
    block = sent("anthropic", system="x" * length).body["system"][0]
    assert block.get("cache_control") == ({"type": "ephemeral"} if marked else None)


def test_anthropic_thinking_is_not_part_of_the_answer() -> None:
    blocks = [
        {"type": "thinking", "thinking": "Hm."},
        {"type": "text", "text": '{"a":'},
        {"type": "text", "text": "1}"},
    ]
    with ModelServer(Reply.text("", message={"content": blocks})) as server:
        assert ask(model("anthropic", server.url)).text == '{"a":1}'
