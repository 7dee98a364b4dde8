"""The built-in providers, and the one client for all of them.

Every commit reads the table, but most make no call: what a call needs is imported when there is one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import msgspec

from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.model_errors import Denied, Misconfigured, ModelError
from ralph_hooks.core.ports.models import BatchAnswer, BatchClient, Completion, ModelRequest
from ralph_hooks.core.ports.sandbox import Workbench
from ralph_hooks.core.route import Auth, Model, Provider, Wire
from ralph_hooks.providers.credentials import Credentials
from ralph_hooks.providers.endpoint import Endpoint, endpoint, key_header

if TYPE_CHECKING:
    from ralph_hooks.providers.batches import Send
    from ralph_hooks.providers.transport import Reply, Transport

Result = TypeVar("Result")

_TABLE = Path(__file__).with_name("providers.toml")
_AGENTS = Path(__file__).parent / "agents" / "agents.toml"
_MASK = "[key]"
_SHORTEST_KEY = 12  # characters: a local server takes any text for a key, which may also occur in its answer
_SENTENCE = 280  # characters of an error: providers' messages can run to pages, and their point comes first


@lru_cache(maxsize=1)
def built_in() -> Mapping[str, Provider]:
    """Return the providers that need no definition, by name."""
    import tomli

    tables = {**tomli.loads(_TABLE.read_text(encoding="utf-8")), **tomli.loads(_AGENTS.read_text(encoding="utf-8"))}
    return {name: msgspec.convert(table | {"name": name}, Provider) for name, table in tables.items()}


def client(environ: Mapping[str, str], proxy: str = "", *, programs: bool = True) -> BatchClient:
    """Return a client for every model. It reads keys and certificates from ``environ``; ``proxy`` as `proxy.proxy_for`.

    Without ``programs`` neither agents nor key commands are started, whatever a provider configures.
    """
    return _Client(environ, proxy, programs=programs)


def obstacle(model: Model, environ: Mapping[str, str]) -> str:
    """Return why ``model`` could not even be asked, for people; empty if it could.

    A look that imports nothing heavy.
    """
    from ralph_hooks.providers.agents import program

    try:
        Credentials(environ).require(model.provider)
        if model.provider.wire is Wire.AGENT:
            program.ready(model, environ)
        else:
            endpoint(model.provider, environ)
    except ModelError as fault:
        return str(fault)
    return ""


class WireFormat(Protocol):
    """The functions that a module for one wire format provides."""

    PATH: str
    """The endpoint, after the provider's base URL."""
    REQUIRED: frozenset[str]
    """Request fields that cannot be left out."""
    AUTH: Auth
    """The header for the key, unless the provider wants another one."""
    HEADERS: dict[str, str]
    """Headers of every request."""

    def body(self, request: ModelRequest) -> dict[str, Any]:
        """Return the JSON body for ``request``."""
        ...

    def completion(self, data: bytes, model: Model) -> Completion:
        """Return the answer in the body of a successful reply. Raises ModelError if there is none."""
        ...


class _Client:
    """Implements `core.ports.models.BatchClient`. Safe from several threads, which share its connections and keys."""

    def __init__(self, environ: Mapping[str, str], proxy: str, *, programs: bool) -> None:
        self._environ = environ
        self._proxy = proxy
        self._programs = programs
        self._credentials = Credentials(environ)
        self._lock = threading.Lock()
        self._transports: dict[tuple[str, str], Transport] = {}
        """By client certificate and its key."""

    def ready(self, model: Model) -> None:
        provider = self._allowed(model.provider)
        self._credentials.require(provider)
        if provider.wire is Wire.AGENT:
            from ralph_hooks.providers.agents import program

            program.ready(model, self._environ)
        else:
            from ralph_hooks.providers.transport import check_url

            _wire(model)
            check_url(endpoint(provider, self._environ).url)

    def prepare(self, model: Model) -> None:
        def load() -> None:
            with suppress(ModelError):  # the call itself reports it
                _wire(model)
                self._connections(provider).prepare(provider.base_url)

        provider = model.provider
        if provider.wire is not Wire.AGENT:
            threading.Thread(target=load).start()  # no daemon: an import may not be cut by the end of the program

    def complete(self, request: ModelRequest, deadline: Deadline) -> Completion:
        provider = self._allowed(request.model.provider)
        if provider.ask:
            return self._ask_agent(request, deadline)
        wire = _wire(request.model)
        target = endpoint(provider, self._environ)
        here = msgspec.structs.replace(provider, base_url=target.url.partition("?")[0])  # as errors name it
        request = msgspec.structs.replace(request, model=Model(here, request.model.name))
        key = self._credentials.get(provider, deadline)
        secrets = [key, *target.secrets]

        def ask() -> Completion:
            try:
                return self._ask(request, wire, target, key, deadline)
            except Denied as error:
                if not error.key_refused:
                    raise
                fresh = self._credentials.renewed(provider, key, deadline)
                if fresh is None:
                    raise
                secrets.append(fresh)
                return self._ask(request, wire, target, fresh, deadline)

        return _without(secrets, ask)

    def run_agent(self, agent: Model, task: str, bench: Workbench, deadline: Deadline) -> Completion:
        from ralph_hooks.providers.agents.repair import run_agent

        key = self._credentials.get(self._allowed(agent.provider), deadline)
        return _without([key], lambda: run_agent(agent, task, bench, deadline, environ=self._environ, key=key))

    def _ask_agent(self, request: ModelRequest, deadline: Deadline) -> Completion:
        from ralph_hooks.providers.agents.ask import ask

        key = self._credentials.get(request.model.provider, deadline)
        return _without([key], lambda: ask(request, deadline, environ=self._environ, key=key))

    def _ask(
        self, request: ModelRequest, wire: WireFormat, target: Endpoint, key: str, deadline: Deadline
    ) -> Completion:
        from ralph_hooks.providers.errors import from_error_reply

        provider = request.model.provider
        body = wire.body(request)
        headers = {**wire.HEADERS, **key_header(provider.auth or wire.AUTH, key), **target.headers}
        reply = self._connections(provider).post_json(
            target.url, wire.PATH, headers=headers, body=body, deadline=deadline
        )
        if not reply.ok:
            raise from_error_reply(reply, request.model, sent=body.keys() - wire.REQUIRED)
        return wire.completion(reply.body, request.model)

    def submit(self, provider: Provider, requests: Mapping[str, ModelRequest], deadline: Deadline) -> str:
        from ralph_hooks.providers import batches

        model = next(iter(requests.values())).model
        wire = _wire(model)
        bodies = {name: wire.body(request) for name, request in requests.items()}
        return self._batched(model, deadline, lambda send: batches.submit(provider.wire, wire.PATH, bodies, send))

    def collect(self, provider: Provider, batch: str, deadline: Deadline) -> Mapping[str, BatchAnswer] | None:
        from ralph_hooks.providers import batches

        return self._batched(
            Model(provider, "batch"), deadline, lambda send: batches.collect(provider.wire, batch, send)
        )

    def read(self, request: ModelRequest, answer: BatchAnswer) -> Completion:
        from ralph_hooks.providers.errors import from_error_reply
        from ralph_hooks.providers.transport import Reply

        wire = _wire(request.model)
        reply = Reply(answer.status, answer.body)
        if not reply.ok:
            raise from_error_reply(reply, request.model, sent=wire.body(request).keys() - wire.REQUIRED)
        return wire.completion(reply.body, request.model)

    def _batched(self, model: Model, deadline: Deadline, act: Callable[[Send], Result]) -> Result:
        """Return the result of ``act``, which sends requests about a batch to the provider of ``model``."""
        from ralph_hooks.providers.errors import from_error_reply

        provider = self._allowed(model.provider)
        wire = _wire(model)
        target = endpoint(provider, self._environ)
        key = self._credentials.get(provider, deadline)

        def once(method: str, path: str, body: bytes | None, content_type: str) -> Reply:
            typed = {"Content-Type": content_type} if content_type else {}
            headers = {**wire.HEADERS, **typed, **key_header(provider.auth or wire.AUTH, key), **target.headers}
            reply = self._connections(provider).send(method, target.url, path, headers, body, deadline)
            if not reply.ok:
                raise from_error_reply(reply, model, sent=frozenset())
            return reply

        def send(method: str, path: str, body: bytes | None, content_type: str) -> Reply:
            nonlocal key
            try:
                return once(method, path, body, content_type)
            except Denied as error:
                fresh = self._credentials.renewed(provider, key, deadline) if error.key_refused else None
                if fresh is None:
                    raise
                key = fresh
            return once(method, path, body, content_type)

        try:
            return act(send)
        except ModelError as fault:
            fault.args = (_presentable(_masked(str(fault), [each for each in (key, *target.secrets) if each])),)
            raise

    def _connections(self, provider: Provider) -> Transport:
        from ralph_hooks.providers.transport import Transport

        cert = (provider.client_cert, provider.client_key)
        with self._lock:
            if cert not in self._transports:
                self._transports[cert] = Transport(self._environ, self._proxy, *cert)
            return self._transports[cert]

    def _allowed(self, provider: Provider) -> Provider:
        """Return ``provider``. Raises Misconfigured if it would start a program and none may be started."""
        if not self._programs and (provider.wire is Wire.AGENT or provider.api_key_command):
            raise Misconfigured(f"{provider.name} runs a program, which cluster workers may not do")
        return provider


def _without(secrets: Sequence[str], ask: Callable[[], Completion]) -> Completion:
    """Return the result of ``ask`` without keys that a server repeats: answers and errors are shown and kept."""
    try:
        completion = ask()
    except ModelError as fault:
        fault.args = (_presentable(_masked(str(fault), [secret for secret in secrets if secret])),)
        raise
    text = _masked(completion.text, [secret for secret in secrets if len(secret) >= _SHORTEST_KEY])
    return msgspec.structs.replace(completion, text=text)


def _masked(text: str, secrets: Sequence[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, _MASK)
    return text


def _presentable(sentence: str) -> str:
    """Return ``sentence``, truncated for people."""
    return sentence if len(sentence) <= _SENTENCE else sentence[: _SENTENCE - 1] + "…"


def _wire(model: Model) -> WireFormat:
    """Return how ``model`` is spoken to."""
    from ralph_hooks.providers import anthropic, openai, openai_responses

    match model.provider.wire:
        case Wire.OPENAI:
            return openai
        case Wire.RESPONSES:
            return openai_responses
        case Wire.ANTHROPIC:
            return anthropic
    raise Misconfigured(
        f"{model.provider.name} has no `ask` command, so it cannot answer single requests: choose a model"
    )
