from datetime import datetime, timedelta

import pytest

from parkhouse.garage import Full, Garage, UnknownTicket, Unpaid
from parkhouse.tariff import Tariff
from parkhouse.ticket import parse_ticket

MORNING = datetime(2024, 5, 3, 8, 0)
NOON = datetime(2024, 5, 3, 12, 0)


@pytest.fixture
def garage() -> Garage:
    return Garage(spaces=2, tariff=Tariff(hour=250))


def test_a_car_that_has_paid_may_leave(garage: Garage) -> None:
    ticket = garage.enter("B AX 1234", MORNING)
    assert garage.pay(ticket.number, NOON) == 1000
    assert garage.leave(ticket.number, NOON) == ticket
    assert garage.free == 2


def test_nobody_leaves_without_paying(garage: Garage) -> None:
    ticket = garage.enter("B AX 1234", MORNING)
    with pytest.raises(Unpaid):
        garage.leave(ticket.number, NOON)


def test_a_payment_is_good_for_twenty_minutes(garage: Garage) -> None:
    ticket = garage.enter("B AX 1234", MORNING)
    garage.pay(ticket.number, NOON)
    with pytest.raises(Unpaid):
        garage.leave(ticket.number, NOON + timedelta(minutes=21))


def test_a_ticket_is_good_for_one_exit(garage: Garage) -> None:
    ticket = garage.enter("B AX 1234", MORNING)
    garage.pay(ticket.number, NOON)
    garage.leave(ticket.number, NOON)
    with pytest.raises(UnknownTicket):
        garage.leave(ticket.number, NOON)


def test_nobody_gets_in_when_all_spaces_are_taken(garage: Garage) -> None:
    garage.enter("B AX 1234", MORNING)
    garage.enter("M UC 77", MORNING)
    with pytest.raises(Full):
        garage.enter("HH P 1", MORNING)


def test_a_printed_ticket_can_be_read_back(garage: Garage) -> None:
    ticket = garage.enter("B AX 1234", MORNING)
    assert parse_ticket(str(ticket)) == ticket


@pytest.mark.parametrize("line", ["", "42", "x  B AX 1234  2024-05-03T08:15", "1  B AX 1234  yesterday"])
def test_what_is_not_a_ticket_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"not a ticket|isoformat"):
        parse_ticket(line)
