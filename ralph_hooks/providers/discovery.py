"""The models of a server on this machine: one request to it, answered at once or not at all."""

from __future__ import annotations

import time

import msgspec

from ralph_hooks.core.codec import from_json
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.model_errors import ModelError
from ralph_hooks.core.route import Provider
from ralph_hooks.providers.transport import Transport

PATIENCE = 0.5
"""Seconds for the exchange: who is on this machine answers within them."""


class _Model(msgspec.Struct, frozen=True):
    id: str


class _Models(msgspec.Struct, frozen=True):
    data: tuple[_Model, ...]


def served(provider: Provider) -> tuple[str, ...]:
    """Return the names of the models that ``provider`` has; empty if no server answers, or a different one.

    Nothing is sent but the request, and only to a loopback address: no key, no proxy, no redirect.
    """
    if not provider.base_url.startswith("http://"):  # which is allowed for this machine alone
        return ()
    try:
        reply = Transport({}).get_json(provider.base_url, "/models", deadline=Deadline(PATIENCE, time.monotonic))
        found = from_json(reply.body, _Models) if reply.ok else _Models(())
    except (ModelError, msgspec.DecodeError, UnicodeDecodeError):
        return ()
    return tuple(model.id for model in found.data if model.id)
