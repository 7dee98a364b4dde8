"""A log of requests and answers, for debugging and only when the user enables it."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.model_errors import ModelError
from ralph_hooks.core.ports.models import Completion, ModelClient, ModelRequest
from ralph_hooks.core.ports.sandbox import Workbench
from ralph_hooks.core.route import Model

_OWNER = 0o600


class BodyKeeper:
    """Implements `core.ports.models.ModelClient`: passes everything on and writes each exchange to a file of its own.

    The files hold code under review, with secrets masked as they were sent, and no keys. ``folder`` is made when the
    first one is written, for its owner alone.
    """

    def __init__(self, client: ModelClient, folder: Path) -> None:
        self._client = client
        self._numbers = itertools.count(1)
        self.folder = folder

    def ready(self, model: Model) -> None:
        """Do the same as the client."""
        self._client.ready(model)

    def prepare(self, model: Model) -> None:
        """Prepare as the client does."""
        self._client.prepare(model)

    def complete(self, request: ModelRequest, deadline: Deadline) -> Completion:
        """Send the request and log it with its answer. Raises as the client, and OSError where it cannot be written."""
        asked = {
            "model": request.model.id,
            "system": request.system,
            "prompt": request.prompt,
            "schema": request.schema,
            "max_output": request.max_output,
        }
        return self._kept(request.schema_name, asked, lambda: self._client.complete(request, deadline))

    def run_agent(self, agent: Model, task: str, bench: Workbench, deadline: Deadline) -> Completion:
        """Log as `complete` does: the task, and the agent's answer."""
        asked = {"model": agent.id, "prompt": task}
        return self._kept("agent", asked, lambda: self._client.run_agent(agent, task, bench, deadline))

    def _kept(self, name: str, asked: Mapping[str, object], ask: Callable[[], Completion]) -> Completion:
        reply = ""
        try:
            completion = ask()
            reply = completion.text
        except ModelError as fault:
            reply = f"({fault.outcome}) {fault}"
            raise
        else:
            return completion
        finally:
            self._keep(name, {**asked, "reply": reply})

    def _keep(self, name: str, exchange: Mapping[str, object]) -> None:
        for folder in (self.folder.parent, self.folder):  # with parents=True the first would be as the umask has it
            folder.mkdir(mode=0o700, exist_ok=True)
        path = self.folder / f"{next(self._numbers):04}-{name}.json"
        text = msgspec.json.format(msgspec.json.encode({k: _whole(v) for k, v in exchange.items()}))
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER)
        with os.fdopen(descriptor, "wb") as file:
            file.write(text)


def _whole(value: object) -> object:
    """Return the value without lone surrogates, from bytes that are not UTF-8, which JSON cannot hold."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
