"""How long a car stood, and on which days."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta


@dataclass(frozen=True)
class Stay:
    """From the barrier in to the barrier out, in local time."""

    arrived: datetime
    left: datetime

    def __post_init__(self) -> None:
        if self.left < self.arrived:
            raise ValueError(f"left at {self.left} before arriving at {self.arrived}")

    @property
    def minutes(self) -> int:
        """Started minutes."""
        return -(-(self.left - self.arrived) // timedelta(minutes=1))

    def days(self) -> Iterator[Stay]:
        """The stay cut at each midnight: one part for every calendar day."""
        start = self.arrived
        while True:
            midnight = datetime.combine(start.date() + timedelta(days=1), time())
            if self.left <= midnight:
                yield Stay(start, self.left)
                return
            yield Stay(start, midnight)
            start = midnight
