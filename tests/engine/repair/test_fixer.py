"""The ladder on real repositories with scripted models: what repairs a change, what does not, what each step cost."""

from __future__ import annotations

import re
import sys
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.support.asking import WIRES
from tests.support.changes import BUGGY, EVAL
from tests.support.disks import small_disk
from tests.support.fixing import (
    BUDGET,
    MENDS,
    RIGHT,
    SCRIPT,
    STILL,
    WORSENS,
    mend,
    nothing_stored,
    said,
    steps,
    stored,
    with_tests,
)
from tests.support.matrix import first
from tests.support.project import EXPENSIVE, MODEL, Project, phases
from tests.support.repairs import Answer, Crew, plan, repair
from tests.support.server import Finds, ModelServer, Reply

PYTEST = f"{sys.executable} -m pytest -q -p no:cacheprovider --junit-xml={{junit}}"
SAFE = "def calculate(text):\n    return int(text)\n"


@pytest.mark.parametrize(("wire", "command"), first(1, [("anthropic", PYTEST), ("openai", SCRIPT)]))
def test_a_repair_that_fails_its_test_is_mended_by_the_fix_phase(project: Project, wire: str, command: str) -> None:
    crew = Crew(planned=plan("area.py"), implement=[repair(WORSENS)], fix=[repair(("area.py", "a - b", "a * b"))])
    server = with_tests(project, crew, wire=wire, command=command)
    judged = mend(project)
    assert judged.code == 0
    assert steps(judged) == [("plan", True), ("implement", True), ("check", False), ("fix", True), ("check", True)]
    assert stored(project, judged) == {"area.py": RIGHT}
    assert judged.report["fix"]["verified"] is True
    assert phases(server.requests) == ["analyze", "plan", "implement", "fix"]
    corrected = server.requests[-1].prompt
    assert "AssertionError: -1" in corrected  # what the test really said
    assert ("fails: test_area::test_area" in corrected) is (command == PYTEST)
    assert "return a - b" in corrected  # the file as it is by now


def test_each_rung_has_its_model_and_cost_and_they_add_up(project: Project) -> None:
    with_tests(project, Crew(implement=[repair(WORSENS)], fix=[repair(("area.py", "a - b", "a * b"))]))
    judged = mend(project)
    rungs = judged.report["rungs"]
    assert [rung["model"] for rung in rungs] == [MODEL, EXPENSIVE, "", MODEL, ""]
    assert rungs[1]["cost_usd"] > 10 * rungs[0]["cost_usd"] > 0
    analyzed = next(call["cost_usd"] for call in judged.report["calls"] if call["phase"] == "analyze")
    assert sum(rung["cost_usd"] for rung in rungs) + analyzed == pytest.approx(judged.report["cost_usd"])
    assert project.ledger().cost_usd == pytest.approx(Decimal(str(judged.report["cost_usd"])))


def test_an_edit_that_does_not_apply_goes_to_the_fix_phase_with_the_reason(project: Project) -> None:
    crew = Crew(implement=[repair(("area.py", "return a+b", "return a * b"))], fix=[repair(MENDS)])
    server = with_tests(project, crew)
    judged = mend(project)
    assert steps(judged) == [("plan", True), ("implement", False), ("fix", True), ("check", True)]
    assert "only white space differs, copy it exactly; the nearest line is 2: `    return a + b`" in said(
        judged, "implement"
    )
    assert "the nearest line is 2" in server.requests[-1].prompt
    assert "None of it was applied" in server.requests[-1].prompt
    assert stored(project, judged) == {"area.py": RIGHT}


def test_what_never_comes_right_is_not_repaired_and_leaves_nothing_behind(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    wrong = [repair(("area.py", "return a + b", f"return a + b + {n}"), summary=f"Try {n}.") for n in (10, 20)]
    worse = repair(("area.py", " + b", " + b * 1"))
    server = with_tests(project, Crew(implement=wrong, fix=[worse]))
    before = project.repo.state()
    judged = mend(project)
    assert judged.code == 1
    attempt = [("implement", True), ("check", False), ("fix", True), ("check", False), ("fix", True), ("check", False)]
    assert steps(judged) == [("plan", True), *attempt, *attempt]
    assert "not repaired: repair failed after 2 attempts and 4 corrections" in judged.notices
    assert phases(server.requests).count("implement") == 2
    assert nothing_stored(project)
    assert project.repo.state() == before
    assert list((tmp_path / "tmp").iterdir()) == []
    second = [request for request in server.requests if request.phase == "implement"][1]
    assert "TRIED BEFORE, IN VAIN\nAttempt 1: Try 10." in second.prompt
    assert "return a + b\n" in second.prompt  # the judged file again, not what the first attempt left


@pytest.mark.parametrize(("attempts", "rounds"), first(1, [(1, 0), (3, 1)]))
def test_attempts_and_rounds_are_as_the_settings_say(project: Project, attempts: int, rounds: int) -> None:
    settings = f"[tool.ralph-hooks.fix]\nattempts = {attempts}\nrounds = {rounds}\n"
    server = with_tests(
        project, Crew(implement=[repair(WORSENS)], fix=[repair(("area.py", "- b", "- b - 1"))]), settings
    )
    assert mend(project).code == 1
    assert phases(server.requests).count("implement") == attempts
    assert phases(server.requests).count("fix") == attempts * rounds


def test_a_file_that_ends_the_tests_before_they_run_is_refused(project: Project) -> None:
    ends = repair(create=[{"path": "sitecustomize.py", "content": "import os\n\nos._exit(0)\n"}])
    with_tests(project, Crew(implement=[ends]), "[tool.ralph-hooks.fix]\nrounds = 0\nattempts = 1\n")
    judged = mend(project)
    assert judged.code == 1
    assert "startup files of interpreters and tools: sitecustomize.py" in said(judged, "check")


@pytest.mark.parametrize(
    "excuse",
    first(
        1,
        [
            repair(("area.py", "a + b", "b + a"), ("test_area.py", "== 6", "== 5")),
            repair(("test_area.py", "assert area(2, 3) == 6", "assert area(2, 3) == 5")),
            repair(("test_area.py", "    test_area()\n", "    pass\n")),
        ],
    ),
    ids=["both", "weakens the test", "does not run it"],
)
def test_a_test_that_the_repair_has_touched_does_not_excuse_it(project: Project, excuse: Reply) -> None:
    with_tests(project, Crew(implement=[excuse]), "[tool.ralph-hooks.fix]\nrounds = 0\nattempts = 1\n")
    judged = mend(project)
    assert judged.code == 1
    assert "with the tests as they were before the repair, " in said(judged, "check")
    assert nothing_stored(project)


def test_a_test_may_be_changed_where_the_user_says_so(project: Project) -> None:
    weaker = repair(("test_area.py", "assert area(2, 3) == 6", "assert area(2, 3) == 5"))
    server = with_tests(project, Crew(implement=[weaker]))
    judged = mend(project, "the test is wrong: areas add up here")
    assert judged.code == 0
    assert list(stored(project, judged)) == ["test_area.py"]
    asked = next(request for request in server.requests if request.phase == "implement").prompt
    assert asked.startswith("TASK: Mend 1 problem: P1. The user asks: the test is wrong: areas add up here\nBEGIN ")


@pytest.mark.parametrize("wire", first(1, WIRES))
def test_a_finding_of_a_model_is_gone_when_the_verify_model_says_so(project: Project, wire: str) -> None:
    half = repair(("a.py", "eval(text)", "eval (text)"))
    crew = Crew(
        EVAL,
        planned=plan("a.py"),
        implement=[half],
        fix=[repair(("a.py", "eval (text)", "int(text)"))],
        holds=lambda claim: STILL not in claim or "eval (" in crew_sees(server),
    )
    server = project.models(crew, wire=wire, user=BUDGET)
    project.repo.stage({"a.py": BUGGY})
    judged = mend(project)
    assert judged.code == 0
    assert steps(judged) == [("plan", True), ("implement", True), ("check", False), ("fix", True), ("check", True)]
    assert "1 finding remaining: a.py: Runs what the user typed." in said(judged, "check")
    assert stored(project, judged) == {"a.py": SAFE}
    assert judged.report["fix"]["verified"] is False  # there are no tests
    claims = [r.prompt for r in server.requests if STILL in r.prompt]
    assert "+2     return eval (text)" in claims[0]
    assert "+2     return int(text)" in claims[1]


def crew_sees(server: ModelServer) -> str:
    return server.requests[-1].prompt


@pytest.mark.parametrize(
    ("bad", "objection"),
    [
        (("a.py", "int(text)", "eval(text)"), "1 blocking finding: a.py:2: Runs what the user typed."),
        (("a.py", "return int(text)", "return number"), "1 blocking finding: a.py:2: Undefined name `number`"),
    ],
    ids=["a model", "a check"],
)
def test_a_repair_that_brings_a_new_finding_is_refused(
    project: Project, bad: tuple[str, str, str], objection: str
) -> None:
    crew = Crew(EVAL, implement=[repair(bad)], fix=[repair(("a.py", bad[2], "return int(text)"))])
    server = project.models(crew, user=BUDGET)
    project.repo.stage({"a.py": SAFE})
    judged = mend(project, "make it shorter")
    assert objection in said(judged, "check")
    if "Undefined" in objection:  # then no model is asked about it
        assert "number" not in "".join(r.prompt for r in server.requests if r.phase in {"analyze", "verify"})


@pytest.mark.parametrize(
    ("bad", "rule"),
    [
        ({"create": [{"path": ".github/workflows/ci.yml", "content": "on: push\n"}]}, "may not change CI workflows"),
        ({"create": [{"path": "../out.py", "content": "x = 1\n"}]}, "may not write outside the repository"),
        ({"delete": ["kept/data.txt"]}, "may not change a path that fix.protected lists (kept/**)"),
    ],
)
def test_what_no_repair_may_do_is_refused_and_told_to_the_fix_phase(
    project: Project, bad: dict[str, Any], rule: str
) -> None:
    crew = Crew(implement=[repair(**bad)], fix=[repair(MENDS)])
    server = with_tests(project, crew, '[tool.ralph-hooks.fix]\nprotected = ["kept/**"]\nattempts = 1\n')
    project.repo.stage({"kept/data.txt": "kept\n"})
    judged = mend(project)
    assert rule in said(judged, "check") + said(judged, "implement")
    assert rule in next(request for request in server.requests if request.phase == "fix").prompt
    assert nothing_stored(project) or "data.txt" not in str(stored(project, judged))


def test_a_budget_that_is_reached_in_the_middle_ends_it_and_is_not_overshot(project: Project) -> None:
    crew = Crew(implement=[repair(WORSENS)], fix=[repair(("area.py", "- b", "- b - 1"))])
    server = with_tests(project, crew)
    project.write_user((project.home / "config.toml").read_text().replace("per-run = 90", "per-run = 2.00"))
    judged = mend(project)
    assert judged.code == 1
    assert phases(server.requests).count("implement") == 1
    assert steps(judged)[-1] == ("implement", False)
    assert "the budget per run is $2.00" in judged.notices
    assert project.ledger().cost_usd <= Decimal("2.00")
    assert nothing_stored(project)


@pytest.mark.parametrize(
    "fault", first(1, [Reply.status(404), Reply.refusal(), Reply.html()]), ids=["gone", "refusal", "html"]
)
def test_an_implementer_that_gives_no_repair_ends_it_honestly(project: Project, fault: Reply) -> None:
    server = with_tests(project, Crew(implement=[fault]))
    judged = mend(project)
    assert judged.code == 1
    assert steps(judged) == [("plan", True), ("implement", False)]
    assert f"not repaired: {EXPENSIVE}: " in judged.notices
    assert phases(server.requests).count("fix") == 0
    assert nothing_stored(project)


@pytest.mark.parametrize("phase", ["plan", "fix"])
def test_a_cheap_model_that_is_down_does_not_end_it(project: Project, phase: str) -> None:
    down: dict[str, Answer] = {"planned": Reply.refusal()} if phase == "plan" else {}
    crew = Crew(implement=[repair(WORSENS), repair(MENDS)], fix=[Reply.refusal()], **down)  # type: ignore[arg-type] # planned
    with_tests(project, crew)
    judged = mend(project)
    assert judged.code == 0
    assert (phase, False) in steps(judged)
    assert steps(judged)[-2:] == [("implement", True), ("check", True)]


def test_a_repair_that_nobody_can_judge_is_not_kept(project: Project) -> None:
    crew = Crew(EVAL, implement=[repair(("a.py", "eval(text)", "int(text)"))])

    def answer(request: object) -> Reply:
        prompt = getattr(request, "prompt", "")
        return Reply.refusal() if STILL in prompt else crew(request)  # type: ignore[arg-type] # a Request

    project.models(answer, user=BUDGET)
    project.repo.stage({"a.py": BUGGY})
    judged = mend(project)
    assert judged.code == 1
    assert f"not repaired: the repair could not be reviewed: {MODEL}: " in judged.notices
    assert nothing_stored(project)


IS = "def check(x):\n    if x is 'a':\n        return 1\n    return 2\n"
EQUALS = IS.replace("is 'a'", "== 'a'")


def test_the_linter_mends_what_it_can_without_any_model(project: Project) -> None:
    project.configure("[tool.ralph-hooks]\n")
    project.repo.stage({"a.py": IS})
    judged = mend(project)
    assert (judged.code, judged.sent) == (0, [])
    assert steps(judged) == [("autofix", True), ("check", True)]
    assert "mends F632 in a.py:2" in said(judged, "autofix")
    assert stored(project, judged) == {"a.py": EQUALS}
    assert judged.report["cost_usd"] == 0


def test_the_linter_mends_its_part_and_models_the_rest(project: Project) -> None:
    crew = Crew(planned=plan("a.py"), implement=[repair(("a.py", "return numbr", "return x"))])
    server = project.models(crew, user=BUDGET)
    project.repo.stage({"a.py": f"{IS}\n\ndef other(x):\n    return numbr\n"})
    judged = mend(project)
    assert judged.code == 0
    assert steps(judged) == [("autofix", True), ("plan", True), ("implement", True), ("check", True)]
    assert judged.report["rungs"][0]["cost_usd"] == 0
    assert stored(project, judged) == {"a.py": f"{EQUALS}\n\ndef other(x):\n    return x\n"}
    asked = next(request for request in server.requests if request.phase == "implement").prompt
    assert "if x == 'a':" in asked
    assert "F632" not in asked


def test_what_models_find_behind_the_linters_repair_is_repaired_too(project: Project) -> None:
    crew = Crew(EVAL, implement=[repair(("a.py", "eval(x)", "int(x)"))], holds=lambda claim: STILL not in claim)
    project.models(crew, user=BUDGET)
    project.repo.stage({"a.py": IS.replace("return 2", "return eval(x)")})
    judged = mend(project)
    assert judged.code == 0
    assert [step for step, _ in steps(judged)] == ["autofix", "check", "plan", "implement", "check"]
    assert stored(project, judged) == {"a.py": EQUALS.replace("return 2", "return int(x)")}


def test_without_an_implementer_it_says_so(project: Project) -> None:
    project.configure("[tool.ralph-hooks]\n")
    project.repo.stage({"a.py": "def f():\n    return numbr\n"})
    judged = mend(project)
    assert judged.code == 1
    assert "not repaired: no model is configured to implement a repair of these files" in judged.notices


def test_no_model_that_repairs_is_ever_asked_for_a_change_that_passes(project: Project) -> None:
    crew = Crew(EVAL, Finds("todo", "Advice.", severity="note"), implement=[repair(MENDS)], fix=[repair(MENDS)])
    server = with_tests(project, crew)
    project.repo.commit({"area.py": RIGHT})
    passing: list[dict[str, str | bytes | None]] = [
        {"a.py": SAFE},
        {"a.py": SAFE + "# todo: more\n"},
        {"docs/read.md": "# Read\n"},
        {"data.json": '{"a": 1}\n', "conf.toml": "a = 1\n"},
        {"uv.lock": "version = 1\n"},
        {"logo.png": b"\x89PNG\0\0"},
        {"a.py": None},
        {"b.py": "x = 'ü'\r\ny = 2\r\n", "c/d.sh": "echo 1\n"},
        {"area.py": RIGHT + "\n\nUNIT = 'cm'\n"},
        {"empty.py": ""},
    ]
    for change in passing:
        project.repo.stage(change)
        for command in ("gate", "fix"):
            judged = project.judge(command=command)
            assert (judged.verdict, judged.report["rungs"], judged.report["fix"]) == ("pass", [], None), change
        project.repo.commit()
    assert mend(project).code == 0  # nothing is staged: the last commit
    assert len(server.requests) >= len(passing) // 2
    assert {"plan", "implement", "fix"}.isdisjoint(phases(server.requests))


def test_a_fix_that_is_applied_and_committed_as_it_is_costs_nothing_more(project: Project) -> None:
    crew = Crew(EVAL, implement=[repair(("a.py", "eval(text)", "int(text)"))], holds=lambda claim: STILL not in claim)
    server = project.models(crew, user=BUDGET)
    project.repo.stage({"a.py": BUGGY})
    assert mend(project, "--apply").code == 0
    project.repo.stage()
    asked = len(server.requests)
    judged = project.judge()
    assert (judged.code, judged.verdict) == (0, "pass")
    assert len(server.requests) == asked


def test_a_deadline_holds_over_all_of_it(project: Project) -> None:
    with_tests(project, Crew(implement=[Reply.hang()]), "[tool.ralph-hooks.fix]\ndeadline = 1.5\n")
    judged = mend(project)
    assert judged.code == 1
    assert "deadline" in judged.notices
    assert nothing_stored(project)


@pytest.mark.parametrize("kilobytes", [64, 300], ids=["before anything is asked", "when the repair is tried"])
def test_a_full_temporary_folder_is_told_and_left_empty(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kilobytes: int
) -> None:
    with small_disk(tmp_path / "small", kilobytes) as small:
        monkeypatch.setenv("TMPDIR", str(small))
        monkeypatch.setattr(tempfile, "tempdir", str(small))
        with_tests(project, Crew(implement=[repair(MENDS, create=[{"path": "big.txt", "content": "x\n" * 60_000}])]))
        ran = project.run("fix")
        assert ran.code in {1, 2}
        lines = (ran.out + ran.err).splitlines()
        [told] = [line for line in lines if line.startswith("ralph-hooks: ") and "scratch copy" in line]
        assert re.search(r"No space left on device|unable to write file", told)
        assert len(told) < 300
        assert list(small.iterdir()) == []
    assert nothing_stored(project)
