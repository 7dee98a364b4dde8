"""Every call with its cost, and the budgets, which hold across threads, processes and repositories.

Money is kept in whole pico-dollars (1e-12 US dollars), rounded up, so that sums are exact. A reservation is a row with
the maximum cost that `settle` replaces. If the process is killed in between, the row stays: the provider may have
worked and charged for it, so the maximum counts, marked as estimated.

With a team's database, a reservation has to fit the budget there. The row is written here too: for `settle`, and for
the time that the team's database is unavailable.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from decimal import ROUND_CEILING, Context, Decimal
from typing import TYPE_CHECKING

from msgspec import Struct

from ralph_hooks.core.cost_summary import Statement, Total
from ralph_hooks.core.model_errors import BudgetReached, ModelError
from ralph_hooks.core.ports.models import Booked, Reservation
from ralph_hooks.core.route import Phase
from ralph_hooks.core.usage import Usage
from ralph_hooks.store.session import DatabaseSession, Row, TeamStoreUnavailable
from ralph_hooks.store.sqlite import RepositoryId, Unavailable
from ralph_hooks.store.state import State

if TYPE_CHECKING:
    from datetime import date

UNSETTLED = "unsettled"
"""The outcome of a call that is under way, or whose process was killed."""

_EXACT = Context(prec=60, rounding=ROUND_CEILING)
_PICO = 12  # decimal places
_MOST = Decimal(1_000_000)  # US dollars: no call costs more, and sums stay within SQLite's 64 bits
_MOST_TOKENS = 2**40
_BY_DAY, _BY_PLACE = "day, phase", "model, repository_name, command"
"""Columns that a statement sums by. In SQL, because a year of a team has a hundred thousand rows of daily sums."""
_FIGURES = 10  # columns of a statement's rows after those that it sums by; the last one is seconds
_COST = 6  # among them
_INSERT = (
    "INSERT INTO calls (at, day, run, repository, repository_name, command, phase, model, cost, estimated, outcome,"
    " remembered, uid) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_INSERT_WHOLE = _INSERT.replace(
    "uid) VALUES (",
    "uid, input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, seconds) VALUES (?, ?, ?, ?, ?, ",
)
_INSERT_ONCE = f"{_INSERT} ON CONFLICT DO NOTHING"  # it may be unknown whether a transaction was committed
_RUN = "SELECT coalesce(sum(cost), 0), coalesce(sum(CASE WHEN outcome = ? THEN cost END), 0) FROM calls WHERE run = ?"
_SUMS = (
    "SELECT {by}, sum(CASE WHEN remembered = 0 THEN 1 ELSE 0 END), sum(remembered), sum(input_tokens),"
    " sum(cached_input_tokens), sum(cache_write_tokens), sum(output_tokens), coalesce(sum(cost), 0),"
    " sum(CASE WHEN cost IS NULL THEN 1 ELSE 0 END), sum(estimated), sum(seconds) FROM calls{where} GROUP BY {by}"
)
_ALL_RUNS = (
    "SELECT count(DISTINCT CASE WHEN command <> 'fix' AND outcome = 'ok' THEN run END),"
    " count(DISTINCT CASE WHEN phase = 'implement' AND outcome = 'ok' THEN run END) FROM calls{where}"
)
_DAILY = (
    "SELECT {by}, sum(calls), sum(remembered), sum(input_tokens), sum(cached_input_tokens), sum(cache_write_tokens),"
    " sum(output_tokens), sum(cost), sum(unknown), sum(estimated), sum(seconds) FROM daily{where} GROUP BY {by}"
)
_RUNS = (
    "SELECT coalesce(sum(decided AND change IS NULL), 0) + count(DISTINCT CASE WHEN decided THEN change END),"
    " coalesce(sum(escalated), 0)"
    " FROM (SELECT runs.*, judgements.change FROM runs LEFT JOIN judgements USING (run)) AS runs{where}"
)
"""Locally a change counts once however often it was judged; a team's database records runs only."""
_HERE, _THERE = (
    f"SELECT coalesce(sum(cost), 0) FROM {table} WHERE day BETWEEN ? AND ?"  # noqa: S608 - constants
    for table in ("calls", "days")
)
"""The cost of some days: summed up on this machine, and as the team's database keeps the sums."""


class Unrecorded(ModelError):
    """The ledger cannot be written, so the call was not made: its cost would have gone unrecorded."""

    outcome = "unrecorded"


class Caps(Struct, frozen=True, kw_only=True):
    """US dollars that may be spent; None for no cap, 0 for nothing at all."""

    per_run: Decimal | None = None
    per_day: Decimal | None = None
    """A day of the user's local calendar."""
    per_month: Decimal | None = None
    price_needed: bool = False
    """True if a call whose price is not known is refused."""


_KEPT = Decimal("0.2")
"""The share of a day's and a month's budget that repairs may not use: a gate that cannot review for lack of budget is
worse than a failure without a repair. A run's own budget has no later reviews to keep anything for."""
_UNPRICED = '{model} has no known price, and budget.unpriced is "refuse": set prices."{model}"'
UNPRICED_AGENT = (
    "the coding agent {model} reports its cost only when it ends, if at all, and budget.unpriced is"
    ' "refuse": set budget.unpriced = "allow" and limit the agent itself (claude:'
    " --max-budget-usd), or choose a model with a known price for implement (models.implement)"
)
"""The reason an agent is not started, and the remedy; ``{model}`` is its ``provider/model``."""
_REPAIR = (Phase.PLAN, Phase.IMPLEMENT, Phase.FIX)


class StoredLedger:
    """Implements `core.ports.models.Ledger` for one run of one command in one repository."""

    def __init__(
        self,
        state: State,
        *,
        run: str,
        repository: RepositoryId,
        command: str,
        caps: Caps,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = state.database
        self._team = state.team
        self._run = run
        self._repository = repository
        self._command = command
        self._caps = caps
        self._clock = clock

    def reserve(self, reservation: Reservation) -> int:
        """Record the call at its worst case and return its id.

        Raises BudgetReached, or Unrecorded where the ledger cannot be written; then nothing was recorded.
        """
        row = self._row(reservation.phase, reservation.model, run=reservation.run)
        worst = None if reservation.worst_usd is None else _pico(reservation.worst_usd)
        uid = self._new_uid()
        whole = (*row, worst, int(worst is not None), UNSETTLED, 0, uid)
        there = self._reserved_there(reservation, whole, worst)

        def record(connection: sqlite3.Connection) -> int:
            if not there:
                self._keep_within(connection, _HERE, reservation, row[1], worst)
            call = connection.execute(_INSERT, whole).lastrowid
            assert call is not None
            if not there:
                self._mark(connection, call)
            return call

        try:
            return self._database.transact(record)
        except Unavailable as error:
            if there and self._team and uid:
                self._team.take_back(uid)
            raise Unrecorded(f"the call was not made, because it could not be recorded: {error.message}") from error
        except BudgetReached:
            if self._team and uid:  # it may have the call, and have hung up before it said so
                self._database.defer(*self._team.marked(uid))
            raise

    def _reserved_there(self, reservation: Reservation, whole: Row, worst: int | None) -> bool:
        """Return whether the team's database has the call; otherwise it is unavailable. Raises BudgetReached."""
        if self._team is None:
            return False

        def record(session: DatabaseSession) -> None:
            self._keep_within(session, _THERE, reservation, whole[1], worst)
            session.execute(_INSERT_ONCE, whole)

        try:
            self._team.transact(record)
        except TeamStoreUnavailable:
            return False
        return True

    def settle(self, call: int, usage: Usage | None, cost_usd: Decimal | None, outcome: str, seconds: float) -> None:
        """Replace the maximum cost by the actual one. Without ``usage``, or with an invalid cost, it stays."""
        cost = None if cost_usd is None else _pico(cost_usd)
        worst_case = usage is None or (cost_usd is not None and cost is None)
        used = usage or Usage(input_tokens=0, output_tokens=0)
        counts = (used.input_tokens, used.cached_input_tokens, used.cache_write_tokens, used.output_tokens)
        settled = (*(_count(tokens) for tokens in counts), outcome, seconds)

        def record(connection: sqlite3.Connection) -> None:
            connection.execute(
                "UPDATE calls SET input_tokens = ?, cached_input_tokens = ?, cache_write_tokens = ?, output_tokens = ?,"
                " outcome = ?, seconds = ? WHERE id = ?",
                (*settled, call),
            )
            if not worst_case:
                connection.execute(
                    "UPDATE calls SET cost = ?, estimated = ? WHERE id = ?", (cost, used.estimated, call)
                )
            self._mark(connection, call)

        team = self._team
        try:
            self._database.transact(record)
        except Unavailable as error:
            self._database.note(f"{error.message}; the ledger keeps the maximum cost of a call")
        if team is not None:
            team.share()

    def replace(self, call: int, calls: Sequence[Booked]) -> None:
        """Replace the reservation ``call`` with ``calls``, which together cost no more.

        They were made within it on another machine, so no budget is checked. If one cannot be recorded, none is.
        """
        team = self._team
        rows = [self._whole(each) for each in calls]

        def record(connection: sqlite3.Connection) -> None:
            self._mark(connection, call)
            connection.execute("DELETE FROM calls WHERE id = ?", (call,))
            for row in rows:
                made = connection.execute(_INSERT_WHOLE, row).lastrowid
                assert made is not None
                self._mark(connection, made)

        try:
            self._database.transact(record)
        except Unavailable as error:
            self._database.note(f"{error.message}; the ledger keeps the reserved cost of these calls")
        if team is not None:
            team.share()

    def _whole(self, call: Booked) -> Row:
        """Return every column of a finished call."""
        used = call.usage or Usage(input_tokens=0, output_tokens=0, estimated=call.cost_usd is not None)
        counts = (used.input_tokens, used.cached_input_tokens, used.cache_write_tokens, used.output_tokens)
        cost = None if call.cost_usd is None else _pico(call.cost_usd)
        row = self._row(call.phase, call.model, run=self._run)
        uid = self._new_uid()
        return (*row, cost, used.estimated, call.outcome, 0, uid, *(_count(each) for each in counts), call.seconds)

    def remembered(self, phase: Phase, model: str, count: int = 1) -> None:
        """Record that ``count`` answers of ``model`` came from the cache; written with the run's next transaction."""
        team, uid = self._team, self._new_uid()
        self._database.defer(_INSERT, (*self._row(phase, model, run=self._run), 0, 0, "ok", count, uid))
        if team and uid:
            self._database.defer(*team.marked(uid))

    def _mark(self, connection: sqlite3.Connection, call: int) -> None:
        """Mark ``call``: the team's database has yet to get it as it is when this transaction ends."""
        team = self._team
        rows = connection.execute("SELECT uid FROM calls WHERE id = ?", (call,)).fetchall() if team else ()
        for (uid,) in rows:
            if team and uid:
                connection.execute(*team.marked(uid))

    def _new_uid(self) -> str | None:
        """Return the identifier of the next row in the team's database; None if there is none."""
        return self._team.new_uid() if self._team is not None else None

    def _row(self, phase: Phase, model: str, *, run: str) -> Row:
        """Return the columns that every row has."""
        now = self._clock()
        day = time.strftime("%Y-%m-%d", time.localtime(now))
        return now, day, run, self._repository.key, self._repository.name, self._command, phase.value, model

    def _keep_within(
        self, session: DatabaseSession, days: str, reservation: Reservation, day: str, worst: int | None
    ) -> None:
        """Raise BudgetReached if ``worst`` does not fit into each cap, beside all that is spent and reserved.

        ``days`` is the statement that says what some days cost.
        """
        if worst == 0:
            return
        if worst is None and self._caps.price_needed:
            raise BudgetReached((UNPRICED_AGENT if reservation.agent else _UNPRICED).format(model=reservation.model))
        # All are asked before the first is read: on a network that is one way there and back.
        run = session.execute(_RUN, (UNSETTLED, reservation.run))
        today = session.execute(days, (day, day))
        month = session.execute(days, (f"{day[:7]}-01", f"{day[:7]}-31"))
        ((in_run, under_way),) = run.fetchall()
        ((in_day,),), ((in_month,),) = today.fetchall(), month.fetchall()
        kept = _KEPT if reservation.phase in _REPAIR else Decimal(0)
        for name, cap, held_back, spent in (
            ("run", self._caps.per_run, Decimal(0), in_run),
            ("day", self._caps.per_day, kept, in_day),
            ("month", self._caps.per_month, kept, in_month),
        ):
            if cap is not None:
                _fits(name, cap, held_back, spent, under_way, worst)


def _fits(name: str, cap: Decimal, kept: Decimal, spent: int, under_way: int, worst: int | None) -> None:
    """Raise BudgetReached unless ``worst`` fits into ``cap`` beside ``spent``, with the share ``kept`` left over."""
    most = (cap * (1 - kept)).scaleb(_PICO, _EXACT)
    but = f", of which {_dollars(cap * kept)} are kept for reviews" if kept else ""
    if worst is None:
        if spent >= most:
            used = f": {_dollars(_usd(spent))} are spent or reserved" if spent else ""
            raise BudgetReached(
                f"the budget per {name} is {_dollars(cap)}{but}{used}, and the cost of this call is unknown"
            )
    elif spent + worst > most:
        raise BudgetReached(
            f"the budget per {name} is {_dollars(cap)}{but}: {_dollars(_usd(spent))} are spent or reserved, "
            f"and this call may cost {_dollars(_usd(worst))} (budget.per-{name} raises it)",
            may_fit_later=spent - under_way + worst <= most,
        )


def statement(
    state: State, *, since: date | None = None, until: date | None = None, repository: RepositoryId | None = None
) -> Statement:
    """Return the spending from ``since`` to ``until``, both included, everywhere or in one repository.

    By the team's ledger where there is one and it answers: there a repository goes by its name, for its folder is
    another one on each machine.
    """
    if state.team is not None:
        state.team.share()  # it includes the spending of this machine
        with suppress(TeamStoreUnavailable):
            scope = ("repository_name", repository.name) if repository else None
            return _statement(state.team.query, since, until, scope)
    scope = ("repository", repository.key) if repository else None
    return _statement(
        lambda sql, values: state.database.read(sql, values, _checked), since, until, scope, sums=_DAILY, runs=_RUNS
    )


def _checked(row: Row) -> Row:
    """Return ``row`` if its names are text and its figures numbers. Raises TypeError."""
    names = max(0, len(row) - _FIGURES)
    figures = row[names : names + _FIGURES - 1]
    if not all(isinstance(name, str) for name in row[:names]) or not all(isinstance(each, int) for each in figures):
        raise TypeError
    return row


def _statement(
    query: Callable[[str, Sequence[object]], list[Row]],
    since: date | None,
    until: date | None,
    scope: tuple[str, str] | None,
    *,
    sums: str = _SUMS,
    runs: str = _ALL_RUNS,
) -> Statement:
    bounds = (("day >= ?", since and since.isoformat()), ("day <= ?", until and until.isoformat()))
    named = ((f"{scope[0]} = ?", scope[1]),) if scope else ()
    conditions = [(condition, value) for condition, value in (*bounds, *named) if value is not None]
    where = f" WHERE {' AND '.join(condition for condition, _ in conditions)}" if conditions else ""
    values = [value for _, value in conditions]
    by_day = query(sums.format(by=_BY_DAY, where=where), values)
    by_place = query(sums.format(by=_BY_PLACE, where=where), values)
    ((decided, escalated),) = query(runs.format(where=where), values)
    order = {phase.value: index for index, phase in enumerate(Phase)}
    return Statement(
        whole=_total("", by_day),
        by_phase=tuple(sorted(_totals(by_day, 1), key=lambda total: order.get(total.name, len(order)))),
        by_model=_dearest(by_place, 0),
        by_day=tuple(sorted(_totals(by_day, 0), key=lambda total: total.name, reverse=True)),
        by_repository=_dearest(by_place, 1),
        by_command=_dearest(by_place, 2),
        spend=tuple(sorted((day, phase, _usd(figures[_COST])) for day, phase, *figures in by_day)),
        decided=decided,
        escalated=escalated,
    )


def _dearest(rows: Iterable[Row], column: int) -> tuple[Total, ...]:
    return tuple(sorted(_totals(rows, column), key=lambda total: (-total.cost_usd, total.name)))


def _totals(rows: Iterable[Row], column: int) -> list[Total]:
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row[column], []).append(row)
    return [_total(name, group) for name, group in groups.items()]


def _total(name: str, rows: list[Row]) -> Total:
    columns = list(zip(*(row[-_FIGURES:] for row in rows), strict=True)) or [()] * _FIGURES
    calls, remembered, given, cached, written, replied, cost, unknown, estimated, seconds = map(sum, columns)
    usage = Usage(
        input_tokens=given,
        cached_input_tokens=cached,
        cache_write_tokens=written,
        output_tokens=replied,
        estimated=estimated > 0,
    )
    return Total(
        name=name,
        calls=calls,
        remembered=remembered,
        usage=usage,
        cost_usd=_usd(cost),
        unknown=unknown,
        estimated=estimated,
        seconds=seconds,
    )


def _pico(usd: Decimal) -> int | None:
    """Return whole pico-dollars, rounded up; None for an invalid cost (a provider's own figure may be anything)."""
    if not usd.is_finite() or usd < 0:
        return None
    return int(min(usd, _MOST).scaleb(_PICO, _EXACT).to_integral_value(ROUND_CEILING))


def _usd(pico: int) -> Decimal:
    return Decimal(pico).scaleb(-_PICO, _EXACT)


def _count(tokens: int) -> int:
    return max(0, min(tokens, _MOST_TOKENS))


def _dollars(usd: Decimal) -> str:
    """Format USD for people: two decimal places, or more for small amounts, down to a millionth."""
    cents, _, rest = f"{usd.quantize(Decimal('0.000001'), context=_EXACT):f}".partition(".")
    return f"${cents}.{rest.rstrip('0').ljust(2, '0')}"
