"""Which model answers which phase: providers, models and the chain a phase falls back along."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct


class Phase(StrEnum):
    """The five questions a model is asked."""

    ANALYZE = "analyze"
    VERIFY = "verify"
    PLAN = "plan"
    IMPLEMENT = "implement"
    FIX = "fix"


class Wire(StrEnum):
    """How a provider is spoken to."""

    OPENAI = "openai"
    """OpenAI-compatible chat completions."""
    ANTHROPIC = "anthropic"
    """Anthropic messages."""
    AGENT = "agent"
    """A coding agent's command line, run inside a scratch copy; for the implement and fix phases only."""


class Structured(StrEnum):
    """How a provider is made to answer in the shape that was asked for."""

    JSON_SCHEMA = "json-schema"
    JSON_OBJECT = "json-object"
    TOOL = "tool"
    NONE = "none"


SHAPE_FIELDS = frozenset({"response_format", "output_config", "tools", "tool_choice"})
"""Request fields of both wires that carry the shape; where one had to be left out, it has to be told in words."""


class Provider(Struct, frozen=True, kw_only=True):
    """One place where models are served."""

    name: str
    wire: Wire
    base_url: str = ""
    """Up to and without the endpoint: ``https://api.openai.com/v1``. Empty for an agent."""
    api_key_env: str = ""
    """The environment variable that holds the key; empty where none is needed (a local server)."""
    command: tuple[str, ...] = ()
    """A coding agent's program and its arguments; ``{task}`` stands for a file with the task."""
    environment: tuple[str, ...] = ()
    """Names of variables that a coding agent gets to see besides the key and what every program needs."""
    structured: Structured = Structured.JSON_SCHEMA
    token_limit: str = "max_tokens"
    """The request field that caps the reply: ``max_tokens`` or ``max_completion_tokens``."""
    temperature: bool = True
    """Whether a temperature may be sent."""
    quick: Mapping[str, object] = {}
    """Extra request fields that turn a model's reasoning down for a quick gate."""
    context: int = 128_000
    """Tokens that a request and its reply may fill together."""
    cuts: bool = False
    """Whether it cuts what is longer in silence (Ollama does), so that nothing longer may be sent."""
    catalogue: str = ""
    """The provider's id in the price catalogue (genai-prices); empty where it has none."""

    def __hash__(self) -> int:
        return hash((self.name, self.base_url))  # `quick` holds what JSON holds, which has no hash


class Model(Struct, frozen=True):
    """A model at a provider, written ``provider/name`` and split at the first slash."""

    provider: Provider
    name: str

    @property
    def id(self) -> str:
        """``provider/name``, as in the configuration, the ledger and reports."""
        return f"{self.provider.name}/{self.name}"


Chain = tuple[Model, ...]
"""Models for one phase in the order they are tried; the next one only when the one before is unavailable."""


class Route(Struct, frozen=True):
    """What serves one path: a chain for every phase that has one, or nothing at all."""

    chains: Mapping[Phase, Chain]
    skip: bool
    reason: str
    """Which line of the configuration chose it, for people."""

    def chain(self, phase: Phase) -> Chain:
        """The models for ``phase``; empty where none is configured."""
        return self.chains.get(phase, ())
