"""Access to what a project has dismissed."""

from __future__ import annotations

from typing import Protocol

from ralph_hooks.core.change import Change
from ralph_hooks.core.dismissal import Dismissals


class DismissalReader(Protocol):
    """Reads the dismissals that hold for a change."""

    def read(self, change: Change) -> Dismissals:
        """Return the entries of the base, of the change and of the author's working tree."""
        ...

    def holds(self, change: Change, path: str) -> bool:
        """Return True where the judged tree has ``path``."""
        ...
