"""Which model answers which phase: providers, models and the chain a phase falls back along."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache

import msgspec
from msgspec import Struct

PLACEHOLDER = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
"""An environment variable in a header or a built-in URL: ``${PORTKEY_CONFIG}``."""


class Phase(StrEnum):
    """The five questions a model is asked."""

    ANALYZE = "analyze"
    VERIFY = "verify"
    PLAN = "plan"
    IMPLEMENT = "implement"
    FIX = "fix"


class Wire(StrEnum):
    """Protocol of a provider."""

    OPENAI = "openai"
    """OpenAI-compatible chat completions."""
    RESPONSES = "openai-responses"
    """OpenAI responses, for models that chat completions do not serve."""
    ANTHROPIC = "anthropic"
    """Anthropic messages."""
    AGENT = "agent"
    """A coding agent's command line: repairs in a scratch copy, answers in an empty folder."""


class Auth(StrEnum):
    """The header that carries the key."""

    BEARER = "bearer"
    """``Authorization: Bearer KEY``."""
    X_API_KEY = "x-api-key"
    API_KEY = "api-key"
    """Azure."""
    NONE = "none"
    """None of these: the headers of the configuration carry what is needed."""


class Structured(StrEnum):
    """Mechanism by which a provider returns the requested shape."""

    JSON_SCHEMA = "json-schema"
    JSON_OBJECT = "json-object"
    TOOL = "tool"
    NONE = "none"


SHAPE_FIELDS = frozenset({"response_format", "output_config", "text", "tools", "tool_choice"})
"""Request fields of all wires that carry the shape; without them the prompt has to describe it."""


class Provider(Struct, frozen=True, kw_only=True):
    """One place where models are served."""

    name: str
    wire: Wire
    base_url: str = ""
    """Up to and without the endpoint: ``https://api.openai.com/v1``. Empty for an agent.

    In the built-in table ``${NAME}`` stands for a variable that the vendor documents, such as a region.
    """
    api_key_env: str = ""
    """The environment variable that holds the key; empty if none is needed (a local server)."""
    api_key_command: tuple[str, ...] = ()
    """A program that prints a key which is valid for some time; used where ``api_key_env`` gives none."""
    api_key_ttl: float = 900.0
    """Seconds after which a printed key is fetched again."""
    auth: Auth | None = None
    """None for the usual header of the wire."""
    headers: Mapping[str, str] = {}
    """Extra request headers; ``${NAME}`` in a value stands for an environment variable."""
    query: Mapping[str, str] = {}
    """Query string: the part of the URL after ``?``."""
    client_cert: str = ""
    """A PEM file with the client certificate that a server requires, and with its key unless ``client_key``."""
    client_key: str = ""
    """A PEM file with the private key of ``client_cert``."""
    command: tuple[str, ...] = ()
    """A coding agent's program and its arguments; ``{task}`` stands for a file with the task."""
    ask: tuple[str, ...] = ()
    """A coding agent's command that answers one question; empty if it only repairs. See `providers.agents.ask`."""
    files: Mapping[str, str] = {}
    """Files that ``ask`` finds in its folder, by relative path."""
    variables: Mapping[str, str] = {}
    """Environment variables that ``ask`` runs with, such as one that keeps the agent from updating itself."""
    environment: tuple[str, ...] = ()
    """Names of variables passed to a coding agent, besides the key and those that every program needs."""
    structured: Structured = Structured.JSON_SCHEMA
    token_limit: str = "max_tokens"
    """The request field that caps the reply: ``max_tokens`` or ``max_completion_tokens``."""
    temperature: bool = True
    """True if a temperature may be sent."""
    quick: Mapping[str, object] = {}
    """Extra request fields that turn a model's reasoning down for a quick gate."""
    context: int = 128_000
    """Tokens that a request and its reply may fill together."""
    cuts: bool = False
    """True if the server silently cuts longer requests (as Ollama does), so that none may be sent."""
    batch: bool = False
    """True if the provider has the batch API of its wire, at half the price."""
    catalogue: str = ""
    """The provider's id in the price catalogue (genai-prices); empty if it has none."""

    def __hash__(self) -> int:
        return hash((self.name, self.base_url))  # `quick` holds JSON values, which are not hashable

    @property
    def named_variables(self) -> tuple[str, ...]:
        """The environment variables whose values are sent in headers."""
        return tuple(dict.fromkeys(name for value in self.headers.values() for name in PLACEHOLDER.findall(value)))


class Model(Struct, frozen=True):
    """A model at a provider, written ``provider/name`` and split at the first slash."""

    provider: Provider
    name: str

    @property
    def id(self) -> str:
        """``provider/name``, as in the configuration, the ledger and reports."""
        return f"{self.provider.name}/{self.name}"


@lru_cache(maxsize=64)
def settings_key(model: Model) -> str:
    """Name ``model`` with every setting that its answers depend on, for the keys of cached answers.

    All settings count but those that only say who asks and what it costs, so that a new one is not forgotten.
    """
    plain = Provider(name=model.provider.name, wire=model.provider.wire)
    neutral = {name: getattr(plain, name) for name in _NO_PART_OF_AN_ANSWER}
    settings = msgspec.json.encode(msgspec.structs.replace(model.provider, **neutral), order="sorted")
    return f"{model.id} {hashlib.blake2b(settings, digest_size=16).hexdigest()}"


_NO_PART_OF_AN_ANSWER = (
    "api_key_env", "api_key_command", "api_key_ttl", "auth", "client_cert", "client_key", "batch",
    "catalogue",
)  # fmt: skip


Chain = tuple[Model, ...]
"""Models for one phase in the order they are tried; the next one only when the one before is unavailable."""


class Route(Struct, frozen=True):
    """Models for one path: a chain for every phase that has one, or nothing at all."""

    chains: Mapping[Phase, Chain]
    skip: bool
    reason: str
    """Which line of the configuration chose it, for people."""
    guidelines: tuple[str, ...] = ()
    """Files with the project's review rules for it, or ``FILE#Heading``."""

    def chain(self, phase: Phase) -> Chain:
        """Return the models for ``phase``; empty if none is configured."""
        return self.chains.get(phase, ())
