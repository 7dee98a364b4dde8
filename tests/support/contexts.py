"""A shop whose code calls a module for money."""

from __future__ import annotations

import re

from tests.support.server import Finds, ModelServer

MONEY = """\
def in_cents(amount, *, rounding="half-even"):
    return round(amount * 100)


class Purse:
    def __init__(self, owner):
        self.owner = owner

    def take_out(self, cents):
        return cents
"""


SHOP = (
    "from shop.money import Purse, in_cents\n\n\ndef pay(purse, amount):\n    return purse.take_out(in_cents(amount))\n"
)


PAYS = Finds("take_out", "Takes out too much.")


def prompts(server: ModelServer, phase: str = "analyze") -> str:
    return "\n".join(request.prompt for request in server.requests if request.phase == phase)


def called(server: ModelServer) -> list[str]:
    return re.findall(r"(?m)^= (.*)$", prompts(server))
