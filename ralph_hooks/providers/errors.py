"""Classification of errors that a provider reports: by status first, then by body."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import PurePath
from typing import Any

import msgspec

from ralph_hooks.core.model_errors import (
    Denied,
    ModelError,
    NotFound,
    RateLimited,
    Refused,
    Rejected,
    TooLarge,
    Unreachable,
    Unreadable,
)
from ralph_hooks.core.route import Model
from ralph_hooks.core.text import one_line
from ralph_hooks.providers.transport import Reply, host_of

_BAD_REQUEST, _UNAUTHORIZED, _PAYMENT, _FORBIDDEN, _NOT_FOUND = 400, 401, 402, 403, 404
_TOO_LARGE, _TOO_MANY, _SERVER = 413, 429, 500
_CLIENT_ERRORS = range(_BAD_REQUEST, _SERVER)
_PASSING = {408, 409}  # a timeout and a conflict on their side

# Errors that arrive with status 200 name their kind alone. Anthropic: https://platform.claude.com/docs/en/api/errors
_STATUS_OF_KIND = {
    "invalid_request_error": _BAD_REQUEST,
    "authentication_error": _UNAUTHORIZED,
    "billing_error": _PAYMENT,
    "insufficient_quota": _PAYMENT,
    "permission_error": _FORBIDDEN,
    "not_found_error": _NOT_FOUND,
    "request_too_large": _TOO_LARGE,
    "rate_limit_error": _TOO_MANY,
    "rate_limit_exceeded": _TOO_MANY,
}

_CONTENT_KINDS = {"content_filter", "content_policy_violation"}

_CONTEXT = re.compile(
    r"context[ _-](?:length|window|size|limit)|context the overflows|prompt is too long|maximum prompt length"
    r"|input token count|input is too long|too many (?:input )?tokens|reduce the length|request[ _]too[ _]large",
    re.IGNORECASE,
)
_KEY = re.compile(
    r"(?:incorrect|invalid|expired|missing|wrong)\W+(?:\w+\W+)?api.?key"
    r"|api.?key\W+(?:\w+\W+)?(?:not valid|not found|invalid|incorrect|expired|missing)",
    re.IGNORECASE,
)
_MODEL = re.compile(
    r"model_not_found|(?:invalid|unknown|unsupported|not a valid) model\b"
    r"|\bmodels?\b[^.]{0,80}(?:does not exist|not found|is not available|is not supported)",
    re.IGNORECASE,
)


class Error(msgspec.Struct, frozen=True):
    """The body of an error, in one shape for all providers."""

    message: str = ""
    """For people."""
    kinds: tuple[str, ...] = ()
    """Its machine-readable names: type, code, status."""
    parameter: str = ""
    """The request field that it blames, as a path: ``reasoning.effort``."""
    status: int = 0
    """The status that it names itself, 0 where it names none."""
    flagged: bool = False
    """True if the message comes from a content filter."""

    @property
    def text(self) -> str:
        """All of it, for matching."""
        return " ".join((self.message, *self.kinds))


def read_error(body: Any) -> Error:  # noqa: ANN401 - a JSON value
    """Return the error in a decoded body; empty if it has none of the known shapes.

    Known are ``{"error": {…}}`` (OpenAI, Anthropic, OpenRouter, llama.cpp; in a list from Google), ``{"error": "…"}``
    (xAI), ``{"message": …}`` (Mistral) and ``{"detail": […]}`` (FastAPI).
    """
    if isinstance(body, list) and body:
        body = body[0]
    if not isinstance(body, Mapping):
        return Error()
    inner = body.get("error")
    source: Mapping[str, Any] = inner if isinstance(inner, Mapping) else body
    message = source.get("message") or source.get("detail") or (inner if isinstance(inner, str) else "")
    metadata = source.get("metadata")
    metadata = metadata if isinstance(metadata, Mapping) else {}
    details = _details(message)
    code = source.get("code")
    kinds = tuple(value for value in (source.get("type"), code, source.get("status")) if isinstance(value, str))
    words = details[0] if details else _words(message)
    raw = metadata.get("raw")  # OpenRouter: what the provider behind it said
    return Error(
        message=f"{words} {raw}" if isinstance(raw, str) else words,
        kinds=kinds,
        parameter=details[1] if details else _words(source.get("param")),
        status=code if isinstance(code, int) else 0,
        flagged="flagged_input" in metadata or not _CONTENT_KINDS.isdisjoint(kinds),
    )


def _words(value: Any) -> str:  # noqa: ANN401 - a JSON value
    return value if isinstance(value, str) else ""


def _details(value: Any) -> tuple[str, str] | None:  # noqa: ANN401 - a JSON value
    """Return message and field of pydantic's ``[{"loc": ["body", "field"], "msg": "…"}]``; None for other shapes."""
    if isinstance(value, Mapping):
        value = value.get("detail")
    if not (isinstance(value, list) and value and isinstance(value[0], Mapping)):
        return None
    place = value[0].get("loc")
    path = [str(part) for part in place if part != "body"] if isinstance(place, list) else []
    return f"{'.'.join(path)}: {_words(value[0].get('msg'))}", ".".join(path)


def from_error_reply(reply: Reply, model: Model, *, sent: Collection[str]) -> ModelError:
    """Return the error for a reply with an error status. ``sent`` are the request fields that could be left out."""
    try:
        error = read_error(msgspec.json.decode(reply.body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        error = Error()  # an HTML page of a proxy says nothing to a user
    return fault(error, reply.status, model, sent=sent, retry_after=reply.retry_after)


def from_success(error: Error, model: Model) -> ModelError:
    """Return the error for an error inside a reply with status 200."""
    named = (_STATUS_OF_KIND[kind] for kind in error.kinds if kind in _STATUS_OF_KIND)
    status = error.status if error.status >= _BAD_REQUEST else next(named, _SERVER)
    return fault(error, status, model)


def fault(
    error: Error, status: int, model: Model, *, sent: Collection[str] = (), retry_after: str | None = None
) -> ModelError:
    """Return the model error for ``error`` with HTTP ``status``."""
    host = host_of(model.provider.base_url)
    said = f"{host} answered {status}{_excerpt(error)}"
    if status == _TOO_MANY:
        return RateLimited(said, retry_seconds(retry_after))
    if status in _CLIENT_ERRORS and status not in _PASSING:
        return _client_fault(error, status, model, sent)
    return TooLarge(said) if _is_context(error) else Unreachable(said)  # llama.cpp once had 500 for a full context


def _client_fault(error: Error, status: int, model: Model, sent: Collection[str]) -> ModelError:
    """Return the error that repeating the same request would give again."""
    host = host_of(model.provider.base_url)
    said = f"{host} answered {status}{_excerpt(error)}"
    if error.flagged:
        return Refused(f"a content filter of {host} rejected the request{_excerpt(error)}")
    if status == _UNAUTHORIZED or (status == _BAD_REQUEST and _KEY.search(error.text)):
        return _denied(host, status, model)
    if status in {_PAYMENT, _FORBIDDEN}:
        return Denied(said)
    if status == _TOO_LARGE or _is_context(error):
        return TooLarge(f"the request is too large for {model.name}{_excerpt(error)}")
    field = blamed(error, sent)
    if status == _NOT_FOUND or (status == _BAD_REQUEST and field is None and _is_model(error)):
        return NotFound(f"{host} does not serve the model {one_line(model.name)!r}{_excerpt(error)}")
    return Rejected(said, field)


def _denied(host: str, status: int, model: Model) -> ModelError:
    """Return the error for a refused key. The provider's message is left out: it may quote the key."""
    provider = model.provider
    if provider.api_key_command:
        source = f"that {PurePath(provider.api_key_command[0]).name} printed"
    elif provider.api_key_env:
        source = f"in {provider.api_key_env}"
    else:
        return Denied(f"{host} requires a key, but the provider {provider.name} has no api-key-env ({status})")
    return Denied(f"{host} rejected the key {source} ({status})", key_refused=True)


def _is_context(error: Error) -> bool:
    return _CONTEXT.search(error.text) is not None


def _is_model(error: Error) -> bool:
    return error.parameter == "model" or (not error.parameter and _MODEL.search(error.text) is not None)


def _excerpt(error: Error) -> str:
    words = re.sub(r"\s+", " ", error.message).strip()
    return f": {one_line(words)}" if words else ""


def unreadable(data: bytes, model: Model) -> Unreadable:
    """Return the error for a body with a success status that is not a reply of the wire format."""
    kind = "a web page" if data.lstrip()[:1] == b"<" else "a reply that is not from a model API"
    return Unreadable(f"{host_of(model.provider.base_url)} sent {kind}")


def blamed(error: Error, sent: Collection[str]) -> str | None:
    """Return which of the fields that were ``sent`` a provider blames: the one it names.

    Else the first that it mentions.
    """
    named = re.split(r"[.\[]", error.parameter)[0]
    if named in sent:
        return named
    found = [(match.start(), name) for name in sent if (match := _mention(name).search(error.message))]
    return min(found)[1] if found else None


def _mention(name: str) -> re.Pattern[str]:
    """Match ``name`` as a whole identifier, also in camel case: ``reasoning_effort`` is ``reasoningEffort`` at xAI."""
    return re.compile(rf"\b{re.escape(name).replace('_', '_?')}\b", re.IGNORECASE)


def retry_seconds(header: str | None) -> float | None:
    """Return the seconds of a ``Retry-After`` header in either form (RFC 9110, 10.2.3); None for neither."""
    import math
    from datetime import UTC, datetime
    from email.utils import parsedate_to_datetime

    if header is None:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            moment = parsedate_to_datetime(header)
        except ValueError:
            return None
        if moment.tzinfo is None:  # "-0000": UTC without a place
            moment = moment.replace(tzinfo=UTC)
        seconds = (moment - datetime.now(UTC)).total_seconds()
    return max(0.0, seconds) if math.isfinite(seconds) else None
