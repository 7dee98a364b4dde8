"""Batches of requests, answered within 24 hours at half the price.

OpenAI: https://developers.openai.com/api/docs/guides/batch (2026-11): a file of requests is uploaded, the answers are
files too. Anthropic: https://platform.claude.com/docs/en/build-with-claude/batch-processing (2026-11).
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from ralph_hooks.core.codec import from_json
from ralph_hooks.core.model_errors import Rejected, Unreadable
from ralph_hooks.core.ports.models import BatchAnswer
from ralph_hooks.core.route import Wire
from ralph_hooks.core.text import one_line
from ralph_hooks.providers.transport import Reply

Send = Callable[[str, str, bytes | None, str], Reply]
"""Sends one request: method, path below the base URL, body, content type. Raises ModelError unless it succeeds."""

_JSON = "application/json"
_ID = re.compile(r"[\w-]{1,128}")
_ENDED = frozenset({"completed", "failed", "expired", "cancelled"})
_Shape = TypeVar("_Shape")


def submit(wire: Wire, path: str, bodies: Mapping[str, Mapping[str, Any]], send: Send) -> str:
    """Hand in ``bodies``, by custom id, for the endpoint ``path``. Return the id of the batch."""
    if wire is Wire.ANTHROPIC:
        asked = [{"custom_id": name, "params": body} for name, body in bodies.items()]
        return _started(send("POST", "/messages/batches", msgspec.json.encode({"requests": asked}), _JSON))
    url = f"/v1{path}"
    lines = [{"custom_id": name, "method": "POST", "url": url, "body": body} for name, body in bodies.items()]
    form, content_type = _form(b"\n".join(map(msgspec.json.encode, lines)))
    file = _started(send("POST", "/files", form, content_type))
    order = {"input_file_id": file, "endpoint": url, "completion_window": "24h"}
    return _started(send("POST", "/batches", msgspec.json.encode(order), _JSON))


def collect(wire: Wire, batch: str, send: Send) -> Mapping[str, BatchAnswer] | None:
    """Return the answers by custom id, without those of requests that were never processed; None until it has ended.

    Raises Rejected if the provider refused the batch as a whole.
    """
    if wire is Wire.ANTHROPIC:
        path = f"/messages/batches/{batch}"
        if _read(send("GET", path, None, ""), _AnthropicBatch).processing_status != "ended":
            return None
        return dict(_anthropic_answers(send("GET", f"{path}/results", None, "").body))
    state = _read(send("GET", f"/batches/{batch}", None, ""), _OpenAIBatch)
    if state.status not in _ENDED:
        return None
    if state.status == "failed":
        told = "; ".join(each.message for each in state.errors.data) if state.errors else ""
        raise Rejected(one_line(told) or "the provider refused the batch", None)
    found: dict[str, BatchAnswer] = {}
    for file in filter(None, (state.output_file_id, state.error_file_id)):
        found |= _openai_answers(send("GET", f"/files/{_checked(file)}/content", None, "").body)
    return found


class _Id(Struct, frozen=True):
    id: str


class _AnthropicBatch(Struct, frozen=True):
    processing_status: str


class _AnthropicResult(Struct, frozen=True):
    type: str
    message: msgspec.Raw = msgspec.Raw()
    error: msgspec.Raw = msgspec.Raw()


class _AnthropicLine(Struct, frozen=True):
    custom_id: str
    result: _AnthropicResult


class _Problem(Struct, frozen=True):
    message: str = ""


class _Problems(Struct, frozen=True):
    data: list[_Problem] = []


class _OpenAIBatch(Struct, frozen=True):
    status: str
    output_file_id: str | None = None
    error_file_id: str | None = None
    errors: _Problems | None = None


class _OpenAIResponse(Struct, frozen=True):
    status_code: int
    body: msgspec.Raw


class _OpenAILine(Struct, frozen=True):
    custom_id: str
    response: _OpenAIResponse | None = None


def _anthropic_answers(data: bytes) -> Iterator[tuple[str, BatchAnswer]]:
    """Yield the messages and errors; requests that were cancelled or have expired have neither."""
    for line in _lines(data, _AnthropicLine):
        body = {"succeeded": line.result.message, "errored": line.result.error}.get(line.result.type)
        if body:
            yield line.custom_id, BatchAnswer(200, bytes(body))


def _openai_answers(data: bytes) -> Mapping[str, BatchAnswer]:
    lines = _lines(data, _OpenAILine)
    return {
        line.custom_id: BatchAnswer(line.response.status_code, bytes(line.response.body))
        for line in lines
        if line.response is not None
    }


def _lines(data: bytes, shape: type[_Shape]) -> list[_Shape]:
    try:
        return msgspec.json.Decoder(shape).decode_lines(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unreadable(f"the results of the batch cannot be read: {one_line(str(error))}") from error


def _read(reply: Reply, shape: type[_Shape]) -> _Shape:
    try:
        return from_json(reply.body, shape)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unreadable(f"the state of the batch cannot be read: {one_line(str(error))}") from error


def _started(reply: Reply) -> str:
    return _checked(_read(reply, _Id).id)


def _checked(name: str) -> str:
    """Return an id of the provider, which becomes a part of a path."""
    if not _ID.fullmatch(name):
        raise Unreadable("the provider sent an id that is none")
    return name


def _form(data: bytes) -> tuple[bytes, str]:
    """Return a form that uploads ``data`` as a batch (RFC 7578), and its content type."""
    mark = uuid.uuid4().hex
    head = (
        f'--{mark}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
        f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="requests.jsonl"\r\n'
        "Content-Type: application/jsonl\r\n\r\n"
    )
    return head.encode() + data + f"\r\n--{mark}--\r\n".encode(), f"multipart/form-data; boundary={mark}"
