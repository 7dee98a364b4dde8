"""Accounting of one run: the maximum usage of each call, its actual usage, and its cost."""

from __future__ import annotations

import threading
from decimal import Decimal

from msgspec import Struct, structs

from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.model_errors import BudgetReached, DeadlineReached, TimedOut
from ralph_hooks.core.ports.models import Ledger, Prices, Reservation
from ralph_hooks.core.route import Model, Phase, Wire
from ralph_hooks.core.usage import Call, Price, Usage

ABANDONED = "abandoned"
"""Outcome of a call whose answer was not awaited: the run was interrupted or failed elsewhere."""

NOTHING = Usage(input_tokens=0, output_tokens=0)

_PATIENCE = 10.0  # seconds: longer than a ledger that others write to may take


class OpenCall(Struct, frozen=True):
    """A call that is under way."""

    phase: Phase
    model: Model
    price: Price | None
    worst: Usage | None
    """Maximum usage; None for a coding agent, whose maximum is unknown."""
    started: float
    """By the deadline's clock, in seconds."""


class CallAccounting:
    """Every call of a run, reserved before it is made and settled afterwards. Safe from several threads."""

    def __init__(self, ledger: Ledger, prices: Prices, run: str, deadline: Deadline) -> None:
        self._ledger = ledger
        self._prices = prices
        self._run = run
        self._deadline = deadline
        self._settled = threading.Condition()
        self._till = threading.Lock()
        self._calls: list[Call] = []
        self._open: dict[int, OpenCall] = {}
        self._closing = 0
        self._settlements = 0
        self._closed = False

    @property
    def calls(self) -> tuple[Call, ...]:
        """Every call so far, failed ones too."""
        with self._settled:
            return tuple(self._calls)

    @property
    def over(self) -> bool:
        """True once no further call is allowed."""
        return self._closed or self._deadline.passed

    def remembered(self, phase: Phase, model: str, count: int) -> None:
        """Record ``count`` cached answers besides the calls: they cost nothing."""
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
        with self._settled:
            if call not in self._calls:
                self._calls.append(call)

    def reserve(self, phase: Phase, model: Model, worst: Usage | None, until: Deadline) -> tuple[int, float]:
        """Record a call in the ledger at its maximum cost; return its id and start time.

        Where only other calls of this run are in the way, it waits for them: most cost a fraction of their worst case,
        so a budget that is nearly used up makes requests go one after the other before it makes them fail. Raises
        BudgetReached, DeadlineReached, and TimedOut if ``until`` came first.
        """
        price = self._prices.price(model)
        if worst:
            worst = price.dearest(worst) if price else structs.replace(worst, cache_write_tokens=0)
        worst_usd = price.cost(worst) if price and worst else None
        agent = model.provider.wire is Wire.AGENT
        reservation = Reservation(run=self._run, phase=phase, model=model.id, worst_usd=worst_usd, agent=agent)
        while True:
            if self.over:
                raise DeadlineReached("the deadline was reached")
            if until.passed:
                raise TimedOut("its share of the time limit was used up")
            with self._settled:
                seen = self._settlements
            try:
                with self._till:
                    call = self._ledger.reserve(reservation)
                    started = self._deadline.clock()
                    with self._settled:
                        self._open[call] = OpenCall(phase, model, price, worst, started)
            except BudgetReached as fault:
                if not fault.may_fit_later or not self._wait_for_settlement(seen, until):
                    raise
            else:
                return call, started

    def settle(self, call: int, usage: Usage | None, outcome: str) -> tuple[Model, float] | None:
        """Close the entry of ``call``; without ``usage`` it counts at its maximum.

        Returns the model and the duration in seconds; None if the entry was closed before.
        """
        with self._settled:
            entry = self._open.pop(call, None)
            self._closing += entry is not None
        if entry is None:
            return None
        try:
            return entry.model, self._book(call, entry, usage or entry.worst, outcome)
        finally:
            with self._settled:
                self._closing -= 1
                self._settlements += 1
                self._settled.notify_all()

    def close(self) -> tuple[int, ...]:
        """Nothing is reserved any more; the calls that are still under way."""
        with self._settled:
            self._closed = True
            return tuple(self._open)

    def finish(self) -> None:
        """Wait until other threads have recorded their results: only then is `calls` complete."""
        with self._settled:
            self._settled.wait_for(lambda: not self._closing, _PATIENCE)

    def _wait_for_settlement(self, seen: int, until: Deadline) -> bool:
        """Wait until a call is settled that was not when ``seen`` was read; False if none is under way."""
        with self._settled:
            while self._settlements == seen and (self._open or self._closing) and not until.passed:
                self._settled.wait(until.remaining())
            return self._settlements != seen

    def _book(self, call: int, entry: OpenCall, usage: Usage | None, outcome: str) -> float:
        seconds = self._deadline.clock() - entry.started
        cost = _cost(entry.price, usage)
        self._ledger.settle(call, usage, cost, outcome, seconds)
        used = usage or NOTHING
        booked = Call(
            phase=entry.phase.value,
            model=entry.model.id,
            input_tokens=used.input_tokens,
            cached_input_tokens=used.cached_input_tokens,
            output_tokens=used.output_tokens,
            cost_usd=cost,
            seconds=round(seconds, 3),
            outcome=outcome,
            estimated=used.estimated,
        )
        with self._settled:
            self._calls.append(booked)
        return seconds


def _cost(price: Price | None, usage: Usage | None) -> Decimal | None:
    if usage is None:
        return None
    if price is not None:
        return price.cost(usage)
    if usage.input_tokens == usage.output_tokens == 0:
        return usage.reported_usd or Decimal(0)  # nothing was used, whatever the price
    return usage.reported_usd
