"""A ticket, and the line that the machine at the barrier prints for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Ticket:
    """Handed out at the barrier: its number, the car's plate and the time."""

    number: int
    plate: str
    arrived: datetime

    def __str__(self) -> str:
        return f"{self.number:06}  {self.plate}  {self.arrived:%Y-%m-%dT%H:%M}"


def parse_ticket(line: str) -> Ticket:
    """The ticket in a line such as ``000042  B AX 1234  2024-05-03T08:15``. Raises ValueError."""
    parts = [part.strip() for part in line.split("  ") if part.strip()]
    if len(parts) != 3 or not parts[0].isdecimal():
        raise ValueError(f"not a ticket: {line!r}")
    return Ticket(int(parts[0]), parts[1], datetime.fromisoformat(parts[2]))
