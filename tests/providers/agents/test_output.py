"""What an agent prints says itself whether its answer is whole."""

from __future__ import annotations

import json

import pytest

from ralph_hooks.providers.agents.output import read

ANSWER: dict[str, object] = {"findings": []}
TEXT = {"type": "text", "part": {"text": json.dumps(ANSWER)}}


def claude(**fields: object) -> bytes:
    return json.dumps({"type": "result", "subtype": "success", "structured_output": ANSWER, **fields}).encode()


def opencode(reason: str) -> bytes:
    rows = [TEXT, {"type": "step_finish", "part": {"reason": reason, "tokens": {"input": 1, "output": 1}}}]
    return b"\n".join(json.dumps(row).encode() for row in rows)


@pytest.mark.parametrize("reason", [None, "end_turn", "tool_use"])
def test_a_whole_answer_of_claude(reason: str | None) -> None:
    told = read(claude(stop_reason=reason))
    assert (told.failed, json.loads(told.text)) == (False, ANSWER)


@pytest.mark.parametrize(
    "fields",
    [
        {"stop_reason": "refusal"},
        {"stop_reason": "max_tokens"},
        {"stop_reason": "something-new"},
        {"subtype": "error_max_turns"},
        {"subtype": "something-new"},
        {"is_error": True},
    ],
)
def test_an_answer_of_claude_that_may_not_be_whole_has_failed(fields: dict[str, object]) -> None:
    told = read(claude(**fields))
    assert told.failed
    assert "findings" not in told.text


@pytest.mark.parametrize(("reason", "failed"), [("stop", False), ("length", True), ("content-filter", True)])
def test_the_reason_of_the_last_step_of_opencode(reason: str, failed: bool) -> None:  # noqa: FBT001 - a table
    assert read(opencode(reason)).failed is failed
