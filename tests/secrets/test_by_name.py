"""A password under a telling name is masked in whatever language, nesting and escaping it is written."""

from __future__ import annotations

import random

import pytest

from ralph_hooks import secrets
from ralph_hooks.trust.redaction import Redaction
from tests.support.credentials import SERVICES
from tests.support.matrix import every
from tests.support.notations import NAMES, NOTATIONS, PASSWORDS, leaks, written

SHOWN = ("{}", "+7 {}", "  | E       {}", "  code: {}")
"""How a request shows a line."""


def shown_as(form: str, text: str) -> str:
    return "\n".join(form.format(line) for line in text.split("\n"))


@pytest.mark.parametrize("notation", every(3, NOTATIONS))
def test_password_is_masked_in_every_notation(notation: str) -> None:
    rng = random.Random(notation)
    for form in SHOWN:
        for kind, make in PASSWORDS.items():
            for name in NAMES:
                value = make(rng)
                text = shown_as(form, written(notation, name, value))
                assert not leaks(value, Redaction().mask(text)), (kind, text)


def test_scan_for_blocking_finds_every_certain_credential() -> None:
    rng = random.Random(7)
    keys = [f"deploy with {service(rng)} today" for service in SERVICES.values()]
    for path in ("app.py", "deploy.env", "notes.txt"):
        lines = [written(each, "DB_PASSWORD", PASSWORDS["hexadecimal"](rng)) for each in NOTATIONS]
        for line in [*lines, *keys]:
            text = f"The password of the user account is kept elsewhere.\n{line}\nno token there\n"
            certain = [(each.start, each.kind) for each in secrets.find(text, path) if each.certain]
            assert [(each.start, each.kind) for each in secrets.find(text, path, doubtful=False)] == certain, line
