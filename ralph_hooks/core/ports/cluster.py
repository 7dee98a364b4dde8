"""Remote workers."""

from __future__ import annotations

from typing import Protocol


class Cluster(Protocol):
    """Other machines that do errands. Safe from several threads."""

    @property
    def places(self) -> int:
        """How many errands it does at once."""
        ...

    def do(self, errand: bytes) -> bytes:
        """The outcome of ``errand``, which is done once or not at all.

        Raises WorkerLost where nobody knows what became of it, and RalphError where there is nobody to begin it.
        """
        ...


class WorkerLost(Exception):
    """The worker that had an errand is gone: it may have done all of it or nothing. ``str()`` says what is known."""

    def __init__(self, message: str, note: bytes = b"") -> None:
        super().__init__(message)
        self.note = note
        """The last that it has told on its way; empty for nothing."""
