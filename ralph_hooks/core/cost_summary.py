"""Summary of the ledger: totals, a forecast, and the savings from routing. Pure arithmetic, in exact US dollars."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from math import sqrt

from msgspec import Struct

from ralph_hooks.core.route import Phase
from ralph_hooks.core.text import money
from ralph_hooks.core.usage import Price, Usage


class Total(Struct, frozen=True, kw_only=True):
    """Total of some of the calls in the ledger."""

    name: str
    """The phase, the model or the day; empty for all of them."""
    calls: int
    """Calls to models, failed ones too."""
    remembered: int
    """Answers that came from the cache."""
    usage: Usage
    """Tokens of the calls; ``estimated`` where some of them are a worst case."""
    cost_usd: Decimal
    """US dollars of the calls whose cost is known."""
    unknown: int
    """Calls whose cost is not known: they come on top."""
    estimated: int
    """Calls that count at their worst case."""
    seconds: float
    """Spent waiting for models, one call after the other."""

    def priced_at(self, price: Price) -> Decimal:
        """Return the cost of the same tokens at ``price`` in US dollars; cached tokens stay cached."""
        return price.cost(self.usage)


class Statement(Struct, frozen=True, kw_only=True):
    """The ledger, summed up."""

    whole: Total
    by_phase: tuple[Total, ...]
    by_model: tuple[Total, ...]
    """Most expensive first."""
    by_day: tuple[Total, ...]
    """The latest first; local dates, YYYY-MM-DD."""
    by_repository: tuple[Total, ...]
    """Most expensive first, by the name of the folder."""
    by_command: tuple[Total, ...]
    """Most expensive first: ``gate``, ``pre-push``, ``fix``."""
    spend: tuple[tuple[str, str, Decimal], ...] = ()
    """Day, phase and US dollars, the earliest day first."""
    decided: int = 0
    """Changes with a verdict from a model, new or cached: each once, if the ledger knows the change of each run."""
    escalated: int = 0
    """Runs in which the implement model answered."""

    def of_phase(self, *phases: Phase) -> Decimal:
        """Return the US dollars of these phases together."""
        wanted = {phase.value for phase in phases}
        return sum((total.cost_usd for total in self.by_phase if total.name in wanted), Decimal(0))


class Cap(Struct, frozen=True, kw_only=True):
    """One budget and its used part, in US dollars."""

    name: str
    """``day`` or ``month``."""
    spent: Decimal
    cap: Decimal


class Forecast(Struct, frozen=True, kw_only=True):
    """Forecast of this month's cost in US dollars; in four of five months it ends between ``low`` and ``high``."""

    expected: Decimal
    low: Decimal
    high: Decimal
    days: int
    """Number of days of history behind the forecast."""


class Caught(Struct, frozen=True, kw_only=True):
    """Results of the gate, as far as its reports are kept."""

    judged: int
    held_back: int
    spent: Decimal
    """US dollars of all these runs."""


class Bill(Struct, frozen=True, kw_only=True):
    """Everything `ralph-hooks cost` says."""

    since: str
    """The first day, YYYY-MM-DD; empty: the beginning."""
    until: str
    scope: str
    """For people: ``all repositories`` or the name of one."""
    statement: Statement
    expensive: str = ""
    """The model of the implement phase, which the baseline is taken from; empty if none is configured."""
    baseline: Decimal | None = None
    """Cost of the same tokens on the baseline model; None if its price is not known."""
    caps: tuple[Cap, ...] = ()
    forecast: Forecast | None = None
    caught: Caught | None = None
    pays: str = ""
    """Sentence that says if routing saves money, with the numbers."""


_LEAST_DAYS = 3
_FOUR_OF_FIVE = 1.2816  # standard deviations around the mean of a normal distribution that hold 80 %


def forecast(daily: Sequence[Decimal], spent: Decimal, days_left: int) -> Forecast | None:
    """Return the month's end from ``daily`` spending of past whole days; None if they are too few to say anything.

    The mean is extrapolated over ``days_left`` days. The variance is that of a prediction from a sample: the days' own,
    and that of the mean, ``s^2 (L + L^2 / n)``. Days are assumed to be alike and independent; weekends are not.
    """
    count = len(daily)
    if count < _LEAST_DAYS:
        return None
    mean = sum(daily, Decimal(0)) / count
    variance = sum(((each - mean) ** 2 for each in daily), Decimal(0)) / (count - 1)
    reach = Decimal(_FOUR_OF_FIVE * sqrt(float(variance) * (days_left + days_left**2 / count)))
    expected = spent + mean * days_left
    return Forecast(expected=expected, low=max(spent, expected - reach), high=expected + reach, days=count)


def pays(statement: Statement) -> str:
    """Return one sentence: does it save money to call the cheap models first? Empty if nothing was escalated yet.

    Without routing, every change would cost as much as an escalated one costs now. With routing, every change costs the
    gate, and only the escalated share costs the expensive model.
    """
    if not statement.decided or not statement.escalated:
        return ""
    repair = statement.of_phase(Phase.IMPLEMENT) / statement.escalated
    if not repair:  # it cost nothing, or its cost is unknown
        return ""
    gate = (statement.whole.cost_usd - statement.of_phase(Phase.IMPLEMENT)) / statement.decided
    rate = Decimal(statement.escalated) / statement.decided
    routed = gate + rate * repair
    figures = (
        f"{money(routed)} a change (gate {money(gate)}, {rate * 100:.0f} % escalated at {money(repair)}) "
        f"against {money(repair)} on the expensive model every time"
    )
    if routed < repair:
        return f"The routing pays: {figures}."
    if gate >= repair:
        dearest = next((total.name for total in statement.by_model), "")
        return f"The routing does not pay: {figures}. The gate alone costs more than a repair: replace {dearest}."
    share = (1 - gate / repair) * 100
    return f"The routing does not pay: {figures}. It would pay if fewer than {share:.0f} % of changes needed a repair."
