"""Progress display."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Receiver of progress messages; shows them if there is a terminal or a log to show them in."""

    def begin(self, what: str, total: int) -> None:
        """``total`` requests or commands of ``what`` start now."""
        ...

    def advance(self) -> None:
        """One of them is done."""
        ...

    def end(self) -> None:
        """All are done, or given up."""
        ...
