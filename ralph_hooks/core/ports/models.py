"""Calls to models, and the accounting, prices and redaction around them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Protocol

from msgspec import Struct

from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.ports.sandbox import Workbench
from ralph_hooks.core.route import Model, Phase, Provider, Wire
from ralph_hooks.core.usage import CACHEABLE, Price, Usage, estimate_tokens


class ModelRequest(Struct, frozen=True, kw_only=True):
    """One question to one model, independent of the wire protocol."""

    model: Model
    system: str
    """Instructions that stay the same from call to call, so that a provider's prompt cache can keep them."""
    prompt: str
    schema_name: str
    schema: Mapping[str, Any]
    """JSON Schema of the reply, in the subset that strict structured output takes."""
    max_output: int
    """Tokens the reply may have."""
    omit: frozenset[str] = frozenset()
    """Request fields that this model was seen to reject."""


def marks_instructions(model: Model, system: str) -> bool:
    """Return True if a request to ``model`` marks its instructions for the prompt cache, which bills what it writes.

    The prompt never is: it is asked once, and writing it to the cache costs a quarter more.
    """
    return model.provider.wire is Wire.ANTHROPIC and estimate_tokens(system) >= CACHEABLE


class Completion(Struct, frozen=True, kw_only=True):
    """A model's answer: text that should be JSON, and its usage (None if the provider did not report it)."""

    text: str
    usage: Usage | None


class ModelClient(Protocol):
    """Client of a model. Raises nothing but `core.model_errors.ModelError`."""

    def ready(self, model: Model) -> None:
        """Raise NoCredential or Misconfigured if a call to ``model`` could not even be sent."""
        ...

    def prepare(self, model: Model) -> None:
        """Load what a call to ``model`` needs in the background, beside other work. Sends nothing and never fails."""
        ...

    def complete(self, request: ModelRequest, deadline: Deadline) -> Completion:
        """Send one request: no retry, no fallback."""
        ...

    def run_agent(self, agent: Model, task: str, bench: Workbench, deadline: Deadline) -> Completion:
        """Run a coding agent on the scratch copy ``bench``. The text is its reply; its edits are in ``bench``."""
        ...


class BatchAnswer(Struct, frozen=True):
    """A provider's answer to one request of a batch: an HTTP status and a JSON body."""

    status: int
    body: bytes


class BatchClient(ModelClient, Protocol):
    """Client of models that can also be asked in batches. Raises nothing but `core.model_errors.ModelError`."""

    def submit(self, provider: Provider, requests: Mapping[str, ModelRequest], deadline: Deadline) -> str:
        """Submit ``requests``, by custom id, and return the id of the batch."""
        ...

    def collect(self, provider: Provider, batch: str, deadline: Deadline) -> Mapping[str, BatchAnswer] | None:
        """Return the answers by custom id; None until the batch has ended."""
        ...

    def read(self, request: ModelRequest, answer: BatchAnswer) -> Completion:
        """Return what ``answer`` says to ``request``; raises as `complete`."""
        ...


class Batch(Protocol):
    """Requests that are collected instead of sent."""

    marker: str
    """The marker around data in all of its prompts."""

    def claim(self, phase: Phase, request: ModelRequest, worst: Usage) -> None:
        """Return if the answer to ``request`` is available now. Raises Batched if it comes later."""
        ...


class Reservation(Struct, frozen=True, kw_only=True):
    """A call that is about to be made, at its worst case."""

    run: str
    phase: Phase
    model: str
    worst_usd: Decimal | None
    """None if the model's price is not known."""
    agent: bool = False
    """True if it is a program that reports its cost only at its end, if at all."""


class Ledger(Protocol):
    """Every call, before and after it is made. Budgets are kept here, across threads and processes."""

    def reserve(self, reservation: Reservation) -> int:
        """Record the call at its worst case and return its id. Raises BudgetReached, then nothing was recorded."""
        ...

    def settle(self, call: int, usage: Usage | None, cost_usd: Decimal | None, outcome: str, seconds: float) -> None:
        """Replace the maximum cost with the actual usage."""
        ...

    def remembered(self, phase: Phase, model: str, count: int = 1) -> None:
        """Record that ``count`` answers of ``model`` came from the cache."""
        ...


class Booked(Struct, frozen=True, kw_only=True):
    """A call that is over, as the ledger keeps it."""

    phase: Phase
    model: str
    usage: Usage | None
    """None if the usage is unknown; the call then counts at its maximum."""
    cost_usd: Decimal | None
    """US dollars; None if it is not known."""
    outcome: str
    seconds: float


class GrantingLedger(Ledger, Protocol):
    """A ledger that can also give money away to be spent elsewhere."""

    def replace(self, call: int, calls: Sequence[Booked]) -> None:
        """Replace a reservation with ``calls``, which together cost no more. No budget is checked."""
        ...


class Prices(Protocol):
    """Prices of models."""

    def price(self, model: Model) -> Price | None:
        """Return the price in US dollars per million tokens; None if it is not known."""
        ...


class Redactor(Protocol):
    """Last filter on everything that is sent."""

    def mask(self, text: str) -> str:
        """Return ``text`` with each secret replaced by a placeholder, the same one for the same secret."""
        ...
