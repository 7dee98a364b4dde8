"""Remote workers."""

from __future__ import annotations

from typing import Protocol


class Cluster(Protocol):
    """Remote workers that run review tasks. Safe from several threads."""

    @property
    def places(self) -> int:
        """Number of tasks that run at once."""
        ...

    def do(self, errand: bytes) -> bytes:
        """Return the outcome of the task ``errand``, which runs once or not at all.

        Raises WorkerLost if its outcome is unknown, and RalphError if no worker can start it.
        """
        ...


class WorkerLost(Exception):
    """The worker of a task was lost, after all of its work or none. ``str()`` gives the known details."""

    def __init__(self, message: str, note: bytes = b"") -> None:
        super().__init__(message)
        self.note = note
        """Last progress message of the worker; empty if there is none."""
