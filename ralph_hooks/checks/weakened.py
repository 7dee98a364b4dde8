"""Tests and rules that a change weakens: one finding a kind, a note unless the project wants it to block.

Tests that are gone, skipped or assert less, suppressed diagnostics, lower limits and looser CI are what coding agents
do to get a gate green. Moved and renamed code is no loss: everything is counted over the whole change.
"""

from __future__ import annotations

from collections.abc import Sequence

from ralph_hooks.checks.shared import is_ci, sets_limits
from ralph_hooks.core.change import Entry
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.finding import Finding
from ralph_hooks.core.ports.change import Source, Unchanged
from ralph_hooks.languages.table import language_of

_VERSION = "1"


class WeakenedTests:
    """Judges a change as a whole."""

    name = "weakened-tests"
    takes_parts = False

    def __init__(self, *, blocks: bool) -> None:
        self._blocks = blocks
        self.version = f"{_VERSION} {blocks}"

    def applies(self, entry: Entry) -> bool:
        """Return True for programs, configuration of linters and test runners, CI."""
        return any(
            language_of(path) is not None or is_ci(path) or sets_limits(path) for path in {entry.path, entry.old_path}
        )

    def run(
        self,
        sources: Sequence[Source],
        unchanged: Unchanged | None,  # noqa: ARG002 - the change decides
        deadline: Deadline,  # noqa: ARG002 - it is quick
    ) -> tuple[Finding, ...]:
        """Return at most one finding a kind."""
        from ralph_hooks.checks.weakening import findings  # off the path of a cached commit

        return findings(sources, blocks=self._blocks)
