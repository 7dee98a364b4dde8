"""Batches whose provider answers oddly: an answer, an error of the request, or an error that says what is wrong."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from ralph_hooks.core import model_errors
from ralph_hooks.core.ports.models import BatchAnswer
from ralph_hooks.core.route import Wire
from ralph_hooks.providers import registry
from ralph_hooks.providers.batches import collect, submit
from ralph_hooks.providers.transport import Reply
from tests.support.asking import model, question

ENDED = b'{"processing_status": "ended"}'
DONE = b'{"status": "completed", "output_file_id": "out", "error_file_id": "err"}'


def collected(wire: Wire, replies: Mapping[str, bytes]) -> Mapping[str, BatchAnswer] | None:
    return collect(wire, "b1", lambda _method, path, _body, _type: Reply(200, replies[path]))


def test_errors_of_single_requests_are_those_of_a_call() -> None:
    results = (
        b'{"custom_id": "a", "result": {"type": "errored", "error": {"type": "error", "error": {"type": '
        b'"invalid_request_error", "message": "no such field"}}}}\n'
        b'{"custom_id": "b", "result": {"type": "expired"}}\n'
    )
    found = collected(Wire.ANTHROPIC, {"/messages/batches/b1": ENDED, "/messages/batches/b1/results": results})
    assert found is not None
    assert found.keys() == {"a"}  # the other one was never processed
    request = question(model("anthropic", "http://127.0.0.1/v1"))
    with pytest.raises(model_errors.Rejected, match="no such field"):
        registry.client({}).read(request, found["a"])


def test_answers_of_both_files_count() -> None:
    line = b'{"custom_id": "%s", "response": {"status_code": %d, "body": {"error": {"message": "slow down"}}}}\n'
    files = {"/files/out/content": line % (b"a", 200), "/files/err/content": line % (b"b", 429)}
    found = collected(Wire.OPENAI, {"/batches/b1": DONE, **files})
    assert found is not None
    assert {name: answer.status for name, answer in found.items()} == {"a": 200, "b": 429}
    with pytest.raises(model_errors.RateLimited):
        registry.client({}).read(question(model("openai", "http://127.0.0.1/v1")), found["b"])


@pytest.mark.parametrize(
    ("wire", "replies"),
    [
        (Wire.OPENAI, {"/batches/b1": b"<html>"}),
        (Wire.OPENAI, {"/batches/b1": b'{"status": "completed", "output_file_id": "../../models"}'}),
        (Wire.OPENAI, {"/batches/b1": DONE, "/files/out/content": b'{"custom_id": 1}\n', "/files/err/content": b""}),
        (Wire.ANTHROPIC, {"/messages/batches/b1": ENDED, "/messages/batches/b1/results": b"{"}),
    ],
)
def test_what_cannot_be_read_is_an_error(wire: Wire, replies: Mapping[str, bytes]) -> None:
    with pytest.raises(model_errors.Unreadable):
        collected(wire, replies)


def test_an_id_that_would_change_the_path_is_refused() -> None:
    with pytest.raises(model_errors.Unreadable):
        submit(Wire.ANTHROPIC, "/messages", {"a": {}}, lambda *_: Reply(200, b'{"id": "../messages?x="}'))
