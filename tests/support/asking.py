"""Questions to the scripted model server, through the product's own client."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import msgspec

from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.ports.models import Completion, ModelRequest
from ralph_hooks.core.route import Model, Provider, Wire
from ralph_hooks.providers import registry
from tests.support.patience import PATIENCE
from tests.support.server import ModelServer

WIRES = ("openai", "openai-responses", "anthropic")
KEY_NAME = "SCRIPTED_KEY"
KEY = "sk-made-up-0123456789abcdefghijklmnop"
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"findings": {"type": "array", "items": {"type": "string"}}},
    "required": ["findings"],
    "additionalProperties": False,
}


def provider(wire: str, url: str, **changes: object) -> Provider:
    """Return a provider without any quirks, served at ``url``."""
    plain = Provider(name="scripted", wire=Wire(wire), base_url=url, api_key_env=KEY_NAME)
    return msgspec.structs.replace(plain, **changes)


def model(wire: str, url: str, **changes: object) -> Model:
    return Model(provider(wire, url, **changes), "small-1")


def question(to: Model, **changes: object) -> ModelRequest:
    plain = ModelRequest(
        model=to,
        system="You review changes.",
        prompt="BEGIN x\n### a.py\n+1 eval(line)\nEND x",
        schema_name="analyze",
        schema=SCHEMA,
        max_output=256,
    )
    return msgspec.structs.replace(plain, **changes)


def deadline(seconds: float = PATIENCE) -> Deadline:
    return Deadline(seconds, time.monotonic)


def deadline_from(server: ModelServer, seconds: float, *, request: int = 1) -> Deadline:
    """In ``seconds`` from when ``server`` gets this ``request``: a busy machine may take longer to send it."""

    def clock() -> float:
        asked = server.requests[request - 1 :]
        return max(0.0, time.monotonic() - asked[0].at) if asked else 0.0

    return Deadline(seconds, clock)


def ask(
    to: Model, until: Deadline | None = None, *, environ: Mapping[str, str] | None = None, **changes: object
) -> Completion:
    """Ask once, through a client of its own."""
    client = registry.client({KEY_NAME: KEY, **(environ or {})})
    return client.complete(question(to, **changes), until or deadline())
