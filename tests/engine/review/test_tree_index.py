"""Definitions of a tree are found by name."""

from __future__ import annotations

import pytest

from ralph_hooks.engine.review import tree_index
from ralph_hooks.languages.outline import Outline, outline
from tests.support.contexts import MONEY, PAYS, SHOP, called, prompts
from tests.support.project import Project
from tests.support.server import analyst


@pytest.mark.parametrize(
    "other",
    [
        {"shop/other.py": "def in_cents(amount):\n    return amount\n"},
        {"shop/wide.py": "".join(f"in_cents({number})\n" for number in range(3)), "shop/money.py": "in_cents = 1\n"},
    ],
    ids=["two definitions", "no definition"],
)
def test_a_name_that_is_not_certain_is_left_out(project: Project, other: dict[str, str]) -> None:
    server = project.models(analyst())
    project.repo.commit({"shop/money.py": MONEY} | other)
    project.repo.stage({"shop/till.py": "from shop.all import *\n\n\ndef pay(a):\n    return in_cents(a)\n"})
    project.judge()
    assert called(server) == []


def test_callers_of_another_definition_with_the_same_name_are_left_out(project: Project) -> None:
    server = project.models(analyst(PAYS))
    other = "def pay(bill):\n    return bill\n\n\ndef settle(bill):\n    return pay(bill)\n"
    own = SHOP + "\n\ndef twice(purse):\n    return pay(purse, 1) + pay(purse, 2)\n"
    project.repo.commit({"shop/money.py": MONEY, "shop/bills.py": other})
    project.repo.stage({"shop/till.py": own})
    project.judge()
    asked = prompts(server, "verify")
    assert "shop/till.py:9 in twice" in asked
    assert "settle" not in asked


def test_a_file_is_parsed_once(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []

    def counting(path: str, text: str) -> Outline:
        parsed.append(path)
        return outline(path, text)

    monkeypatch.setattr(tree_index, "outline", counting)
    project.models(analyst())
    project.repo.commit({"shop/money.py": MONEY, "shop/user.py": "in_cents(1)\n", "shop/none.py": "x = 1\n"})
    project.repo.stage({"shop/till.py": SHOP})
    project.judge()
    assert sorted(parsed) == ["shop/money.py", "shop/till.py", "shop/user.py"]
    project.judge()
    assert len(parsed) == 3
    project.repo.stage({"shop/till.py": SHOP + "\n\nx = in_cents(3)\n"})
    project.judge()
    assert parsed[3:] == ["shop/till.py"]
