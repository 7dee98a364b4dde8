"""One deadline for a whole run, on a monotonic clock."""

from __future__ import annotations

from collections.abc import Callable


class Deadline:
    """A moment that every wait in a run is measured against. ``clock`` returns monotonic seconds."""

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self.seconds = seconds
        self.clock = clock
        self._end = clock() + seconds

    def remaining(self) -> float:
        """Return the seconds left, never below 0."""
        return max(0.0, self._end - self.clock())

    def part(self, seconds: float) -> Deadline:
        """Return a deadline within this one: in ``seconds``, or when this one comes."""
        return Deadline(min(seconds, self.remaining()), self.clock)

    @property
    def passed(self) -> bool:
        """True once no time is left."""
        return self.remaining() <= 0.0

    def __repr__(self) -> str:
        return f"Deadline({self.remaining():.3f} of {self.seconds} s left)"
