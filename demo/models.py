"""``python -m demo.models``: two scripted models, a cheap one and an expensive one, in one server on this machine.

The cheap one knows the bug of the fourth change. The expensive one repairs it, wrongly at first: a car that leaves
stays inside, and a test says so. The cheap one then mends the repair. Prints the server's base URL on its first line.
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
    planned=plan(PATH, steps=["Look the ticket up without forgetting it.", "Forget it once the fee is paid."]),
    implement=[repair((PATH, _LOOKED_UP, _LOOKED_AT), summary="Looks the ticket up without forgetting it.")],
    fix=[repair((PATH, _PAID, _GONE), summary="Forgets the ticket when the car has left.")],
)


def answer(request: Request) -> Reply:
    """The crew's answer; a claim about the bug holds as long as its line is there."""
    if request.phase != "verify":
        return _crew(request)
    there = any(QUOTE in line for line in request.prompt.splitlines() if not line.startswith(("C", "-")))
    return Reply.json_text(
        {"verdicts": verdicts(request.prompt, lambda claim: there or claim.startswith("This rule is kept"))}
    )


def main() -> None:
    """Serve until somebody ends it."""
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    with ModelServer(answer) as server:
        print(server.url, flush=True)
        stop.wait()


if __name__ == "__main__":
    main()
