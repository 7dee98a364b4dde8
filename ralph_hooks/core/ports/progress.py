"""Progress display."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Receiver of progress messages; shows them if there is a terminal or a log to show them in."""

    def begin(self, what: str, total: int) -> None:
        """Start a group of ``total`` requests or commands, named ``what``."""
        ...

    def advance(self) -> None:
        """Count one of them as done."""
        ...

    def end(self) -> None:
        """End the group: all are done, or given up."""
        ...
