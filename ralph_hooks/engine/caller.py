"""The one way to a model: redaction, budget, deadline, retries, fallback and ledger cannot be passed by."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TypeVar

from msgspec import Struct

from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.faults import (
    DeadlineReached,
    Denied,
    Misconfigured,
    ModelFault,
    RateLimited,
    Rejected,
    TooLarge,
    Truncated,
    Unreachable,
    Unreadable,
)
from ralph_hooks.core.ports import Ledger, ModelClient, ModelRequest, Prices, Redactor, Reservation, Store
from ralph_hooks.core.route import Chain, Model, Phase, Structured
from ralph_hooks.core.schema import strict_schema
from ralph_hooks.core.usage import Call, Price, Usage, estimate_tokens
from ralph_hooks.errors import RalphError
from ralph_hooks.phases.question import Question, strip_fence

Reply = TypeVar("Reply")

RETRIES = 2
"""How often one model is tried again after an outage."""
_BACKOFF = 0.3  # seconds before the first retry, doubled for the second, plus up to as much again at random

_REASK = """

Your last reply could not be used: {problem}. Answer again, in JSON of exactly the shape that was asked for."""


class Unanswered(Exception):
    """No model of the chain gave a usable reply. ``str()`` is for the user: every model with what happened."""

    def __init__(self, faults: Sequence[tuple[str, ModelFault]]) -> None:
        super().__init__("; ".join(dict.fromkeys(f"{model}: {fault}" for model, fault in faults)))
        self.faults = tuple(faults)


class _Send(Struct):
    """How the next try of one model differs from the first."""

    room: int
    omit: frozenset[str]
    retries: int = 0
    widened: bool = False
    problem: str = ""


class Caller:
    """Asks models along a chain and keeps the books. Safe from several threads."""

    def __init__(
        self,
        *,
        client: ModelClient,
        store: Store,
        ledger: Ledger,
        prices: Prices,
        redactor: Redactor,
        deadline: Deadline,
        run: str,
        sleep: Callable[[float], None],
    ) -> None:
        self._client = client
        self._store = store
        self._ledger = ledger
        self._prices = prices
        self._redactor = redactor
        self.deadline = deadline
        self._run = run
        self._sleep = sleep
        self._lock = threading.Lock()
        self._calls: list[Call] = []
        self._open: dict[int, tuple[ModelRequest, Price | None, float]] = {}

    @property
    def calls(self) -> tuple[Call, ...]:
        """Every call so far, failed ones too."""
        with self._lock:
            return tuple(self._calls)

    def marker(self) -> str:
        """A word that the author of a change cannot foresee, and too short for the secret scan to take it for a key."""
        return os.urandom(5).hex()

    def remembered(self, phase: Phase, model: str, count: int = 1) -> None:
        """Put ``count`` answers from the store beside the calls: they cost nothing."""
        self._ledger.remembered(phase, model, count)
        call = Call(
            phase=phase.value,
            model=model,
            input_tokens=0,
            cached_input_tokens=0,
            output_tokens=0,
            cost_usd=Decimal(0),
            seconds=0.0,
            outcome="ok",
            from_store=True,
        )
        with self._lock:
            if call not in self._calls:
                self._calls.append(call)

    def ask(self, question: Question[Reply], chain: Chain) -> tuple[Reply, Model]:
        """The first usable reply along ``chain``, and who gave it.

        Raises Unanswered, TooLarge where the question can be divided, and RalphError where only the user can help.
        """
        faults: list[tuple[str, ModelFault]] = []
        denied: set[str] = set()
        for model in chain:
            if model.provider.api_key_env in denied:
                continue
            try:
                self._client.ready(model)
                return self._ask_model(question, model), model
            except Misconfigured as fault:
                raise RalphError(f"{model.id}: {fault}", "mend the provider's settings, then commit again") from fault
            except TooLarge as fault:
                if question.divisible:
                    raise
                faults.append((model.id, fault))
            except DeadlineReached as fault:
                faults.append((model.id, fault))
                break
            except Denied as fault:
                denied.add(model.provider.api_key_env)
                faults.append((model.id, fault))
            except ModelFault as fault:
                faults.append((model.id, fault))
        raise Unanswered(faults)

    def abandon(self) -> None:
        """Close the books on calls that are still under way: the deadline came, so they count at their worst case."""
        with self._lock:
            pending, self._open = self._open, {}
        for call, (request, price, started) in pending.items():
            self._book(call, request, price, _worst(request), DeadlineReached.outcome, started)

    def _ask_model(self, question: Question[Reply], model: Model) -> Reply:
        """One model, and all that may be tried on it again."""
        quirks = f"quirks/{model.id}/{model.provider.base_url}"
        known = self._store.get([quirks]).get(quirks, b"").decode()
        send = _Send(room=question.max_output, omit=frozenset(known.split()))
        while True:
            try:
                return self._send(question, model, send)
            except ModelFault as fault:
                omitted = send.omit
                if not self._amend(send, fault):
                    raise
                if send.omit != omitted:
                    self._store.put({quirks: " ".join(sorted(send.omit)).encode()})

    def _amend(self, send: _Send, fault: ModelFault) -> bool:
        """Make ``send`` what is worth trying after ``fault``; False where nothing is."""
        match fault:
            case Unreachable():
                return self._wait_for_retry(send, None)
            case RateLimited(retry_after=float() as seconds):
                return self._wait_for_retry(send, seconds)
            case Rejected(parameter=str() as field) if field not in send.omit:
                send.omit |= {field}
                return True
            case Truncated() if not send.widened:
                send.widened = True
                send.room *= 2
                return True
            case Unreadable() if not send.problem:
                send.problem = str(fault)
                return True
        return False

    def _wait_for_retry(self, send: _Send, seconds: float | None) -> bool:
        """Wait before another try; False where none is left or the deadline would come first."""
        if send.retries >= RETRIES:
            return False
        if seconds is None:
            import random  # for an outage alone

            seconds = _BACKOFF * 2**send.retries * (1 + random.random())  # noqa: S311 - jitter
        if seconds >= self.deadline.remaining():
            return False
        send.retries += 1
        self._sleep(seconds)
        return True

    def _send(self, question: Question[Reply], model: Model, send: _Send) -> Reply:
        if self.deadline.passed:
            raise DeadlineReached("the deadline was reached")
        request = self._request(question, model, send)
        price = self._prices.price(model)
        worst = price.cost(_worst(request)) if price else None
        call = self._ledger.reserve(
            Reservation(run=self._run, phase=question.phase, model=model.id, worst_usd=worst),
        )
        started = self.deadline.clock()
        with self._lock:
            self._open[call] = (request, price, started)
        usage: Usage | None = None
        outcome = "abandoned"
        billed = True
        try:
            completion = self._client.complete(request, self.deadline)
            usage = completion.usage
            value = question.read(strip_fence(completion.text))
            outcome = "ok"
        except ModelFault as fault:
            outcome, billed, usage = fault.outcome, fault.billed, usage or fault.usage
            raise
        else:
            return value
        finally:
            if usage is None:
                usage = _worst(request) if billed else Usage(input_tokens=0, output_tokens=0)
            self._settle(call, usage, outcome)

    def _request(self, question: Question[Reply], model: Model, send: _Send) -> ModelRequest:
        schema = strict_schema(question.shape)
        system = question.system
        if model.provider.structured in {Structured.NONE, Structured.JSON_OBJECT}:
            import msgspec

            system += f"\nJSON Schema of the answer: {msgspec.json.encode(schema).decode()}"
        prompt = question.prompt + (_REASK.format(problem=send.problem) if send.problem else "")
        return ModelRequest(
            model=model,
            system=system,
            prompt=self._redactor.mask(prompt),
            schema_name=question.phase.value,
            schema=schema,
            max_output=send.room,
            omit=send.omit,
        )

    def _settle(self, call: int, usage: Usage, outcome: str) -> None:
        with self._lock:
            pending = self._open.pop(call, None)
        if pending is not None:  # else it was abandoned, and is in the books
            self._book(call, pending[0], pending[1], usage, outcome, pending[2])

    def _book(
        self, call: int, request: ModelRequest, price: Price | None, usage: Usage, outcome: str, started: float
    ) -> None:
        seconds = self.deadline.clock() - started
        cost = _cost(price, usage)
        self._ledger.settle(call, usage, cost, outcome, seconds)
        with self._lock:
            self._calls.append(
                Call(
                    phase=request.schema_name,
                    model=request.model.id,
                    input_tokens=usage.input_tokens,
                    cached_input_tokens=usage.cached_input_tokens,
                    output_tokens=usage.output_tokens,
                    cost_usd=cost,
                    seconds=round(seconds, 3),
                    outcome=outcome,
                )
            )


def _cost(price: Price | None, usage: Usage) -> Decimal | None:
    if price is not None:
        return price.cost(usage)
    if usage.input_tokens == usage.output_tokens == 0:
        return Decimal(0)  # nothing was used, whatever the price
    return usage.reported_usd


def _worst(request: ModelRequest) -> Usage:
    """The most a call can use: the whole request at full price, and a reply that fills its room."""
    prompt = estimate_tokens(request.system) + estimate_tokens(request.prompt) + estimate_tokens(str(request.schema))
    return Usage(input_tokens=prompt * 4 // 3, output_tokens=request.max_output, estimated=True)
