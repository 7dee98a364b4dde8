"""Batches as OpenAI and Anthropic document them."""

from __future__ import annotations

import json

import pytest

from ralph_hooks.core.model_errors import Rejected, Unreadable
from ralph_hooks.core.route import Wire
from ralph_hooks.providers.batches import Send, collect, submit
from ralph_hooks.providers.transport import Reply


def answering(*bodies: object) -> tuple[Send, list[tuple[str, str]]]:
    """A provider that gives these answers in turn, and the requests that it gets."""
    waiting = list(bodies)
    asked: list[tuple[str, str]] = []

    def send(method: str, path: str, _: bytes | None, __: str) -> Reply:
        asked.append((method, path))
        body = waiting.pop(0)
        return Reply(200, body if isinstance(body, bytes) else json.dumps(body).encode())

    return send, asked


def test_openai_gets_a_file_and_then_the_batch() -> None:
    send, asked = answering({"id": "file-1"}, {"id": "batch-1"})
    assert submit(Wire.OPENAI, "/chat/completions", {"a": {}}, send) == "batch-1"
    assert asked == [("POST", "/files"), ("POST", "/batches")]


def test_batch_under_way_has_no_answers() -> None:
    assert collect(Wire.OPENAI, "b", answering({"status": "in_progress"})[0]) is None
    assert collect(Wire.ANTHROPIC, "b", answering({"processing_status": "in_progress"})[0]) is None


def test_requests_that_were_not_processed_have_no_answer() -> None:
    lines = (
        b'{"custom_id": "a", "result": {"type": "succeeded", "message": {"x": 1}}}\n'
        b'{"custom_id": "b", "result": {"type": "expired"}}\n'
    )
    found = collect(Wire.ANTHROPIC, "b", answering({"processing_status": "ended"}, lines)[0])
    assert found is not None
    assert [(name, answer.body) for name, answer in found.items()] == [("a", b'{"x": 1}')]


def test_batch_that_is_refused_says_why() -> None:
    refused = {"status": "failed", "errors": {"data": [{"message": "Too many requests."}]}}
    with pytest.raises(Rejected, match="Too many requests"):
        collect(Wire.OPENAI, "b", answering(refused)[0])


@pytest.mark.parametrize("id_", ["../files", "", "a b", "x" * 129])
def test_id_that_would_change_the_path_is_refused(id_: str) -> None:
    with pytest.raises(Unreadable):
        submit(Wire.ANTHROPIC, "/messages", {"a": {}}, answering({"id": id_})[0])
