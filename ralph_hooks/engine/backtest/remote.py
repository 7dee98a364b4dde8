"""Changes reviewed on other machines, with the ledger kept here.

Money is reserved in the local ledger before a change is sent, and the worker spends no more than that: no cap is
exceeded, however many workers there are. The amount that a worker paid comes back with its verdict and replaces the
reservation. If a worker is lost, the results it has reported so far are kept. Its other spending is unknown, so the
whole reservation stays in the ledger, and the change is sent to another worker, within the remaining budget.

A change in which the secret scan finds anything, certain or not, on a changed line or elsewhere, is never sent: it is
reviewed here.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal

import msgspec

from ralph_hooks.config import Settings, Unpriced
from ralph_hooks.core.change import Entry, decode
from ralph_hooks.core.codec import from_msgpack
from ralph_hooks.core.model_errors import BudgetReached
from ralph_hooks.core.ports.change import Snapshot, Source
from ralph_hooks.core.ports.checks import Check
from ralph_hooks.core.ports.cluster import Cluster, WorkerLost
from ralph_hooks.core.ports.models import Booked, GrantingLedger, Prices, Reservation
from ralph_hooks.core.ports.store import Cache
from ralph_hooks.core.report import Report
from ralph_hooks.core.route import Chain, Model, Phase
from ralph_hooks.core.usage import Call, Usage, most_tokens, total_cost
from ralph_hooks.engine.backtest.prefetch import LoadedFile
from ralph_hooks.engine.backtest.replay import CapReached
from ralph_hooks.engine.backtest.task import Task, TaskResult, packed
from ralph_hooks.engine.models.caller import quirks_key
from ralph_hooks.engine.review.file_checks import result_key
from ralph_hooks.engine.review.review_input import prepare
from ralph_hooks.engine.review.reviewer import recall
from ralph_hooks.errors import RalphError

LOST = "lost"
"""The outcome of money reserved for a worker that was lost."""
_PHASES = (Phase.ANALYZE, Phase.VERIFY)
_LOSSES = 3
"""Workers that one change may cost: it may be what kills them."""
_MOST_BYTES = 4_000_000  # a larger change is reviewed here: tasks pass through the cluster's scheduler
_HALVINGS = 12
_INSTRUCTIONS, _ANSWERS = 6_000, 6_144  # tokens: of both phases' requests besides the change, and of their replies


class _Noted:
    """Cache that records its queries and the values it receives; satisfies `core.ports.store.Cache`."""

    def __init__(self, store: Cache) -> None:
        self._store = store
        self.items: dict[str, bytes] = {}

    def get(self, keys: Iterable[str]) -> dict[str, bytes]:
        found = self._store.get(keys)
        self.items |= found
        return found

    def put(self, items: Mapping[str, bytes], ttl: float | None = None) -> None:
        self._store.put(items, ttl)
        self.items |= items


class Remote:
    """Review of changes by a cluster. Safe from several threads.

    Cached results of ``checks`` are sent with a task. ``harmless`` takes a text and its path, and returns True if the
    secret scan finds nothing in it.
    """

    def __init__(
        self,
        *,
        cluster: Cluster,
        settings: Settings,
        ledger: GrantingLedger,
        store: Cache,
        answers: Cache,
        prices: Prices,
        checks: Sequence[Check],
        harmless: Callable[[str, str], bool],
        run: str,
    ) -> None:
        self._cluster = cluster
        self._settings = settings
        self._ledger = ledger
        self._store = store
        self._answers = answers
        self._checks = checks
        self._harmless = harmless
        self._run = run
        self._models = reviewers(settings)
        found = {model.id: prices.price(model) for model in self._models}
        self._prices = {name: price for name, price in found.items() if price is not None}
        self._changed = threading.Condition()
        self._out = 0
        self._settlements = 0

    def judge(self, snapshot: Snapshot, at_home: Callable[[], Report]) -> Report:
        """Return the report on ``snapshot``; from ``at_home`` where it may not leave.

        Raises CapReached if no budget is left for it, and RalphError where only the user can help.
        """
        task = self._errand(snapshot)
        if task is None:
            return at_home()
        calls: tuple[Call, ...] = ()
        need, rounds = Decimal(0), 0
        losses: dict[str, None] = {}
        lost = 0
        while True:
            done = self._done(task, need * 2**rounds, losses)
            if done.trouble is not None:
                raise RalphError(*done.trouble)
            if done.report is not None and done.short is None:
                return _with(done.report, calls)
            calls += tuple(map(_shown, done.calls))
            task = msgspec.structs.replace(task, known={**task.known, **done.answers, **done.facts})
            if done.short is not None:
                rounds, need = rounds + bool(need), done.short
                continue
            lost += 1
            if lost == _LOSSES:
                raise RalphError(
                    f"{lost} workers died on the same change ({', '.join(task.files)}): {'; '.join(losses)}",
                    "check the workers' logs; finished work is cached",
                )

    # Content that may be sent

    def _errand(self, snapshot: Snapshot) -> Task | None:
        """Return the task for ``snapshot``; None if the snapshot must not be sent."""
        noted = _Noted(self._store)
        prepared = prepare(snapshot, self._settings, self._settings.gate.exclude, noted)
        sources = prepared.sources(prepared.review + prepared.scan)
        if not all(map(self._may_be_named, snapshot.change.entries)):
            return None
        if sum(_size(source) for source in sources) > _MOST_BYTES or not all(map(self._may_leave, sources)):
            return None
        paid_for = _Noted(self._answers)
        recall(prepared.review, self._settings, paid_for)
        noted.get(map(quirks_key, self._models))
        for check in self._checks:
            noted.get(result_key(check.name, check.version, e) for e in prepared.review if check.applies(e))
        return Task(
            change=msgspec.structs.replace(snapshot.change, title=""),
            files={source.path: LoadedFile(_size(source), source.content, source.hunks) for source in sources},
            models=_reviewing(self._settings.models),
            routes=tuple(
                msgspec.structs.replace(rule, models=_reviewing(rule.models)) for rule in self._settings.routes
            ),
            gate=self._settings.gate,
            prices=self._prices,
            price_needed=self._settings.budget.unpriced is Unpriced.REFUSE,
            known={**noted.items, **paid_for.items},
            run=self._run,
            grant=Decimal(0),
        )

    def _may_be_named(self, entry: Entry) -> bool:
        try:
            f"{entry.path}{entry.old_path}".encode()
        except UnicodeEncodeError:  # the wire has no room for bytes that are not UTF-8
            return False
        return all(self._harmless(path, path) for path in {entry.path, entry.old_path})

    def _may_leave(self, source: Source) -> bool:
        sides = (side for side in (source.content.old, source.content.new) if side is not None)
        return all(self._harmless(decode(side), source.path) for side in sides)

    # Cost limits

    def _done(self, task: Task, need: Decimal, losses: dict[str, None]) -> TaskResult:
        """Return a worker's result for ``task``, with at least ``need`` US dollars reserved in the local ledger.

        If the worker was lost, the result has no report but holds the answers received so far; ``losses`` gets the
        reason.
        """
        with self._set_aside(task, need) as (call, grant):
            began = time.monotonic()
            try:
                done = from_msgpack(self._cluster.do(packed(msgspec.structs.replace(task, grant=grant))), TaskResult)
                self._book(call, done, done.calls)
            except WorkerLost as lost:
                losses[str(lost)] = None
                done = from_msgpack(lost.note, TaskResult) if lost.note else TaskResult()
                rest = self._rest(done, grant, time.monotonic() - began) if call is not None else ()
                self._book(call, done, (*done.calls, *rest))
            except RalphError:  # it was not begun
                self._book(call, TaskResult(), ())
                raise
            return done

    def _rest(self, done: TaskResult, grant: Decimal, seconds: float) -> tuple[Booked, ...]:
        """Return the amount that a lost worker may have paid besides the reported calls."""
        told = sum((call.cost_usd or Decimal(0) for call in done.calls), Decimal(0))
        unknown = Booked(
            phase=Phase.ANALYZE,
            model=self._models[0].id,
            usage=None,
            cost_usd=grant - told if self._prices else None,
            outcome=LOST,
            seconds=seconds,
        )
        return (unknown,)

    def _book(self, call: int | None, done: TaskResult, calls: Sequence[Booked]) -> None:
        if call is not None:
            self._ledger.replace(call, calls)
        for phase, model, count in done.remembered:
            self._ledger.remembered(phase, model, count)
        self._answers.put(done.answers)
        self._store.put(done.facts)

    @contextmanager
    def _set_aside(self, task: Task, need: Decimal) -> Iterator[tuple[int | None, Decimal]]:
        """Reserve money in the local ledger; yield the reservation and its US dollars. Neither without a model."""
        call, grant = self._reserved(task, need) if self._models else (None, Decimal(0))
        try:
            yield call, grant
        finally:
            with self._changed:
                self._out -= call is not None
                self._settlements += 1
                self._changed.notify_all()

    def _reserved(self, task: Task, need: Decimal) -> tuple[int, Decimal]:
        """Reserve the maximum cost of both phases; if the budget has less, the rest of it, but ``need`` at least.

        If reservations of other tasks use up the budget, it waits for them: most cost a fraction of their grant.
        """
        while True:
            with self._changed:
                seen = self._settlements
            wanted = max(need, self._worst(task))
            for _ in range(_HALVINGS):
                try:
                    return self._reserve(wanted), wanted
                except BudgetReached as fault:
                    full = fault
                    if not self._prices or wanted <= need:
                        break
                    wanted = max(need, wanted / 2)
            if not full.may_fit_later or not self._wait(seen):
                raise CapReached from full

    def _reserve(self, usd: Decimal) -> int:
        model = self._models[0].id
        worst = usd if self._prices else None
        with self._changed:
            call = self._ledger.reserve(Reservation(run=self._run, phase=Phase.ANALYZE, model=model, worst_usd=worst))
            self._out += 1
        return call

    def _wait(self, seen: int) -> bool:
        """Wait until something is settled that was not when ``seen`` was read; False if nothing is under way."""
        with self._changed:
            while self._settlements == seen and self._out:
                self._changed.wait()
            return self._settlements != seen

    def _worst(self, task: Task) -> Decimal:
        """Return the approximate maximum cost of one request of each phase, on the most expensive model."""
        lines = (line for file in task.files.values() for hunk in file.hunks for line in hunk.lines)
        given = 2 * sum(most_tokens(line.text) for line in lines) + _INSTRUCTIONS
        usage = Usage(input_tokens=given, output_tokens=_ANSWERS)
        return max((price.cost(usage) for price in self._prices.values()), default=Decimal(0))


def reviewers(settings: Settings) -> tuple[Model, ...]:
    """Return every model that a review by ``settings`` may call, each once."""
    groups = (_reviewing(models) for models in (settings.models, *(rule.models for rule in settings.routes)))
    return tuple(dict.fromkeys(model for group in groups for chain in group.values() for model in chain))


def _reviewing(models: Mapping[Phase, Chain]) -> dict[Phase, Chain]:
    """Return the models that review: a worker does not need the others."""
    return {phase: models[phase] for phase in _PHASES if phase in models}


def _size(source: Source) -> int:
    return len(source.content.old or b"") + len(source.content.new or b"")


def _shown(call: Booked) -> Call:
    """Return ``call`` as a report has it."""
    used = call.usage or Usage(input_tokens=0, output_tokens=0, estimated=True)
    return Call(
        phase=call.phase.value,
        model=call.model,
        input_tokens=used.input_tokens,
        cached_input_tokens=used.cached_input_tokens,
        output_tokens=used.output_tokens,
        cost_usd=call.cost_usd,
        seconds=round(call.seconds, 3),
        outcome=call.outcome,
        estimated=used.estimated,
    )


def _with(report: Report, earlier: tuple[Call, ...]) -> Report:
    """Return ``report`` with the calls that the same change needed before."""
    if not earlier:
        return report
    calls = earlier + report.calls
    return msgspec.structs.replace(report, calls=calls, cost_usd=total_cost(call.cost_usd for call in calls))
