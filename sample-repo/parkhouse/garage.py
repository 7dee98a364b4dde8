"""Who is inside, who has paid, and who may leave."""

from __future__ import annotations

from datetime import datetime, timedelta

from parkhouse.stay import Stay
from parkhouse.tariff import Tariff
from parkhouse.ticket import Ticket

GRACE = timedelta(minutes=20)
"""How long a driver has from the pay machine to the barrier."""


class GarageError(Exception):
    """The barrier stays down; the text says why."""


class Full(GarageError):
    """No space is free."""


class UnknownTicket(GarageError):
    """No car with this ticket is inside."""


class Unpaid(GarageError):
    """The fee was not paid, or too long ago."""


class Garage:
    """A car park with one entrance and one exit."""

    def __init__(self, spaces: int, tariff: Tariff) -> None:
        self.spaces = spaces
        self.tariff = tariff
        self._inside: dict[int, Ticket] = {}
        self._paid_at: dict[int, datetime] = {}
        self._last_number = 0

    @property
    def free(self) -> int:
        """How many spaces are free."""
        return self.spaces - len(self._inside)

    def enter(self, plate: str, now: datetime) -> Ticket:
        """Let a car in and hand out its ticket. Raises Full."""
        if self.free < 1:
            raise Full(f"all {self.spaces} spaces are taken")
        self._last_number += 1
        ticket = Ticket(self._last_number, plate, now)
        self._inside[ticket.number] = ticket
        return ticket

    def fee(self, number: int, now: datetime) -> int:
        """Cents that are due for a ticket. Raises UnknownTicket."""
        return self.tariff.fee(Stay(self._ticket(number).arrived, now))

    def pay(self, number: int, now: datetime) -> int:
        """Note the payment and return the cents that were due. Raises UnknownTicket."""
        due = self.fee(number, now)
        self._paid_at[number] = now
        return due

    def leave(self, number: int, now: datetime) -> Ticket:
        """Let a car out. Raises UnknownTicket, or Unpaid: then the car stays inside and its driver can pay."""
        ticket = self._ticket(number)
        paid_at = self._paid_at.get(number)
        if paid_at is None or now - paid_at > GRACE:
            raise Unpaid(f"ticket {number} has to be paid first")
        del self._inside[number]
        del self._paid_at[number]
        return ticket

    def _ticket(self, number: int) -> Ticket:
        ticket = self._inside.get(number)
        if ticket is None:
            raise UnknownTicket(f"no car with ticket {number} is inside")
        return ticket
