"""Plans of a repair are read."""

from __future__ import annotations

import json

import pytest

from ralph_hooks.core.model_errors import Unreadable
from ralph_hooks.phases import plan
from ralph_hooks.phases.plan import Plan

ODD = b"caf\xe9.py".decode("utf-8", "surrogateescape")


def planned(*files: str, steps: tuple[str, ...] = ("Mend it.",)) -> Plan:
    return plan.read(json.dumps({"files": files, "steps": steps}).encode(), ["a.py", "b/c.py", ODD])


def test_a_plan_names_files_that_are_there_and_definitions_in_them() -> None:
    read = planned(
        "./a.py::Shop::total()", "a.py::tax", "b/c.py", "b/c.py::f", "no.py", r"caf\xe9.py", steps=(" a\n b ",)
    )
    assert read == Plan({"a.py": ("Shop.total", "tax"), "b/c.py": (), ODD: ()}, ("a b",))
    assert planned(steps=("",)) == Plan({})


@pytest.mark.parametrize(
    "reply", [b"[]", b'{"files": ["a.py"]}', b'{"files": ["no.py", "neither.py"], "steps": []}', b"\xff"]
)
def test_a_plan_about_nothing_that_is_there_is_no_plan(reply: bytes) -> None:
    with pytest.raises(Unreadable):
        plan.read(reply, ["a.py"])
