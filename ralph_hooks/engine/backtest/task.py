"""Review tasks for remote workers: the task, its result, and in-memory replacements for local state.

A task is pure data: the files of one change, the models that may review them, their prices, and an amount that may be
spent. It contains no repository, no state and no key: a worker finds the key of a model in its own environment.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal

import msgspec
from msgspec import Struct

from ralph_hooks.config import GateSettings, RouteRule, Settings
from ralph_hooks.core.change import Change
from ralph_hooks.core.model_errors import BudgetReached
from ralph_hooks.core.ports.models import Booked, Reservation
from ralph_hooks.core.push import Commit
from ralph_hooks.core.report import Receipt, Report
from ralph_hooks.core.route import Chain, Model, Phase
from ralph_hooks.core.usage import Price, Usage
from ralph_hooks.engine.backtest.prefetch import LoadedFile
from ralph_hooks.errors import RalphError


class Task(Struct, frozen=True, kw_only=True):
    """One change to review on another machine."""

    change: Change
    files: Mapping[str, LoadedFile]
    """By path; only of those that are to be read."""
    models: Mapping[Phase, Chain]
    routes: tuple[RouteRule, ...]
    gate: GateSettings
    prices: Mapping[str, Price]
    """By model, as far as they are known."""
    price_needed: bool
    """True if a call whose price is not known is refused."""
    known: Mapping[str, bytes]
    """Cached values of these files."""
    run: str
    grant: Decimal
    """US dollars that may be spent, by calls whose price is known."""

    @property
    def settings(self) -> Settings:
        """The part of the client's settings that a review needs."""
        return Settings(models=self.models, routes=self.routes, gate=self.gate)


class TaskResult(Struct, frozen=True, kw_only=True):
    """Result of a task."""

    report: Report | None = None
    """None if it is not done yet, or if only a person can help, as ``trouble`` says."""
    calls: tuple[Booked, ...] = ()
    """All that were made, failed ones too."""
    remembered: tuple[tuple[Phase, str, int], ...] = ()
    """Answers that were known: phase, model and how many."""
    answers: Mapping[str, bytes] = {}
    """Answers of models that the local cache did not have yet."""
    facts: Mapping[str, bytes] = {}
    """Other values that the local cache did not have yet: results of checks, request fields that models reject."""
    short: Decimal | None = None
    """The worst case of a call that the grant did not allow, in US dollars; None if it sufficed."""
    trouble: tuple[str, str] | None = None
    """Message and hint of an error."""


def packed(task: Task | TaskResult) -> bytes:
    """Encode for the wire. Raises UnicodeEncodeError for a path of bytes that are not UTF-8."""
    return msgspec.msgpack.encode(task)


class TaskPrices:
    """Prices that came along; satisfies `core.ports.models.Prices`."""

    def __init__(self, prices: Mapping[str, Price]) -> None:
        self._prices = prices

    def price(self, model: Model) -> Price | None:
        """Return the price sent with the task."""
        return self._prices.get(model.id)


class TaskLedger:
    """Ledger of one task, which spends no more than its grant; satisfies `core.ports.models.Ledger`.

    Safe from several threads, which share the grant.
    """

    def __init__(self, grant: Decimal, *, price_needed: bool) -> None:
        self._grant = grant
        self._price_needed = price_needed
        self._lock = threading.Lock()
        self._open: dict[int, Reservation] = {}
        self._spent = Decimal(0)
        self._made = 0
        self.calls: list[Booked] = []
        self.known: list[tuple[Phase, str, int]] = []
        self.short: Decimal | None = None
        """The worst case of a call that was not allowed."""

    def reserve(self, reservation: Reservation) -> int:
        """Set the worst case aside. Raises BudgetReached if it is more than is left."""
        worst = reservation.worst_usd
        with self._lock:
            if worst is None and self._price_needed:
                raise BudgetReached(f'{reservation.model} has no known price, and budget.unpriced is "refuse"')
            under_way = sum((each.worst_usd or Decimal(0) for each in self._open.values()), Decimal(0))
            if worst and self._spent + under_way + worst > self._grant:
                fits_later = self._spent + worst <= self._grant
                if not fits_later:
                    self.short = max(worst, self.short or worst)
                raise BudgetReached(
                    "it would cost more than the amount reserved for this change", may_fit_later=fits_later
                )
            self._made += 1
            self._open[self._made] = reservation
            return self._made

    def settle(self, call: int, usage: Usage | None, cost_usd: Decimal | None, outcome: str, seconds: float) -> None:
        """Replace the maximum by the actual usage; if that is unknown, the maximum stays."""
        with self._lock:
            reserved = self._open.pop(call)
            cost = reserved.worst_usd if usage is None else cost_usd
            self._spent += cost or Decimal(0)
            self.calls.append(
                Booked(
                    phase=reserved.phase,
                    model=reserved.model,
                    usage=usage,
                    cost_usd=cost,
                    outcome=outcome,
                    seconds=seconds,
                )
            )

    def remembered(self, phase: Phase, model: str, count: int = 1) -> None:
        """Note that ``count`` answers of ``model`` were known."""
        with self._lock:
            self.known.append((phase, model, count))


class WorkerOutages:
    """Recent outages of models, shared by all tasks of one worker. Satisfies `core.ports.store.Cache`."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._held: dict[str, tuple[bytes, float]] = {}

    def get(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return those of ``keys`` that are there and have not expired."""
        now = self._clock()
        with self._lock:
            found = {key: self._held[key] for key in keys if key in self._held}
        return {key: value for key, (value, until) in found.items() if until > now}

    def put(self, items: Mapping[str, bytes], ttl: float | None = None) -> None:
        """Keep ``items`` for ``ttl`` seconds."""
        until = self._clock() + (ttl or 0)
        with self._lock:
            self._held |= {key: (value, until) for key, value in items.items()}


class TaskCache:
    """Cache of one task: the values sent with it and the new ones; satisfies `core.ports.store.ModelCache`.

    Values that expire within seconds stay with the worker, in ``marks``, and are not sent.
    """

    notices: tuple[str, ...] = ()

    def __init__(
        self, known: Mapping[str, bytes], marks: WorkerOutages, told: Callable[[], None] = lambda: None
    ) -> None:
        """Create the cache. ``told`` is called for each new value."""
        self._known = known
        self._marks = marks
        self._told = told
        self.fresh: dict[str, bytes] = {}

    def get(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return those of ``keys`` that are cached."""
        names = list(keys)
        found = self._marks.get(names)
        for each in (self._known, self.fresh):
            found |= {name: each[name] for name in names if name in each}
        return found

    def put(self, items: Mapping[str, bytes], ttl: float | None = None) -> None:
        """Keep ``items``."""
        if ttl is None:
            self.fresh = {**self.fresh, **items}
            self._told()
        else:
            self._marks.put(items, ttl)


class NoHistory:
    """Implements `core.ports.store.History` without keeping reports."""

    def add(self, report: Report) -> None:
        """Nothing."""


class NoReceipts:
    """Implements `core.ports.store.Receipts` without keeping any."""

    def add(self, receipt: Receipt) -> None:
        """Nothing."""

    def passed(self, settings: str, commits: Sequence[Commit]) -> frozenset[str]:
        """None."""
        del settings, commits
        return frozenset()

    def skipped(self, commits: Sequence[Commit]) -> Mapping[str, str]:
        """Nothing."""
        del commits
        return {}


def outcome(judge: Callable[[], Report], ledger: TaskLedger, answers: TaskCache, facts: TaskCache) -> TaskResult:
    """Return the result of ``judge`` for a task, with its costs.

    Raises nothing: a cluster's machinery logs exceptions, and the change along with them.
    """
    report: Report | None = None
    trouble: tuple[str, str] | None = None
    try:
        report = judge()
    except RalphError as error:
        trouble = error.message, error.hint
    except Exception as error:  # noqa: BLE001 - see above
        trouble = f"{type(error).__name__} on a worker: {error}", "this is a bug in ralph-hooks: please report it"
    return TaskResult(
        report=report,
        calls=tuple(ledger.calls),
        remembered=tuple(ledger.known),
        answers=answers.fresh,
        facts=facts.fresh,
        short=ledger.short,
        trouble=trouble,
    )
