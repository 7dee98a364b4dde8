"""A real model on the other end: transport and accounting, never what it says."""

from __future__ import annotations

import json
from collections.abc import Iterator

import msgspec
import pytest

from ralph_hooks.core import model_errors
from ralph_hooks.core.route import Model
from ralph_hooks.providers import registry
from tests.support import llama
from tests.support.asking import deadline, question
from tests.support.ports import free_port

SHORT = {  # a model this small comes to no end in a free text
    "type": "object",
    "properties": {"holds": {"type": "boolean"}, "severity": {"type": "string", "enum": ["error", "note"]}},
    "required": ["holds", "severity"],
    "additionalProperties": False,
}

pytestmark = pytest.mark.skipif(bool(llama.missing()), reason=f"{llama.missing()} is not installed")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with llama.running() as url:
        yield url


def local(url: str) -> Model:
    return Model(msgspec.structs.replace(registry.built_in()["llamacpp"], base_url=url), "smollm2")


def test_an_answer_has_the_shape_that_was_asked_for_and_real_usage(server: str) -> None:
    completion = registry.client({}).complete(question(local(server), schema=SHORT, schema_name="verify"), deadline(60))
    reply = json.loads(completion.text)
    assert reply.keys() == {"holds", "severity"}
    assert reply["holds"] in {True, False}
    assert reply["severity"] in {"error", "note"}
    usage = completion.usage
    assert usage is not None
    assert 20 < usage.input_tokens < 100
    assert 5 < usage.output_tokens < 50
    assert not usage.estimated


def test_an_answer_that_has_no_room_is_truncated(server: str) -> None:
    with pytest.raises(model_errors.Truncated) as caught:
        registry.client({}).complete(question(local(server), max_output=3), deadline(60))
    assert caught.value.usage is not None
    assert caught.value.usage.output_tokens == 3


def test_a_request_that_overflows_the_context_is_too_large(server: str) -> None:
    request = question(local(server), prompt="word " * 2 * llama.CONTEXT)
    with pytest.raises(model_errors.TooLarge, match="context size"):
        registry.client({}).complete(request, deadline(60))


@pytest.mark.long("loads a model")
def test_a_server_that_is_still_loading_is_unreachable() -> None:
    port = free_port()
    client = registry.client({})
    request = question(local(llama.base_url(port)), max_output=1)
    said: set[str] = set()
    patience = deadline(60)
    with llama.starting(port):
        while not patience.passed:
            try:
                client.complete(request, patience)
            except model_errors.Unreachable as fault:
                said.add(str(fault))
            except model_errors.Truncated:
                break  # the model is there: one token is less than an answer
    # Whether both are seen depends on how fast the model loads.
    assert said
    assert said <= {
        f"127.0.0.1:{port} refused the connection",
        f"127.0.0.1:{port} answered 503: Loading model",
    }
    assert not patience.passed
