"""One real question about a change of one line to one model, to see whether it answers, and in the right shape."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct, structs

from ralph_hooks.core.change import Line
from ralph_hooks.core.model_errors import (
    BudgetReached,
    DeadlineReached,
    RateLimited,
    Skipped,
    TimedOut,
    Unreachable,
    Unreadable,
)
from ralph_hooks.core.prompt_diff import Part
from ralph_hooks.core.route import Model, Phase
from ralph_hooks.core.text import beginning, money, one_line
from ralph_hooks.core.usage import total_cost
from ralph_hooks.engine.models.caller import Caller, Unanswered
from ralph_hooks.errors import RalphError
from ralph_hooks.phases import analyze
from ralph_hooks.phases.question import Question

_PART = Part(
    path="mean.py",
    text="mean.py\n@@ def mean(values):\n 2     total = sum(values)\n-3     return total / len(values)\n"
    "+3     return total / 0",
    lines=(
        Line(" ", 2, 2, "    total = sum(values)"),
        Line("-", 3, None, "    return total / len(values)"),
        Line("+", None, 3, "    return total / 0"),
    ),
)
"""A change with a defect that no model overlooks."""
_MAX_OUTPUT = 1024  # tokens: a model that always reasons needs some before it answers
_QUOTED = 60  # characters
_OUTAGES = (Unreachable, RateLimited, TimedOut, DeadlineReached, BudgetReached, Skipped)


class PingResult(Struct, frozen=True):
    """Result of the call."""

    problem: str = ""
    """Problem that occurred instead of an answer, for people; empty if the model answered."""
    seconds: float = 0.0
    cost_usd: Decimal | None = None
    """US dollars; None if it is not known."""
    overlooked: bool = False
    """True if it answered, but did not find the defect in the question."""
    is_outage: bool = False
    """True if the problem says nothing about the model: it was not reached, or the user's budget is used up."""

    @property
    def summary(self) -> str:
        """Return the result in a few words, for people."""
        if self.problem:
            return self.problem
        cost = "at unknown cost" if self.cost_usd is None else f"for {money(self.cost_usd)}"
        missed = "; it missed the planted bug, a division by 0" if self.overlooked else ""
        return f"answered in {self.seconds:.1f} s {cost}{missed}"


def ping(caller: Caller, model: Model, phase: Phase) -> PingResult:
    """Ask ``model`` to review a small change. The call is in the ledger and within the budget like every other."""
    try:
        review, _ = caller.ask(_question(phase), (model,))
    except Unanswered as fault:
        outage = all(isinstance(each, _OUTAGES) for each in fault.faults.values())
        return PingResult(problem="; ".join(map(str, fault.faults.values())), is_outage=outage)
    except RalphError as error:
        return PingResult(problem=error.message.removeprefix(f"{model.id}: "))
    calls = [call for call in caller.calls if call.model == model.id]
    cost = total_cost(call.cost_usd for call in calls)
    return PingResult(seconds=sum(call.seconds for call in calls), cost_usd=cost, overlooked=not review.findings)


def _question(phase: Phase) -> Question[analyze.Review]:
    """Return what the review asks, charged to ``phase``."""
    return structs.replace(analyze.question([_PART], {}, "sample"), phase=phase, read=_read, max_output=_MAX_OUTPUT)


def _read(data: bytes) -> analyze.Review:
    """Return the answer. Raises Unreadable, which gives the reason, if it is none."""
    if not data.lstrip().startswith((b"{", b"[")):
        text = beginning(one_line(data.decode(errors="replace")), _QUOTED)
        raise Unreadable(f'it answers in prose, not in JSON: "{text}"' if text else "it sends an empty answer")
    try:
        return analyze.read(data, [_PART])
    except Unreadable as fault:
        raise Unreadable(f"its answer does not match the requested JSON schema: {fault}") from fault
