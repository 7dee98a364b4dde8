"""A proved finding's reproducer is what a repair is told and what it has to make pass."""

from __future__ import annotations

import pytest

from tests.support.project import Project, phases
from tests.support.repairs import Crew, plan, repair
from tests.support.server import Finds, Reply, Responder

BASE = "def rate(part, whole):\n    if not whole:\n        return 0\n    return 100 * part / whole\n"
CHANGE = "def rate(part, whole):\n    return 100 * part / whole\n"
TEST = "from shop import rate\ndef test_rate():\n    assert rate(1, 0) == 0\n"
DIVIDES = Finds("if not whole", "Divides by zero where whole is 0.")
STILL = "After the repair this is still wrong"


def crew(*repairs: Reply, fix: tuple[Reply, ...] = ()) -> Crew:
    """Finds the bug, agrees with every claim but the one that a repair has left it, and answers with ``repairs``."""
    return Crew(
        DIVIDES, planned=plan("shop.py"), implement=repairs, fix=fix, holds=lambda claim: not claim.startswith(STILL)
    )


def with_reproducer(made: Crew, **fields: str) -> Responder:
    item = {"id": "C1", "test": "", "asserts": "0 for nothing", "because": "", "cannot": "", **fields}
    return lambda r: Reply.json_text({"reproducers": [item]}) if r.phase == "reproduce" else made(r)


@pytest.fixture
def shop(project: Project) -> Project:
    """A change that takes a guard out is staged."""
    project.agrees = False
    project.repo.commit({"shop.py": BASE})
    project.repo.stage({"shop.py": CHANGE})
    return project


BUDGET = "[budget]\nper-run = 90\nper-day = 90\n"
GUARD = "    if whole == 0:\n        return 0\n"
MENDS = repair(("shop.py", "    return 100", f"{GUARD}    return 100"))
AROUND = repair(("shop.py", "    return 100 * part / whole", "    return (100 * part) / whole"))


def test_repair_is_told_the_reproducer_and_has_to_make_it_pass(shop: Project) -> None:
    mends = repair(("shop.py", "    return (", f"{GUARD}    return ("))
    server = shop.models(with_reproducer(crew(AROUND, fix=(mends,)), test=TEST), user=BUDGET)
    judged = shop.judge("--no-apply", command="fix")
    asked = phases(server.requests)
    assert asked[:5] == ["analyze", "verify", "reproduce", "plan", "implement"]
    for request in server.requests[3:5]:
        assert "assert rate(1, 0) == 0" in request.prompt
        assert "ZeroDivisionError" in request.prompt
    checks = [rung for rung in judged.report["rungs"] if rung["step"] == "check"]
    assert checks[0]["outcome"] == "1 reproducer still fails"
    assert "1 reproducer passes" in checks[-1]["outcome"]
    assert judged.code == 0
    assert (judged.report["fix"]["verified"], judged.report["fix"]["reproduced"]) == (False, True)
    shown = shop.run("show", judged.report["fix"]["id"])
    assert "verified by its own reproducer" in shown.out


def test_advice_reaches_no_repair_unless_it_is_named(shop: Project) -> None:
    server = shop.models(with_reproducer(crew(MENDS), cannot="It needs hardware."), user=BUDGET)
    judged = shop.judge("--no-apply", command="fix")
    assert judged.report["fix"] is None
    assert phases(server.requests) == ["analyze", "verify", "reproduce"]
    (finding,) = judged.findings
    chosen = shop.judge("--no-apply", "--finding", finding["id"], command="fix")
    assert chosen.report["fix"] is not None
    assert "implement" in phases(server.requests)
