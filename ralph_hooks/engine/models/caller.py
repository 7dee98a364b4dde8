"""Client of all models. No call bypasses its redaction, budget, deadline, retries, fallback and ledger."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from typing import TypeVar

import msgspec
from msgspec import Struct

from ralph_hooks.core.codec import strict_schema
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.model_errors import (
    BudgetReached,
    DeadlineReached,
    Denied,
    Misconfigured,
    ModelError,
    NoCredential,
    NotFound,
    RateLimited,
    Rejected,
    Skipped,
    TimedOut,
    TooLarge,
    Truncated,
    Unreachable,
    Unreadable,
)
from ralph_hooks.core.ports.models import Batch, Ledger, ModelClient, ModelRequest, Prices, Redactor
from ralph_hooks.core.ports.sandbox import Workbench
from ralph_hooks.core.ports.store import Cache
from ralph_hooks.core.report import Cause
from ralph_hooks.core.route import SHAPE_FIELDS, Chain, Model, Phase, Structured, Wire
from ralph_hooks.core.usage import Call, Usage
from ralph_hooks.engine.cache_keys import text_of
from ralph_hooks.engine.models.call_accounting import ABANDONED, NOTHING, CallAccounting
from ralph_hooks.engine.models.circuit_breaker import CircuitBreaker, Outage
from ralph_hooks.engine.models.token_budget import believed, check_whole, fit_to_context, worst_case
from ralph_hooks.errors import RalphError
from ralph_hooks.phases.question import Question, strip_fence

Reply = TypeVar("Reply")
ByAgent = Callable[[Model, Deadline], Reply]
"""Function by which a coding agent in a chain replies within a deadline: `Caller.employ`, whose faults it raises."""

RETRIES = 2
"""Number of retries of one model after an outage."""
_BACKOFF = 0.3  # seconds before the first retry, doubled for the second, plus up to as much again at random
_SHARE = 0.5  # of the time that is left, for a model with others behind it: the next one has to get its turn
_PROBE = 0.25  # the same for one that failed a moment ago
_BLAMED = 0.5  # of the run's deadline: a call that took as long and was cut off says that the model is down

_REASK = """

Your last reply could not be used: {problem}. Answer again, in JSON of exactly the shape that was asked for."""


class Unanswered(Exception):
    """No model of the chain gave a usable reply. ``str()`` lists each model with its fault, for the user."""

    def __init__(self, faults: Mapping[str, ModelError]) -> None:
        super().__init__("; ".join(f"{model}: {fault}" for model, fault in faults.items()))
        self.faults = faults
        """By model, in the order of the chain."""

    @property
    def cause(self) -> Cause:
        """Reason why no model was called: the user's budget, keys that the user does not have, or else an outage."""
        for kind, cause in ((BudgetReached, Cause.BUDGET), (NoCredential, Cause.NO_KEY)):
            if self.faults and all(isinstance(fault, kind) for fault in self.faults.values()):
                return cause
        return Cause.UNAVAILABLE


def _chance() -> float:
    import random  # for an outage alone

    return random.random()  # noqa: S311 - jitter


class _Send(Struct):
    """Differences between the next try of one model and the first."""

    room: int
    omit: frozenset[str]
    until: Deadline
    retries: int
    """Number of retries left."""
    tries: int = 1
    widened: bool = False
    problem: str = ""


class Caller:
    """Client that calls models along a chain and records each call. Safe from several threads.

    Requests of a ``batch`` wait for its answers. ``sleep`` takes seconds, ``jitter`` gives a number from 0 to 1, and
    ``now`` seconds since 1970.
    """

    def __init__(
        self,
        *,
        client: ModelClient,
        store: Cache,
        ledger: Ledger,
        prices: Prices,
        redactor: Redactor,
        deadline: Deadline,
        run: str,
        sleep: Callable[[float], None],
        now: Callable[[], float],
        jitter: Callable[[], float] = _chance,
        batch: Batch | None = None,
    ) -> None:
        self._client = client
        self._batch = batch
        self._store = store
        self._redactor = redactor
        self.deadline = deadline
        self._sleep = sleep
        self._jitter = jitter
        self._outages = CircuitBreaker(store, now)
        self._books = CallAccounting(ledger, prices, run, deadline)
        self._learnt = threading.Lock()
        self._hopeless: dict[Model | str, ModelError] = {}
        self._quirks: dict[str, frozenset[str]] = {}
        self._stand_ins: dict[str, str] = {}

    @property
    def calls(self) -> tuple[Call, ...]:
        """Every call so far, failed ones too."""
        return self._books.calls

    @property
    def stand_ins(self) -> tuple[str, ...]:
        """For people: which models did not answer, which ones did in their place, and why."""
        with self._learnt:
            return tuple(self._stand_ins.values())

    def prepare(self, model: Model) -> None:
        """Load the prerequisites of a call to ``model`` in the background."""
        self._client.prepare(model)

    def marker(self) -> str:
        """Return a string that no author of a change can predict, too short to look like a key to the secret scan."""
        return self._batch.marker if self._batch is not None else os.urandom(5).hex()

    def remembered(self, phase: Phase, model: str, count: int = 1) -> None:
        """Record ``count`` cached answers besides the calls: they cost nothing."""
        self._books.remembered(phase, model, count)

    def ask(
        self, question: Question[Reply], chain: Chain, by_agent: ByAgent[Reply] | None = None
    ) -> tuple[Reply, Model]:
        """Return the first usable reply along ``chain``, and who gave it. ``by_agent`` is for coding agents among them.

        A model that has just failed is passed over, in this run and in others, as long as there is another; when all
        that are left have failed, the one whose mark is oldest is tried once.

        Raises Unanswered, TooLarge where the question can be divided, and RalphError where only the user can help.
        """
        marks = self._outages.marks(chain)
        faults: dict[str, ModelError] = {}
        for index, model in enumerate(chain):
            if model in marks:
                faults[model.id] = Skipped(marks[model].told(self._outages.clock()))
                continue
            others = any(other not in marks and not self._known_hopeless(other) for other in chain[index + 1 :])
            reply = self._first_try(question, model, by_agent, others=others)
            if not isinstance(reply, ModelError):
                self._stood_in(model, faults)
                return reply, model
            faults[model.id] = reply
            if isinstance(reply, DeadlineReached):
                raise Unanswered(faults)
        return self._last_try(question, marks, faults)

    def close(self) -> None:
        """Close the accounting: no further call is allowed, and calls in progress count at their maximum."""
        pending = self._books.close()
        outcome = DeadlineReached.outcome if self.deadline.passed else ABANDONED
        for call in pending:
            self._settle(call, None, outcome)
        self._books.finish()

    def run_agent(self, agent: Model, phase: Phase, task: str, bench: Workbench, until: Deadline | None = None) -> str:
        """Run a coding agent on ``task`` in the scratch copy ``bench``; return its description of the result.

        Its cost is unknown in advance: it is started unless a budget is used up. Raises ModelError; the agent's edits
        until then are in ``bench``.
        """
        until = until or self.deadline
        self._client.ready(agent)
        call, _ = self._books.reserve(phase, agent, None, until)
        usage: Usage | None = None
        outcome = ABANDONED
        try:
            completion = self._client.run_agent(agent, self._redactor.mask(task), bench, until)
            usage, outcome = completion.usage, "ok"
        except ModelError as fault:
            late = isinstance(fault, DeadlineReached) and not self._books.over
            told = TimedOut(str(fault)) if late else fault
            outcome, usage = told.outcome, fault.usage
            if usage is None and not fault.billed:
                usage = NOTHING
            raise told from None
        else:
            return completion.text
        finally:
            self._settle(call, usage, outcome)

    # Along the chain

    def _first_try(
        self, question: Question[Reply], model: Model, by_agent: ByAgent[Reply] | None, *, others: bool
    ) -> Reply | ModelError:
        """Try a model that is not known to be down, with retries and within its share of the time."""
        known = self._known_hopeless(model)
        if known is not None:
            return known
        until = self.deadline.part(self.deadline.remaining() * _SHARE) if others else self.deadline
        try:
            if by_agent is not None and model.provider.wire is Wire.AGENT:
                return by_agent(model, until)
            return self._ask_model(question, model, until, RETRIES)
        except ModelError as fault:
            self._learn(model, fault, repairing=by_agent is not None and model.provider.wire is Wire.AGENT)
            return self._passed_over(fault, question, model)

    def _last_try(
        self, question: Question[Reply], marks: Mapping[Model, Outage], faults: dict[str, ModelError]
    ) -> tuple[Reply, Model]:
        """Try once the model that has been down for longest, when all are down or were skipped."""
        model = self._outages.oldest_open(marks)
        if model is None or self.deadline.passed:
            raise Unanswered(faults)
        until = self.deadline.part(self.deadline.remaining() * _PROBE)
        ago = self._outages.clock() - marks[model].since
        try:
            reply = self._ask_model(question, model, until, 0)
        except ModelError as fault:
            self._outages.probe_failed(model)
            faults[model.id] = self._passed_over(fault, question, model)
            if not isinstance(fault, NoCredential):  # nothing was tried
                fault.args = (f"{fault} (tried only once, because it failed {max(0, ago):.0f} s ago)",)
            raise Unanswered(faults) from fault
        self._outages.answered(model)
        self._stood_in(model, {name: fault for name, fault in faults.items() if name != model.id})
        return reply, model

    def _stood_in(self, model: Model, faults: Mapping[str, ModelError]) -> None:
        with self._learnt:
            for name, fault in faults.items():
                self._stand_ins.setdefault(name, f"{model.id} answered instead of {name}: {fault}")

    def _passed_over(self, fault: ModelError, question: Question[Reply], model: Model) -> ModelError:
        """Return ``fault`` if the next model may be called. Raise it if a fallback would be wrong."""
        if isinstance(fault, Misconfigured):
            raise RalphError(f"{model.id}: {fault}", "fix the provider's settings and commit again") from fault
        if isinstance(fault, TooLarge) and question.divisible:
            raise fault
        return fault

    def _known_hopeless(self, model: Model) -> ModelError | None:
        """Return why this run need not call ``model`` again; None if it may answer."""
        with self._learnt:
            fault = self._hopeless.get(model)
            refused = self._hopeless.get(_credential(model))
        if fault is None and refused is not None:
            return Denied(f"not called, because it uses the same rejected key ({_credential(model)})")
        return fault

    def _learn(self, model: Model, fault: ModelError, *, repairing: bool) -> None:
        """Remember faults that also affect the next request. A slow repair by an agent is none of them."""
        match fault:
            case Unreachable() | RateLimited() | TimedOut() if not repairing:
                self._outages.failed(model, fault)
            case Denied() | NotFound() | NoCredential():
                with self._learnt:
                    self._hopeless[model] = fault
                    if isinstance(fault, Denied):
                        self._hopeless[_credential(model)] = fault

    # One model

    def _ask_model(self, question: Question[Reply], model: Model, until: Deadline, retries: int) -> Reply:
        """Call one model, with all retries that are allowed."""
        self._client.ready(model)
        send = _Send(room=question.max_output, omit=self._omitted(model), until=until, retries=retries)
        while True:
            try:
                return self._send(question, model, send)
            except ModelError as fault:
                omitted = send.omit
                if not self._amend(send, model, fault):
                    if send.tries > 1 and fault.args:
                        fault.args = (f"{fault} ({send.tries} tries)",)
                    raise
                send.tries += 1
                if send.omit != omitted:
                    self._remember_omitted(model, send.omit)

    def _omitted(self, model: Model) -> frozenset[str]:
        """Request fields that ``model`` was seen to reject."""
        name = quirks_key(model)
        with self._learnt:
            known = self._quirks.get(name)
        if known is None:
            known = frozenset((text_of(self._store.get([name]).get(name)) or "").split())
        return known

    def _remember_omitted(self, model: Model, omit: frozenset[str]) -> None:
        name = quirks_key(model)
        with self._learnt:
            known = self._quirks[name] = self._quirks.get(name, frozenset()) | omit
        self._store.put({name: " ".join(sorted(known)).encode()})

    def _amend(self, send: _Send, model: Model, fault: ModelError) -> bool:
        """Adapt ``send`` for a retry after ``fault``; False if a retry is pointless."""
        match fault:
            case Unreachable():
                return self._wait_for_retry(send, model, _BACKOFF * 2 ** (RETRIES - send.retries))
            case RateLimited(retry_after=float() as seconds):
                return self._wait_for_retry(send, model, seconds)
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

    def _wait_for_retry(self, send: _Send, model: Model, seconds: float) -> bool:
        """Wait before another try; False if none is left, the time would not suffice, or it proved useless."""
        pause = seconds + self._jitter() * min(seconds, _BACKOFF)
        if not send.retries or pause >= send.until.remaining() or self._outages.marked_here(model):
            return False
        send.retries -= 1
        self._sleep(pause)
        return not self._outages.marked_here(model)  # another thread has used up its tries meanwhile

    # One request

    def _send(self, question: Question[Reply], model: Model, send: _Send) -> Reply:
        request = self._request(question, model, send)
        worst = worst_case(request)
        if self._batch is not None:
            self._batch.claim(question.phase, request, worst)
        call, started = self._books.reserve(question.phase, model, worst, send.until)
        usage: Usage | None = None
        outcome = ABANDONED
        billed = True
        try:
            completion = self._client.complete(request, send.until)
            usage = believed(completion.usage, request, completion.text)
            check_whole(completion.usage, request)
            value = question.read(strip_fence(completion.text))
            outcome = "ok"
        except DeadlineReached as fault:
            late = fault if self._books.over else TimedOut(f"no answer within {self.deadline.clock() - started:.1f} s")
            outcome = late.outcome
            raise late from None
        except ModelError as fault:
            outcome, billed, usage = fault.outcome, fault.billed, usage or fault.usage
            raise
        else:
            return value
        finally:
            if usage is None and not billed:
                usage = NOTHING
            self._settle(call, usage, outcome)

    def _request(self, question: Question[Reply], model: Model, send: _Send) -> ModelRequest:
        schema = strict_schema(question.shape)
        system = question.system
        in_words = {Structured.NONE, Structured.JSON_OBJECT}
        if model.provider.structured in in_words or send.omit & SHAPE_FIELDS:
            system += f"\nJSON Schema of the answer: {msgspec.json.encode(schema).decode()}"
        prompt = question.prompt + (_REASK.format(problem=send.problem) if send.problem else "")
        request = ModelRequest(
            model=model,
            system=system,
            prompt=self._redactor.mask(prompt),
            schema_name=question.name or question.phase.value,
            schema=schema,
            max_output=send.room,
            omit=send.omit,
        )
        return fit_to_context(request) if model.provider.cuts else request

    def _settle(self, call: int, usage: Usage | None, outcome: str) -> None:
        """Settle ``call``. If it was cut off after most of the run's time, its model counts as down."""
        settled = self._books.settle(call, usage, outcome)
        if settled is None or outcome != DeadlineReached.outcome:
            return
        model, seconds = settled
        if seconds >= self.deadline.seconds * _BLAMED and model.provider.wire is not Wire.AGENT:
            self._outages.failed(model, TimedOut(f"it sent no answer within {seconds:.0f} s"))


def _credential(model: Model) -> str:
    """Return the identity that a provider sees: the name of the key, or else the URL itself.

    An agent has its own login.
    """
    provider = model.provider
    return provider.name if provider.wire is Wire.AGENT else provider.api_key_env or provider.base_url


def quirks_key(model: Model) -> str:
    """Return the cache key of the request fields that ``model`` was seen to reject."""
    return f"quirks/{model.id}/{model.provider.base_url}"
