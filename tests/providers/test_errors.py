"""Whatever a provider does, the caller gets the fault that says what may be tried next."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from ralph_hooks.core import model_errors
from tests.support.asking import KEY, WIRES, ask, deadline, deadline_from, model
from tests.support.patience import PATIENCE
from tests.support.server import JSON, MEBIBYTE, ModelServer, Reply, head

both_wires = pytest.mark.parametrize("wire", WIRES)


def fault(wire: str, reply: Reply, *, seconds: float = PATIENCE) -> model_errors.ModelError:
    with ModelServer(reply) as server, pytest.raises(model_errors.ModelError) as caught:
        ask(model(wire, server.url), deadline_from(server, seconds))
    assert len(server.requests) == 1
    return caught.value


def error(message: str, **fields: JSON) -> dict[str, JSON]:
    return {"error": {"message": message, **fields}}


@both_wires
@pytest.mark.parametrize(
    ("reply", "kind", "sentence"),
    [
        (Reply.reset(), model_errors.Unreachable, "closed the connection"),
        (Reply.html(), model_errors.Unreadable, "sent a web page"),
        (Reply.truncated_json(), model_errors.Unreadable, "not from a model API"),
        (Reply.status(200, [1, 2]), model_errors.Unreadable, "not from a model API"),
        (Reply.status(200, {}), model_errors.Unreadable, "without an answer"),
        (Reply.status(200, b"\xff\xfe{}"), model_errors.Unreadable, "not from a model API"),
        (Reply.status(200, b'{"a":' * 50_000), model_errors.Unreadable, "not from a model API"),
        (Reply.status(204, b""), model_errors.Unreadable, "not from a model API"),
        (Reply.bad_gzip(), model_errors.Unreadable, "broken compression"),
        (Reply.gzip_bomb(), model_errors.Unreadable, "more than 8 MiB"),
        (Reply.short_body(), model_errors.Unreadable, "an incomplete reply"),
        (Reply.negative_chunk(), model_errors.Unreadable, "an incomplete reply"),
        (Reply.refusal(), model_errors.Refused, "small-1 declined"),
        (Reply.length(), model_errors.Truncated, "cut off at its token limit"),
        (Reply.empty(), model_errors.Truncated, "sent an empty answer"),
    ],
)
def test_a_reply_that_is_of_no_use(wire: str, reply: Reply, kind: type[Exception], sentence: str) -> None:
    caught = fault(wire, reply)
    assert type(caught) is kind
    assert sentence in str(caught)


@both_wires
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, model_errors.Rejected),
        (401, model_errors.Denied),
        (402, model_errors.Denied),
        (403, model_errors.Denied),
        (404, model_errors.NotFound),
        (405, model_errors.Rejected),
        (408, model_errors.Unreachable),
        (409, model_errors.Unreachable),
        (413, model_errors.TooLarge),
        (422, model_errors.Rejected),
        (429, model_errors.RateLimited),
        (500, model_errors.Unreachable),
        (503, model_errors.Unreachable),
        (529, model_errors.Unreachable),
    ],
)
@pytest.mark.parametrize("body", [b"", b"<html>Bad gateway</html>", {"error": {"message": "No."}}, {"error": "No."}])
def test_every_status_has_its_fault_whatever_the_body_is(
    wire: str, status: int, kind: type[Exception], body: JSON
) -> None:
    caught = fault(wire, Reply.status(status, body))
    assert type(caught) is kind
    assert "html" not in str(caught)


@both_wires
@pytest.mark.parametrize("status", [200, 302, 400, 401, 402, 403, 404, 413, 422, 429, 500, 529])
@pytest.mark.parametrize("padding", [0, 260])
def test_the_key_is_in_no_fault_even_where_the_server_repeats_it(wire: str, status: int, padding: int) -> None:
    words = "x" * padding + f" wrong value {KEY}"
    body = error(words, type="invalid_request_error", param=KEY, code=KEY)
    caught = fault(wire, Reply.status(status, body, {"Location": f"https://{KEY}.example/?{KEY}"}))
    for part in range(8, len(KEY) + 1):
        assert KEY[:part] not in str(caught)
    assert KEY not in repr(caught) + repr(vars(caught))


def test_a_fault_says_who_answered_what_in_one_short_line() -> None:
    caught = fault("openai", Reply.status(503, error("Loading\n model \x1b[31m" + "so slowly " * 100)))
    assert str(caught).startswith("127.0.0.1:")
    assert "answered 503: Loading model \\x1b[31mso slowly" in str(caught)
    assert len(str(caught)) <= 280


@pytest.mark.parametrize(
    ("header", "low", "high"),
    [
        ("7", 7, 7),
        ("0.5", 0.5, 0.5),
        ("-3", 0, 0),
        (format_datetime(datetime.now(UTC) + timedelta(hours=2), usegmt=True), 3_600, 7_200),
        (format_datetime(datetime.now(UTC) - timedelta(seconds=600), usegmt=True), 0, 0),
    ],
    ids=[
        "seconds",
        "a part of a second",
        "below zero",
        "a date to come",
        "a date that has passed",
    ],  # the same in each worker
)
def test_retry_after_in_both_forms(header: str, low: float, high: float) -> None:
    caught = fault("openai", Reply.status(429, {}, {"Retry-After": header}))
    assert isinstance(caught, model_errors.RateLimited)
    assert caught.retry_after is not None
    assert low <= caught.retry_after <= high


@pytest.mark.parametrize("header", ["soon", "", "nan", "inf", "Mon, 99 Nope 2026"])
def test_a_retry_after_that_says_nothing(header: str) -> None:
    caught = fault("openai", Reply.status(429, {}, {"Retry-After": header}))
    assert isinstance(caught, model_errors.RateLimited)
    assert caught.retry_after is None


@pytest.mark.parametrize(
    ("wire", "status", "body"),
    [
        ("openai", 400, error("This model's maximum context length is 8192 tokens.", code="context_length_exceeded")),
        ("openai", 400, error("Please reduce the length of the messages or completion.")),
        ("openai", 400, [error("The input token count (1200000) exceeds the maximum number of tokens allowed.")]),
        ("openai", 400, {"message": "Prompt contains 40000 tokens, too large for 32768 maximum context length"}),
        ("openai", 400, {"code": "x", "error": "This model's maximum prompt length is 131072 but it contains 200000."}),
        ("openai", 400, error("the request exceeds the available context size", type="exceed_context_size_error")),
        ("openai", 500, error("the request exceeds the available context size", type="exceed_context_size_error")),
        ("openai", 400, error("Trying to keep the first 5000 tokens when context the overflows.")),
        ("openai", 400, error("Provider returned error", metadata={"raw": '{"message": "prompt is too long"}'})),
        ("anthropic", 400, error("prompt is too long: 215432 tokens > 200000 maximum", type="invalid_request_error")),
        ("anthropic", 400, error("input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000")),
        ("anthropic", 413, error("Request exceeds the maximum size", type="request_too_large")),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_too_large(wire: str, status: int, body: JSON) -> None:
    assert type(fault(wire, Reply.status(status, body))) is model_errors.TooLarge


@pytest.mark.parametrize(
    ("status", "body", "parameter"),
    [
        (400, error("Unsupported parameter: it is not supported with this model.", param="max_tokens"), "max_tokens"),
        (400, error("Unsupported value: 'temperature' does not support 0 with this model."), "temperature"),
        (400, error("Unrecognized request argument supplied: reasoning_effort", param=None), "reasoning_effort"),
        (400, error("Unsupported value", param="response_format.json_schema.strict"), "response_format"),
        (400, error("Bad value.", param="response_format[0]"), "response_format"),
        (400, {"code": "x", "error": "Model grok-4 does not support parameter reasoningEffort."}, "reasoning_effort"),
        (400, [error("Invalid reasoning_effort: minimal. Valid values are: high, low")], "reasoning_effort"),
        (422, {"detail": [{"loc": ["body", "reasoning_effort"], "msg": "Extra inputs"}]}, "reasoning_effort"),
        (422, {"message": {"detail": [{"loc": ["body", "max_tokens"], "msg": "Extra inputs"}]}}, "max_tokens"),
        (400, error("Model small-1: temperature is not supported"), "temperature"),
        (400, error("`temperature` and `max_tokens` may not be combined"), "temperature"),
        (400, error("Invalid value for 'messages'", param="messages"), None),
        (400, error("Something else is wrong with the maximum"), None),
    ],
)  # fmt: skip
def test_a_rejected_field_is_named(status: int, body: JSON, parameter: str | None) -> None:
    with ModelServer(Reply.status(status, body)) as server, pytest.raises(model_errors.Rejected) as caught:
        ask(model("openai", server.url, quick={"reasoning_effort": "low"}))
    assert caught.value.parameter == parameter


def test_a_field_that_the_wire_cannot_do_without_is_not_named() -> None:
    body = error("max_tokens: 256 > 128, which is the maximum allowed number of output tokens")
    with ModelServer(Reply.status(400, body)) as server, pytest.raises(model_errors.Rejected) as caught:
        ask(model("anthropic", server.url))
    assert caught.value.parameter is None


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, error("API key not valid. Please pass a valid API key.", status="INVALID_ARGUMENT"), model_errors.Denied),
        (400, {"code": "x", "error": "Incorrect API key provided: xa***"}, model_errors.Denied),
        (400, error("x/y is not a valid model ID"), model_errors.NotFound),
        (400, error("The model does not exist", param="model", code="model_not_found"), model_errors.NotFound),
        (404, error("model 'small-1' not found"), model_errors.NotFound),
        (403, error("Flagged", metadata={"flagged_input": "…", "reasons": ["x"]}), model_errors.Refused),
        (400, error("The response was filtered", code="content_filter"), model_errors.Refused),
    ],
)
def test_what_providers_say_with_other_statuses(status: int, body: JSON, kind: type[Exception]) -> None:
    assert type(fault("openai", Reply.status(status, body))) is kind


def test_a_missing_model_is_named() -> None:
    assert "'small-1'" in str(fault("openai", Reply.status(404)))


@pytest.mark.parametrize(
    ("wire", "body", "kind"),
    [
        ("openai", error("Upstream is down", code=502), model_errors.Unreachable),
        ("openai", error("Slow down", code=429), model_errors.RateLimited),
        ("openai", {"choices": [{"finish_reason": "error", **error("No credit", code=402)}]}, model_errors.Denied),
        ("openai", {"choices": [{"finish_reason": "error", "message": {"content": "{"}}]}, model_errors.Unreachable),
        (
            "openai",
            {"choices": [{"finish_reason": "content_filter", "message": {"content": ""}}]},
            model_errors.Refused,
        ),
        ("openai", {"choices": [{"finish_reason": "insufficient_system_resource"}]}, model_errors.Unreachable),
        ("openai", {"choices": []}, model_errors.Unreadable),
        ("openai", {"base_resp": {"status_code": 1002, "status_msg": "rate limit"}}, model_errors.RateLimited),
        ("openai", {"base_resp": {"status_code": 2049, "status_msg": "invalid api key"}}, model_errors.Denied),
        ("openai", {"base_resp": {"status_code": 1026, "status_msg": "sensitive"}}, model_errors.Refused),
        ("openai", {"base_resp": {"status_code": 1000, "status_msg": "unknown"}}, model_errors.Unreachable),
        ("anthropic", {"type": "error", **error("Overloaded", type="overloaded_error")}, model_errors.Unreachable),
        ("anthropic", {"type": "error", **error("Limit", type="rate_limit_error")}, model_errors.RateLimited),
        ("anthropic", {"type": "error", **error("No such model", type="not_found_error")}, model_errors.NotFound),
        ("anthropic", {"content": [], "stop_reason": "model_context_window_exceeded"}, model_errors.TooLarge),
    ],
)  # fmt: skip
def test_an_error_inside_of_a_success(wire: str, body: JSON, kind: type[Exception]) -> None:
    assert type(fault(wire, Reply.status(200, body))) is kind


NOTHING = json.dumps({"findings": []})
SOMETHING = json.dumps({"findings": ["x"]})


def call(arguments: str) -> JSON:
    return {"type": "function", "function": {"name": "analyze", "arguments": arguments}}


def chat(finish: str | None = "stop", content: JSON = NOTHING, **choice: JSON) -> JSON:
    """A reply of chat completions that finds nothing, as far as it goes."""
    return {"choices": [{"message": {"content": content}, "finish_reason": finish, **choice}]}


def message(stop: str | None = "end_turn", *blocks: JSON, **fields: JSON) -> JSON:
    return {"type": "message", "content": [{"type": "text", "text": NOTHING}, *blocks], "stop_reason": stop, **fields}


def response(*items: JSON, status: str | None = "completed", part: str = "output_text", **fields: JSON) -> JSON:
    item = {"type": "message", "status": "completed", "content": [{"type": part, "text": NOTHING, "refusal": "No."}]}
    return {"status": status, "output": [item, *items], **fields}


FILTERS = ["content_filter", "SAFETY", "CONTENT_FILTER", "refusal", "sensitive", "RECITATION", "content_filter: hate"]
CUTS = ["length", "max_tokens", "MAX_TOKENS", "model_length", "max_output_tokens"]
BREAKS = ["error", "network_error", "abort", "cancelled", "insufficient_system_resource"]
STRANGE = ["pause_turn", "something-new", "", None]
KINDS: dict[str | None, type[model_errors.ModelError]] = {
    **dict.fromkeys(FILTERS, model_errors.Refused),
    **dict.fromkeys(CUTS, model_errors.Truncated),
    **dict.fromkeys(BREAKS, model_errors.Unreachable),
    **dict.fromkeys(STRANGE, model_errors.Unreadable),
    "model_context_window_exceeded": model_errors.TooLarge,
}


@both_wires
@pytest.mark.parametrize(("reason", "kind"), KINDS.items())
def test_an_answer_is_whole_only_for_a_known_reason(wire: str, reason: str | None, kind: type[Exception]) -> None:
    body = {"openai": chat(reason), "anthropic": message(reason), "openai-responses": response(status=reason)}[wire]
    assert type(fault(wire, Reply.status(200, body))) is kind


@pytest.mark.parametrize(
    ("wire", "body", "kind"),
    [
        ("openai", chat(content=[{"type": "text", "text": NOTHING}, {"type": "refusal", "refusal": "No."}]), "refused"),
        ("openai", chat(content=[{"type": "text", "text": NOTHING}, {"type": "hologram"}]), "unreadable"),
        ("openai", chat(native_finish_reason="SAFETY"), "refused"),
        ("openai", chat(native_finish_reason="max_output_tokens"), "truncated"),
        ("openai", chat(content_filter_results={"hate": {"filtered": True, "severity": "high"}}), "refused"),
        ("openai", {**chat(), "output_sensitive": True}, "refused"),
        ("openai", {"choices": [*chat()["choices"], *chat(content=SOMETHING)["choices"]]}, "unreadable"),
        ("openai", {"choices": [*chat()["choices"], *chat("content_filter")["choices"]]}, "refused"),
        ("openai", chat("tool_calls", message={"tool_calls": [call(NOTHING), call(SOMETHING)]}), "unreadable"),
        ("openai", chat(message={"content": SOMETHING, "tool_calls": [call(NOTHING)]}), "unreadable"),
        (
            "openai",
            chat(message={"function_call": {"arguments": SOMETHING}, "tool_calls": [call(NOTHING)]}),
            "unreadable",
        ),
        ("anthropic", message("tool_use", {"type": "tool_use", "input": {"findings": ["x"]}}), "unreadable"),
        ("anthropic", message("end_turn", {"type": "refusal"}), "refused"),
        ("anthropic", message("end_turn", {"type": "hologram"}), "unreadable"),
        ("anthropic", message(type="error"), "unreadable"),
        (
            "anthropic",
            {"content": [{"type": "tool_use", "input": {"findings": each}} for each in ([], ["x"])]},
            "unreadable",
        ),
        ("openai-responses", response(part="refusal"), "refused"),
        ("openai-responses", response(part="hologram"), "unreadable"),
        ("openai-responses", response({"type": "hologram"}), "unreadable"),
        ("openai-responses", response({"type": "function_call", "arguments": SOMETHING}), "unreadable"),
        ("openai-responses", response({"type": "message", "status": "incomplete", "content": []}), "truncated"),
        ("openai-responses", response(incomplete_details={"reason": "content_filter"}), "refused"),
    ],
)  # fmt: skip
def test_an_answer_that_the_rest_of_its_reply_denies(wire: str, body: JSON, kind: str) -> None:
    assert fault(wire, Reply.status(200, body)).outcome == kind


@pytest.mark.parametrize(
    ("wire", "name", "other"),
    [
        ("openai", "choices", "[]"),
        ("openai", "message", "{}"),
        ("openai", "content", '""'),
        ("openai", "finish_reason", '"content_filter"'),
        ("anthropic", "content", "[]"),
        ("anthropic", "text", '"a finding"'),
        ("anthropic", "stop_reason", '"refusal"'),
        ("openai-responses", "output", "[]"),
        ("openai-responses", "status", '"failed"'),
    ],
)
def test_a_reply_that_has_a_name_twice_is_unreadable(wire: str, name: str, other: str) -> None:
    body = json.dumps({"openai": chat(), "anthropic": message(), "openai-responses": response()}[wire])
    caught = fault(wire, Reply.status(200, body.replace(f'"{name}": ', f'"{name}": {other}, "{name}": ').encode()))
    assert type(caught) is model_errors.Unreadable
    assert f"`{name}` twice in one object" in str(caught)


def test_prose_beside_the_call_of_a_tool_is_no_second_answer() -> None:
    body = chat("tool_calls", message={"content": "<think>{}</think> I report this:", "tool_calls": [call(SOMETHING)]})
    with ModelServer(Reply.status(200, body)) as server:
        assert ask(model("openai", server.url)).text == SOMETHING


@both_wires
def test_an_answer_of_no_use_still_says_what_it_cost(wire: str) -> None:
    caught = fault(wire, Reply.length())
    assert caught.usage is not None
    assert caught.usage.output_tokens == 4


@both_wires
@pytest.mark.parametrize(
    "reply",
    [
        Reply.hang(),
        Reply.drip(0.02, 100_000),
        Reply.drip(0.02, 100_000, {"Connection": "close"}),
        Reply.drip_chunks(0.02),
        Reply.drip_interim(0.02),
        Reply.slow_headers(0.02, 60_000),
    ],
)
def test_no_server_outlives_the_deadline(wire: str, reply: Reply) -> None:
    """Each of them goes on for at least 20 minutes."""
    assert type(fault(wire, reply, seconds=0.3)) is model_errors.DeadlineReached


@pytest.mark.parametrize("part", ["body", "chunk", "trailers", "headers", "interim"])
def test_a_reply_without_an_end_is_cut_at_a_limit(part: str) -> None:
    caught = fault("openai", Reply.endless(part))
    assert isinstance(caught, model_errors.Unreadable if part != "headers" else model_errors.Unreachable)


@pytest.mark.parametrize("chunked", [True, False])
def test_a_gzip_bomb_takes_little_memory(*, chunked: bool) -> None:
    bomb = gzip.compress(bytes(200 * MEBIBYTE))
    framing = {"Transfer-Encoding": "chunked"} if chunked else {"Content-Length": str(len(bomb))}
    body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(bomb), bomb) if chunked else bomb
    reply = Reply(lambda exchange: exchange.write(head(200, {"Content-Encoding": "gzip", **framing}) + body))
    tracemalloc.start()
    try:
        assert "more than 8 MiB" in str(fault("openai", reply))
        assert tracemalloc.get_traced_memory()[1] < 64 * MEBIBYTE
    finally:
        tracemalloc.stop()


def test_nothing_is_sent_after_the_deadline() -> None:
    with ModelServer(Reply.empty()) as server, pytest.raises(model_errors.DeadlineReached):
        ask(model("openai", server.url), deadline(0))
    assert server.requests == []
