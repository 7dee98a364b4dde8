"""The smallest question there is: does a model answer at all, in the shape that is asked for?"""

from __future__ import annotations

import msgspec

from ralph_hooks.core.route import Phase
from ralph_hooks.phases.question import Question, decode

SYSTEM = "You are asked for a sign of life. Answer in JSON."
PROMPT = 'Answer {"ok": true}.'
_ROOM = 1024  # tokens: a model that always reasons needs some before it answers


class HelloReply(msgspec.Struct, frozen=True):
    """The shape that is asked for."""

    ok: bool


def question(phase: Phase) -> Question[HelloReply]:
    """One request that ``phase`` is charged for. Raises Unreadable for any reply that is not of the shape."""
    return Question(
        phase=phase,
        system=SYSTEM,
        prompt=PROMPT,
        shape=HelloReply,
        read=lambda data: decode(data, HelloReply),
        max_output=_ROOM,
    )
