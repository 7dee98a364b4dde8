"""Which models a server on this machine has: one request to it, answered at once or not at all."""

from __future__ import annotations

from urllib.parse import urlsplit

import msgspec

from ralph_hooks.core.faults import Misconfigured
from ralph_hooks.core.route import Provider
from ralph_hooks.core.shape import from_json
from ralph_hooks.providers.http import check_url

PATIENCE = 0.5
"""Seconds for each step of the exchange: who is on this machine answers within them."""
_MAX_BODY = 1 << 20  # bytes of a list of models


class _Model(msgspec.Struct, frozen=True):
    id: str


class _Models(msgspec.Struct, frozen=True):
    data: tuple[_Model, ...]


def served(provider: Provider) -> tuple[str, ...]:
    """The names of the models that ``provider`` has; empty where nobody answers, or somebody else.

    Nothing is sent but the request, and only to a loopback address: no key, no proxy, no redirect.
    """
    from http.client import HTTPConnection, HTTPException

    parts = urlsplit(provider.base_url)
    try:
        check_url(provider.base_url)
    except Misconfigured:
        return ()
    if parts.scheme != "http" or not parts.hostname:  # plain http is allowed for this machine alone
        return ()
    connection = HTTPConnection(parts.hostname, parts.port or 80, timeout=PATIENCE)
    try:
        connection.request("GET", f"{parts.path.rstrip('/')}/models", headers={"Accept": "application/json"})
        response = connection.getresponse()
        if response.status != 200:  # noqa: PLR2004 - OK
            return ()
        found = from_json(response.read(_MAX_BODY), _Models)
    except (OSError, HTTPException, msgspec.DecodeError, UnicodeDecodeError):
        return ()
    finally:
        connection.close()
    return tuple(model.id for model in found.data if model.id)
