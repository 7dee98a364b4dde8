"""Requests of a backtest as batches, which providers answer within hours and at half the price.

The changes are reviewed in rounds. A request whose answer is not there yet fails with `Batched` and is noted; after the
round all of them are submitted and awaited, and the next round reads the answers, which lead to new requests (a
confirmation, a second try). Batches and answers are in the cache, so a later run goes on where this one was stopped.

The maximum cost of a request is reserved in the ledger when it is submitted, and released when its answer is read: that
is then accounted for like any other call.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec
from msgspec import Struct

from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.model_errors import Batched, BudgetReached, ModelError, NotFound, Rejected, Unreachable
from ralph_hooks.core.ports.models import (
    BatchAnswer,
    BatchClient,
    Completion,
    GrantingLedger,
    ModelRequest,
    Prices,
    Reservation,
)
from ralph_hooks.core.ports.sandbox import Workbench
from ralph_hooks.core.ports.store import Cache
from ralph_hooks.core.route import Model, Phase, Provider
from ralph_hooks.core.usage import Price, Usage
from ralph_hooks.engine.backtest.replay import CapReached
from ralph_hooks.engine.cache_keys import read_back
from ralph_hooks.errors import RalphError

_MOST = 250  # requests in a batch: the answers are read whole, and a reply may have 8 MiB
_PATIENCE = 120.0  # seconds for one exchange with a provider
_FIRST_PAUSE, _LONGEST_PAUSE = 5.0, 60.0  # seconds between two looks at a batch
_LOST = BatchAnswer(400, b'{"error": {"message": "the batch ended without an answer to this request"}}')


class _Record(Struct, frozen=True):
    """One submitted request, as the cache keeps it."""

    batch: str
    call: int
    """The reservation in the ledger; 0 once it is released."""
    answer: BatchAnswer | None = None


class _Wanted(Struct, frozen=True):
    phase: Phase
    request: ModelRequest
    worst: Usage


class HalfPrices:
    """Implements `core.ports.models.Prices`: what providers charge for requests in a batch."""

    def __init__(self, prices: Prices) -> None:
        self._prices = prices

    def price(self, model: Model) -> Price | None:
        """Return half the price if the provider takes batches, else all of it."""
        price = self._prices.price(model)
        if price is None or not model.provider.batch:
            return price
        parts = {name: getattr(price, name) for name in ("input", "output", "cached_input", "cache_write")}
        halves = {name: None if part is None else part / 2 for name, part in parts.items()}
        return msgspec.structs.replace(price, **halves)


class Batching:
    """A model client for backtests. Implements `core.ports.models.ModelClient` and `Batch`. Safe from several threads.

    ``sleep`` takes seconds, ``tell`` a sentence for the user.
    """

    def __init__(
        self,
        *,
        client: BatchClient,
        store: Cache,
        ledger: GrantingLedger,
        prices: Prices,
        run: str,
        deadline: Callable[[float], Deadline],
        sleep: Callable[[float], None],
        tell: Callable[[str], None],
    ) -> None:
        self._client = client
        self._store = store
        self._ledger = ledger
        self._prices = HalfPrices(prices)
        self._run = run
        self._deadline = deadline
        self._sleep = sleep
        self._tell = tell
        self._lock = threading.Lock()
        self._wanted: dict[str, _Wanted] = {}
        self._awaited: dict[tuple[str, Provider], set[str]] = {}
        self._failed: dict[str, BatchAnswer] = {}
        self.marker = self._lasting_marker()

    def _lasting_marker(self) -> str:
        """Return the marker of all requests, kept so that a later run asks for the same answers."""
        known = self._store.get(["batch-marker"]).get("batch-marker") or os.urandom(5).hex().encode()
        self._store.put({"batch-marker": known})
        return known.decode()

    # As a model client

    def ready(self, model: Model) -> None:
        """Do as the client does."""
        self._client.ready(model)

    def prepare(self, model: Model) -> None:
        """Do as the client does."""
        self._client.prepare(model)

    def run_agent(self, agent: Model, task: str, bench: Workbench, deadline: Deadline) -> Completion:
        """Do as the client does."""
        return self._client.run_agent(agent, task, bench, deadline)

    def claim(self, phase: Phase, request: ModelRequest, worst: Usage) -> None:
        """Return if ``request`` is answered or cannot be batched. Raises Batched otherwise, and notes it."""
        if not request.model.provider.batch:
            return
        name = _name(request)
        with self._lock:
            record = self._record(name)
            if record is None:
                self._wanted[name] = _Wanted(phase, request, worst)
            elif record.answer is None:
                self._awaited.setdefault((record.batch, request.model.provider), set()).add(name)
            else:
                self._release(name, record)
                return
        raise Batched("its answer comes with a batch")

    def complete(self, request: ModelRequest, deadline: Deadline) -> Completion:
        """Return the answer from the batch; from the model itself if its provider takes none."""
        if not request.model.provider.batch:
            return self._client.complete(request, deadline)
        record = self._record(_name(request))
        assert record is not None  # claimed before
        assert record.answer is not None
        return self._client.read(request, record.answer)

    # Between two rounds

    @property
    def pending(self) -> bool:
        """True if there are requests to submit or batches to wait for."""
        return bool(self._wanted or self._awaited)

    def work(self) -> None:
        """Submit what the last round asked for, and wait for all batches. Raises CapReached and RalphError."""
        wanted, self._wanted = self._wanted, {}
        for provider, names in _grouped(wanted).items():
            for start in range(0, len(names), _MOST):
                self._submit(provider, {name: wanted[name] for name in names[start : start + _MOST]})
        if not self._awaited:
            raise CapReached
        pause = _FIRST_PAUSE
        while True:
            for batch, provider in tuple(self._awaited):
                self._look(batch, provider)
            if not self._awaited:
                return
            self._sleep(pause)
            pause = min(_LONGEST_PAUSE, pause * 2)

    def _submit(self, provider: Provider, wanted: Mapping[str, _Wanted]) -> None:
        """Submit as many requests as the budget allows."""
        calls: dict[str, int] = {}
        for name, each in wanted.items():
            price = self._prices.price(each.request.model)
            worst = price.cost(price.dearest(each.worst)) if price else None
            reservation = Reservation(run=self._run, phase=each.phase, model=each.request.model.id, worst_usd=worst)
            try:
                calls[name] = self._ledger.reserve(reservation)
            except BudgetReached:
                break
        if not calls:
            return
        try:
            batch = self._client.submit(
                provider, {name: wanted[name].request for name in calls}, self._deadline(_PATIENCE)
            )
        except ModelError as fault:
            for call in calls.values():
                self._ledger.replace(call, ())
            raise RalphError(
                f"{provider.name} took no batch: {fault}", "try again later, or run it without --batch"
            ) from fault
        self._keep({name: _Record(batch, call) for name, call in calls.items()})
        self._awaited[batch, provider] = set(calls)
        self._tell(
            f"{len(calls):,} requests are with {provider.name} as batch {batch}, which takes up to 24 hours. You can "
            "stop here: the same command continues with it later."
        )

    def _look(self, batch: str, provider: Provider) -> None:
        """Take the answers of ``batch`` if it has ended."""
        names = self._awaited[batch, provider]
        try:
            answers = self._client.collect(provider, batch, self._deadline(_PATIENCE))
        except Unreachable:
            return
        except NotFound:  # deleted, or older than the results are kept
            answers = {}
        except ModelError as fault:
            if isinstance(fault, Rejected):  # as a whole: nothing of it is charged
                self._forget(names)
            raise RalphError(f"{provider.name} gave no answers to batch {batch}: {fault}", "run it again") from fault
        if answers is None:
            return
        del self._awaited[batch, provider]
        got = {name: record for name in names if name in answers and (record := self._record(name))}
        self._keep({name: msgspec.structs.replace(record, answer=answers[name]) for name, record in got.items()})
        lost = names - got.keys()
        self._forget(lost)
        self._failed |= dict.fromkeys(lost, _LOST)

    # The cache

    def _record(self, name: str) -> _Record | None:
        if name in self._failed:
            return _Record("", 0, self._failed[name])
        data = self._store.get([_key(name)]).get(_key(name))
        return read_back(data, _Record)

    def _keep(self, records: Mapping[str, _Record], ttl: float | None = None) -> None:
        self._store.put({_key(name): msgspec.json.encode(record) for name, record in records.items()}, ttl)

    def _release(self, name: str, record: _Record) -> None:
        """Take the reservation back: the call is about to be accounted for."""
        if record.call:
            self._ledger.replace(record.call, ())
            self._keep({name: msgspec.structs.replace(record, call=0)})

    def _forget(self, names: Iterable[str]) -> None:
        """Let the next run submit ``names`` again; unanswered requests are not charged."""
        for name in names:
            if record := self._record(name):
                self._release(name, record)
                self._keep({name: record}, ttl=0)


def _grouped(wanted: Mapping[str, _Wanted]) -> Mapping[Provider, Sequence[str]]:
    groups: dict[Provider, list[str]] = {}
    for name, each in wanted.items():
        groups.setdefault(each.request.model.provider, []).append(name)
    return groups


def _name(request: ModelRequest) -> str:
    """Return the custom id of ``request``: equal ones are asked once."""
    model = request.model
    parts = (model.id, model.provider.base_url, request.system, request.prompt, request.max_output)
    text = msgspec.json.encode((*parts, request.schema, sorted(request.omit)))
    return hashlib.blake2b(text, digest_size=16).hexdigest()


def _key(name: str) -> str:
    return f"batch-request/{name}"
