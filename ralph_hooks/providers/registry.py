"""The built-in providers, and the one object that speaks to all of them.

Every commit reads the table, but most make no call: what a call needs is imported when there is one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.model_errors import Misconfigured, ModelError, NoCredential
from ralph_hooks.core.ports.models import Completion, ModelClient, ModelRequest
from ralph_hooks.core.ports.sandbox import Workbench
from ralph_hooks.core.route import Model, Provider, Wire

if TYPE_CHECKING:
    from ralph_hooks.providers.transport import Transport

_TABLE = Path(__file__).with_name("providers.toml")
_MASK = "[key]"
_SHORTEST_KEY = 12  # characters: a local server takes any word for one, which may be a word of its answer
_SENTENCE = 280  # characters of a fault: providers' own words can run to pages, and their point comes first


@lru_cache(maxsize=1)
def built_in() -> Mapping[str, Provider]:
    """The providers that need no definition, by name."""
    import tomli

    tables = tomli.loads(_TABLE.read_text(encoding="utf-8"))
    return {name: msgspec.convert(table | {"name": name}, Provider) for name, table in tables.items()}


def client(environ: Mapping[str, str], proxy: str = "") -> ModelClient:
    """The way to every model. Keys and certificates are looked up in ``environ``; ``proxy`` as `proxy.proxy_for`."""
    return _Client(environ, proxy)


def obstacle(model: Model, environ: Mapping[str, str]) -> str:
    """Why ``model`` could not even be asked, for people; empty where it could. A look that imports nothing heavy."""
    from ralph_hooks.providers import agent

    name = model.provider.api_key_env
    try:
        if name and not (environ.get(name) or _from_keyring(name)):
            return f"no key for {model.provider.name}: set {name}"
        if model.provider.wire is Wire.AGENT:
            agent.ready(model, environ)
    except ModelError as fault:
        return str(fault)
    return ""


class WireFormat(Protocol):
    """What a module for one wire format offers."""

    PATH: str
    """The endpoint, after the provider's base URL."""
    REQUIRED: frozenset[str]
    """Request fields that cannot be left out."""

    def headers(self, key: str) -> dict[str, str]:
        """The headers that carry ``key``, which may be empty."""
        ...

    def body(self, request: ModelRequest) -> dict[str, Any]:
        """The JSON body that asks ``request``."""
        ...

    def completion(self, data: bytes, model: Model) -> Completion:
        """The answer in the body of a reply with a status of success. Raises ModelError where there is none."""
        ...


class _Client:
    """Implements `core.ports.models.ModelClient`. Safe from several threads, which share its connections."""

    def __init__(self, environ: Mapping[str, str], proxy: str) -> None:
        self._environ = environ
        self._proxy = proxy
        self._lock = threading.Lock()
        self._transport: Transport | None = None

    def ready(self, model: Model) -> None:
        if model.provider.wire is Wire.AGENT:
            from ralph_hooks.providers import agent

            agent.ready(model, self._environ)
        else:
            from ralph_hooks.providers.transport import check_url

            _wire(model)
            check_url(model.provider.base_url)
        self._key(model.provider)

    def complete(self, request: ModelRequest, deadline: Deadline) -> Completion:
        wire = _wire(request.model)
        key = self._key(request.model.provider)
        return _without(key, lambda: self._ask(request, wire, key, deadline))

    def run_agent(self, agent: Model, task: str, bench: Workbench, deadline: Deadline) -> Completion:
        from ralph_hooks.providers.agent import run_agent

        key = self._key(agent.provider)
        return _without(key, lambda: run_agent(agent, task, bench, deadline, environ=self._environ, key=key))

    def _ask(self, request: ModelRequest, wire: WireFormat, key: str, deadline: Deadline) -> Completion:
        from ralph_hooks.providers.errors import from_error_reply

        body = wire.body(request)
        reply = self._connections().post_json(
            request.model.provider.base_url, wire.PATH, headers=wire.headers(key), body=body, deadline=deadline
        )
        if not reply.ok:
            raise from_error_reply(reply, request.model, sent=body.keys() - wire.REQUIRED)
        return wire.completion(reply.body, request.model)

    def _connections(self) -> Transport:
        from ralph_hooks.providers.transport import Transport

        with self._lock:
            if self._transport is None:
                self._transport = Transport(self._environ, self._proxy)
            return self._transport

    def _key(self, provider: Provider) -> str:
        """The key for ``provider``; empty where it takes none."""
        name = provider.api_key_env
        if not name:
            return ""
        key = self._environ.get(name, "") or _from_keyring(name)
        if not key:
            raise NoCredential(f"no key for {provider.name}: set {name}")
        if not (key.isascii() and key.isprintable()) or " " in key:
            raise Misconfigured(
                f"the key in {name} is malformed: it has a space, a line break or a character outside ASCII"
            )
        return key


KEYRING = "ralph-hooks"
"""The service that keys are stored under in the system's keyring: ``keyring set ralph-hooks OPENROUTER_API_KEY``."""


def _from_keyring(name: str) -> str:
    """The key of that name from the system's keyring, where the keyring package is installed; empty otherwise."""
    from importlib.util import find_spec

    if find_spec("keyring") is None:
        return ""
    import keyring
    from keyring.errors import KeyringError, NoKeyringError

    try:
        return keyring.get_password(KEYRING, name) or ""
    except NoKeyringError:
        return ""
    except KeyringError as error:  # locked: that is not "no key"
        raise NoCredential(f"{name} is not set, and the system's keyring does not answer ({error})") from error


def _without(key: str, ask: Callable[[], Completion]) -> Completion:
    """What comes of ``ask``, without the key where a server repeats it: answers and faults are shown and kept."""
    try:
        completion = ask()
    except ModelError as fault:
        fault.args = (_presentable(str(fault), key),)
        raise
    if len(key) < _SHORTEST_KEY:
        return completion
    return msgspec.structs.replace(completion, text=completion.text.replace(key, _MASK))


def _presentable(sentence: str, key: str) -> str:
    """``sentence`` without the key, which a server may repeat, and then cut to a length for people."""
    masked = sentence.replace(key, _MASK) if key else sentence
    return masked if len(masked) <= _SENTENCE else masked[: _SENTENCE - 1] + "…"


def _wire(model: Model) -> WireFormat:
    """How ``model`` is spoken to."""
    from ralph_hooks.providers import anthropic, openai

    match model.provider.wire:
        case Wire.OPENAI:
            return openai
        case Wire.ANTHROPIC:
            return anthropic
    raise Misconfigured(f"{model.provider.name} is a coding agent and answers no single requests: choose a model")
