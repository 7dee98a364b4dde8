"""``ralph-hooks analyze``."""

from __future__ import annotations

from ralph_hooks.app.wiring import ReviewSession
from ralph_hooks.cli.shared.review_command import judging_command
from ralph_hooks.engine.review.gate import Scope

HELP = """\
Review the staged change with checks and models only: no verify commands, no repair.

\b
Examples:
  ralph-hooks analyze
  ralph-hooks analyze --commit HEAD~1 --format agent
"""


@judging_command("analyze", HELP)
def command(session: ReviewSession) -> Scope:  # noqa: ARG001 - the same for every change
    """Return the scope: checks and models."""
    return Scope.REVIEW
