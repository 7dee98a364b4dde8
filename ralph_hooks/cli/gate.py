"""``ralph-hooks gate``."""

from __future__ import annotations

from ralph_hooks.app.wiring import ReviewSession
from ralph_hooks.cli.shared.review_command import gate_scope, judging_command
from ralph_hooks.engine.review.gate import Scope

HELP = """\
Review the staged change, or the one that the options name: deterministic checks, then the analyze and verify models,
then your verify commands if `verify.on` lists this stage (pre-push for a range or a commit, else pre-commit).

\b
Examples:
  ralph-hooks gate                                     what `git commit` would commit now
  ralph-hooks gate --from-ref origin/main --to-ref HEAD --format github
  ralph-hooks gate --commit HEAD --format json
  ralph-hooks gate --worktree --format agent           all uncommitted changes; no repair

\b
A model's finding blocks by its evidence; `gate.block-on` sets how much:
                   proved   shown    agreed                       unproved
  auto (default)   blocks   advice   blocks if no test can run    advice
  proof            blocks   advice   advice                       advice
  shown            blocks   blocks   advice                       advice
  agreement        blocks   blocks   blocks                       advice
Findings of checks always block. `ralph-hooks show --proof ID` prints the test behind a finding.
"""


@judging_command("gate", HELP, delegates=True)
def command(session: ReviewSession) -> Scope:
    """Return the full scope, with verify commands if the configuration runs them at this stage."""
    return gate_scope(session)
