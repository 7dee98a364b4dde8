"""Who writes a repair: a model along its chain, or a coding agent in the copy."""

from __future__ import annotations

import json
import re
import sys
import tempfile
from pathlib import Path

import pytest

from tests.support import agent as stand_in
from tests.support.changes import BUGGY, EVAL
from tests.support.fixing import (
    BUDGET,
    MENDS,
    RIGHT,
    STILL,
    WRONG,
    mend,
    nothing_stored,
    said,
    steps,
    stored,
    with_tests,
)
from tests.support.project import EXPENSIVE, MODEL, TWO_LINES, Project, phases
from tests.support.repairs import Crew, plan, repair
from tests.support.server import ModelServer, Reply, Script


def test_an_outage_of_the_expensive_model_goes_along_its_chain(project: Project) -> None:
    chain = f'[tool.ralph-hooks.models]\nimplement = ["{EXPENSIVE}", "spare/big"]\n'
    spare = Crew(implement=[repair(MENDS)])
    server = with_tests(project, Crew(implement=[Reply.status(404)]), chain, spare=spare)
    judged = mend(project)
    assert judged.code == 0
    assert [rung["model"] for rung in judged.report["rungs"]] == [MODEL, "spare/big", ""]
    assert phases(server.requests) == ["analyze", "plan", "implement"]
    asked = [(call["model"], call["outcome"]) for call in judged.report["calls"] if call["phase"] == "implement"]
    assert asked == [(EXPENSIVE, "not-found"), ("spare/big", "ok")]


def test_the_plan_decides_what_the_expensive_model_sees(project: Project) -> None:
    long = "".join(f"def f{n}(x):\n    return x + {n}  # {'long ' * 12}\n\n\n" for n in range(200))
    crew = Crew(planned=plan("big.py::f7", "area.py", "no/such.py"), implement=[repair(MENDS)])
    server = with_tests(project, crew)
    project.repo.commit({"big.py": long, "other.py": "OTHER = 1\n"})
    project.repo.stage({"area.py": WRONG})
    judged = mend(project)
    assert judged.code == 0
    asked = next(request for request in server.requests if request.phase == "implement").prompt
    assert "return x + 7 " in asked
    assert "return x + 8 " not in asked
    assert "def f8(x):" in asked  # its signature
    assert "lines left out ...]" in asked
    assert "OTHER" not in asked
    seen, there = map(int, re.findall(r"\d+", said(judged, "implement").replace(",", ""))[2:4])
    assert seen < there / 2


def test_the_strongest_of_the_models_for_the_files_with_findings_repairs_them(project: Project) -> None:
    routes = f'[[tool.ralph-hooks.routes]]\npaths = ["*.py"]\nmodels.implement = "{MODEL}"\n'
    routes += f'[[tool.ralph-hooks.routes]]\npaths = ["core/**"]\nmodels.implement = "{EXPENSIVE}"\n'
    crew = Crew(
        EVAL,
        implement=[repair(("a.py", "eval(text)", "int(text)"), ("core/b.py", "eval(text)", "int(text)"))],
        holds=lambda claim: STILL not in claim,
    )
    project.models(crew, user=BUDGET)
    project.configure(TWO_LINES + routes)
    project.repo.stage({"a.py": BUGGY, "core/b.py": BUGGY})
    assert mend(project).report["rungs"][1]["model"] == EXPENSIVE
    project.repo.commit()
    project.repo.stage({"c.py": BUGGY})
    assert mend(project).report["rungs"][1]["model"] == MODEL


def with_agent(project: Project, script: Script, *behaviour: str, chain: str = '"helper/x"') -> ModelServer:
    """As `with_tests`, and a coding agent that does as ``behaviour`` says is the implementer."""
    command = ", ".join(f'"{word}"' for word in (sys.executable, "-P", stand_in.__file__, *behaviour))
    user = f'{BUDGET}[providers.helper]\nwire = "agent"\ncommand = [{command}]\n'
    return with_tests(project, script, f"[tool.ralph-hooks.models]\nimplement = [{chain}]\n", user=user)


def test_a_coding_agent_repairs_in_the_copy_and_its_work_is_tried_like_any_other(project: Project) -> None:
    server = with_agent(project, Crew(), "repair", "area.py", "a + b", "a * b")
    judged = mend(project)
    assert judged.code == 0
    assert steps(judged) == [("plan", True), ("implement", True), ("check", True)]
    assert stored(project, judged) == {"area.py": RIGHT}
    assert judged.report["rungs"][1]["model"] == "helper/x"
    assert judged.report["rungs"][1]["cost_usd"] == 0.0421
    assert phases(server.requests) == ["analyze", "plan"]


def test_an_agent_that_no_budget_can_count_is_named_with_what_to_write(project: Project, tmp_path: Path) -> None:
    with_agent(project, Crew(), "note", str(tmp_path / "ran"))
    path = project.home / "config.toml"
    path.write_text(
        path.read_text()
        .replace("[budget]\n", '[verify]\non = ["pre-commit"]\n[budget]\nunpriced = "refuse"\n')
        .replace('"block"', '"fix"')
    )
    fixed, hooked = mend(project), project.judge("--format", "json")
    assert (fixed.code, hooked.code, hooked.report["job"]) == (1, 1, None)
    for notices in (fixed.notices, hooked.notices):
        assert "the coding agent helper/x reports its cost only when it ends" in notices
        assert 'set budget.unpriced = "allow" and limit the agent itself' in notices
    assert not (tmp_path / "ran").exists()


def test_what_a_coding_agent_gets_wrong_is_corrected_by_the_fix_phase(project: Project) -> None:
    crew = Crew(fix=[repair(("area.py", "a - b", "a * b"))])
    server = with_agent(project, crew, "repair", "area.py", "a + b", "a - b")
    judged = mend(project)
    assert judged.code == 0
    assert stored(project, judged) == {"area.py": RIGHT}
    asked = server.requests[-1].prompt
    assert "+2     return a - b" in asked  # what it did, for it tells no edits
    assert "FILE " in asked


def test_what_a_failed_agent_has_left_is_cleared_away_for_the_next_in_the_chain(project: Project) -> None:
    spare = Crew(implement=[repair(MENDS)])
    with_agent(project, spare, "spoil", "area.py", chain=f'"helper/x", "{EXPENSIVE}"')
    judged = mend(project)
    assert judged.code == 0
    assert stored(project, judged) == {"area.py": RIGHT}
    assert judged.report["rungs"][1]["model"] == EXPENSIVE


@pytest.mark.parametrize(
    ("behaviour", "rule"),
    [
        (("write", "test_area.py", "print('fine')"), "with the tests as they were before the repair, "),
        (("write", ".github/workflows/ci.yml", "on: push"), "may not change CI workflows"),
    ],
)
def test_a_coding_agent_is_held_to_the_same_rules(project: Project, behaviour: tuple[str, ...], rule: str) -> None:
    with_agent(project, Crew(fix=[Reply.refusal()]), *behaviour)
    judged = mend(project)
    assert judged.code == 1
    assert rule in said(judged, "check")
    assert nothing_stored(project)


def test_a_coding_agent_that_leaves_the_copy_takes_nothing_of_it_into_the_repository(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside, temporary = tmp_path / "outside", tmp_path / "tmp"
    outside.mkdir()
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    with_agent(project, Crew(fix=[Reply.refusal()]), "leave", str(outside))
    before = project.repo.state()
    judged = mend(project)
    assert judged.code == 1
    assert "it breaks a rule for repairs: a repair may not add, change or remove symbolic links: way-out" in said(
        judged, "check"
    )
    assert nothing_stored(project)
    assert project.repo.state() == before
    assert list(temporary.iterdir()) == []  # what lay beside the copy went with it


def test_the_task_of_a_coding_agent_has_the_problem_and_the_plan_and_no_file(project: Project, tmp_path: Path) -> None:
    told = tmp_path / "told.json"
    with_agent(project, Crew(planned=plan("area.py", steps=["Multiply."])), "note", str(told))
    assert mend(project).code == 1
    task = json.loads(told.read_text())["stdin"]
    assert task.startswith("Repair a code change that was held back.")
    assert "TASK: Mend 1 problem: P1.\nBEGIN " in task
    assert "AssertionError: 5" in task
    assert "PLAN\n1. Multiply." in task
    assert "FILE" not in task
    assert "search" not in task
