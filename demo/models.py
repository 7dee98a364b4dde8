"""``python -m demo.models``: two scripted models, a cheap one and an expensive one, in one server on this machine.

The cheap one knows the bug of the fourth change, and is wrong about the first one: it writes a test for each. The
expensive one repairs it, wrongly at first: a car that leaves stays inside, and a test fails. The cheap one then
corrects the repair. Prints the server's base URL on its first line.
"""

from __future__ import annotations

import signal
import threading

from tests.support.repairs import Crew, plan, repair
from tests.support.server import Finds, ModelServer, Reply, Request, verdicts

PATH = "parkhouse/garage.py"
QUOTE = "self._inside.pop(number, None)"
MESSAGE = (
    "The ticket is forgotten before the payment is checked: after one Unpaid the car counts as gone, and its driver "
    "can neither pay nor leave"
)
REPRODUCER = """\
from datetime import datetime

import pytest

from parkhouse.garage import Garage, Unpaid
from parkhouse.tariff import Tariff


def test_a_driver_can_pay_after_a_refusal() -> None:
    garage = Garage(spaces=1, tariff=Tariff(hour=250))
    arrived, now = datetime(2024, 5, 3, 8), datetime(2024, 5, 3, 9)
    ticket = garage.enter("B AX 1234", arrived)
    with pytest.raises(Unpaid):
        garage.leave(ticket.number, now)
    assert garage.pay(ticket.number, now) == 250
"""
FALSE_QUOTE = "for share in split(fee, people)"
FALSE_MESSAGE = "With 0 people the fee is divided by zero"
FALSE_REPRODUCER = """\
from datetime import datetime

from parkhouse.receipt import receipt
from parkhouse.stay import Stay
from parkhouse.tariff import Tariff


def test_a_receipt_for_nobody() -> None:
    stay = Stay(datetime(2024, 5, 3, 8), datetime(2024, 5, 3, 9))
    assert receipt(stay, Tariff(hour=250), people=0).splitlines()[1:] == ["fee     2.50"]
"""
_LOOKED_UP = """\
        ticket = self._inside.pop(number, None)
        if ticket is None:
            raise UnknownTicket(f"no car with ticket {number} is inside")
        paid_at = self._paid_at.pop(number, None)
"""
_LOOKED_AT = """\
        ticket = self._inside.get(number)
        if ticket is None:
            raise UnknownTicket(f"no car with ticket {number} is inside")
        paid_at = self._paid_at.get(number)
"""
_PAID = """\
            raise Unpaid(f"ticket {number} has to be paid first")
        return ticket
"""
_GONE = """\
            raise Unpaid(f"ticket {number} has to be paid first")
        del self._inside[number]
        del self._paid_at[number]
        return ticket
"""

_crew = Crew(
    Finds(QUOTE, MESSAGE),
    Finds(FALSE_QUOTE, FALSE_MESSAGE),
    planned=plan(PATH, steps=["Look the ticket up without forgetting it.", "Forget it once the fee is paid."]),
    implement=[repair((PATH, _LOOKED_UP, _LOOKED_AT), summary="Looks the ticket up without forgetting it.")],
    fix=[repair((PATH, _PAID, _GONE), summary="Forgets the ticket when the car has left.")],
)


def answer(request: Request) -> Reply:
    """Return the crew's answer; a claim about a finding holds as long as its line is there."""
    if request.phase == "reproduce":
        test = FALSE_REPRODUCER if FALSE_MESSAGE in request.prompt else REPRODUCER
        item = {"id": "C1", "test": test, "asserts": "The test says it.", "because": "", "cannot": ""}
        return Reply.json_text({"reproducers": [item]})
    if request.phase != "verify":
        return _crew(request)
    there = any(
        QUOTE in line or FALSE_QUOTE in line for line in request.prompt.splitlines() if not line.startswith(("C", "-"))
    )
    return Reply.json_text(
        {"verdicts": verdicts(request.prompt, lambda claim: there or claim.startswith("This rule is kept"))}
    )


def main() -> None:
    """Serve until the process is ended."""
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    with ModelServer(answer) as server:
        print(server.url, flush=True)
        stop.wait()


if __name__ == "__main__":
    main()
