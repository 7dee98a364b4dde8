"""One tiny request to one model, to see whether it answers."""

from __future__ import annotations

from decimal import Decimal

import msgspec
from msgspec import Struct

from ralph_hooks.core.route import Model, Phase
from ralph_hooks.core.usage import total_cost
from ralph_hooks.engine.models.caller import Caller, Unanswered
from ralph_hooks.errors import RalphError
from ralph_hooks.phases.question import Question, decode

_SYSTEM = "You are asked for a sign of life. Answer in JSON."
_PROMPT = 'Answer {"ok": true}.'
_MAX_OUTPUT = 1024  # tokens: a model that always reasons needs some before it answers


class PingResult(Struct, frozen=True):
    """How it went."""

    problem: str = ""
    """What happened instead of an answer, for people; empty where the model answered."""
    seconds: float = 0.0
    cost_usd: Decimal | None = None
    """US dollars; None where it is not known."""


def ping(caller: Caller, model: Model, phase: Phase) -> PingResult:
    """Ask ``model`` for a sign of life. It is in the ledger and within the budget like every call."""
    try:
        caller.ask(_question(phase), (model,))
    except Unanswered as fault:
        return PingResult(problem="; ".join(map(str, fault.faults.values())))
    except RalphError as error:
        return PingResult(problem=error.message.removeprefix(f"{model.id}: "))
    calls = [call for call in caller.calls if call.model == model.id]
    cost = total_cost(call.cost_usd for call in calls)
    return PingResult(seconds=sum(call.seconds for call in calls), cost_usd=cost)


class _PingReply(msgspec.Struct, frozen=True):
    """The shape that is asked for."""

    ok: bool


def _question(phase: Phase) -> Question[_PingReply]:
    """One request that ``phase`` is charged for. Raises Unreadable for any reply that is not of the shape."""
    return Question(
        phase=phase,
        system=_SYSTEM,
        prompt=_PROMPT,
        shape=_PingReply,
        read=lambda data: decode(data, _PingReply),
        max_output=_MAX_OUTPUT,
    )
