"""``ralph-hooks verify``."""

from __future__ import annotations

from ralph_hooks.app.wiring import ReviewSession
from ralph_hooks.cli.shared.review_command import judging_command
from ralph_hooks.engine.review.gate import Scope

HELP = """\
Run the verify commands on a scratch copy of exactly what would be committed, and check the invariants with the verify
model. The working tree is neither read nor changed.

\b
Examples:
  ralph-hooks verify
  ralph-hooks verify --from-ref origin/main
"""


@judging_command("verify", HELP)
def command(session: ReviewSession) -> Scope:  # noqa: ARG001 - the same for every change
    """Return the scope: verify commands and invariants."""
    return Scope.COMMANDS
