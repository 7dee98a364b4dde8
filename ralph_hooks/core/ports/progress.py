"""Progress display."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told what goes on; shows it where there is somebody to see it."""

    def begin(self, what: str, total: int) -> None:
        """``total`` requests or commands of ``what`` start now."""
        ...

    def advance(self) -> None:
        """One of them is done."""
        ...

    def end(self) -> None:
        """All are done, or given up."""
        ...
