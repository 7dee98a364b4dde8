"""Access to a project's dismissals."""

from __future__ import annotations

from typing import Protocol

from ralph_hooks.core.change import Change
from ralph_hooks.core.dismissal import Dismissals
from ralph_hooks.core.finding import Finding


class DismissalReader(Protocol):
    """Reads the dismissals that hold for a change."""

    def read(self, change: Change) -> Dismissals:
        """Return the entries of the base, of the change and of the author's working tree."""
        ...

    def in_baseline(self, change: Change, finding: Finding) -> bool | None:
        """Return None for a secret that no `.secrets.baseline` lists, True if only the one of the change does."""
        ...

    def added_to_baseline(self, change: Change) -> int:
        """Return how many entries the change adds to `.secrets.baseline`."""
        ...

    def holds(self, change: Change, path: str) -> bool:
        """Return True if the reviewed tree has ``path``."""
        ...
