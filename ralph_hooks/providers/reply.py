"""A reply with a status of success, read in the same way whatever wire it came on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec

from ralph_hooks.core.codec import from_json
from ralph_hooks.core.model_errors import ModelError
from ralph_hooks.core.ports.models import Completion
from ralph_hooks.core.route import Model
from ralph_hooks.core.usage import Usage
from ralph_hooks.providers.errors import unreadable

Reply = TypeVar("Reply", bound=msgspec.Struct)


def read_reply(
    data: bytes,
    model: Model,
    *,
    shape: type[Reply],
    text: Callable[[Reply, Model], str],
    usage: Callable[[bytes], Usage | None],
) -> Completion:
    """The answer that ``text`` finds in ``data``, which is of ``shape``, and what it used.

    Raises ModelError where there is none; the fault then carries what was used, for it will be charged.
    """
    try:
        reply = from_json(data, shape)
        used = usage(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise unreadable(data, model) from None
    try:
        return Completion(text=text(reply, model), usage=used)
    except ModelError as fault:
        fault.usage = used
        raise
