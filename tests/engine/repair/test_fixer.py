"""The ladder on real repositories with scripted models: what repairs a change, what does not, what each step cost."""

from __future__ import annotations

import json
import random
import re
import sys
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ralph_hooks.git.fixes import store as fixes
from ralph_hooks.git.snapshot import open_repository
from tests.support import agent as stand_in
from tests.support.asking import WIRES
from tests.support.changes import BUGGY, EVAL
from tests.support.credentials import ALNUM, draw
from tests.support.disks import small_disk
from tests.support.fixes import in_store
from tests.support.matrix import first
from tests.support.project import EXPENSIVE, MODEL, TWO_LINES, Judged, Project, phases
from tests.support.repairs import Answer, Crew, plan, repair
from tests.support.server import Finds, ModelServer, Reply, Script

PYTEST = f"{sys.executable} -m pytest -q -p no:cacheprovider --junit-xml={{junit}}"
SCRIPT = f"{sys.executable} test_area.py"
"""The same test without the second that pytest takes to start."""
TESTS = """\
from area import area


def test_area():
    assert area(2, 3) == 6, area(2, 3)


if __name__ == "__main__":
    test_area()
"""
RIGHT = "def area(a, b):\n    return a * b\n"
WRONG = "def area(a, b):\n    return a + b\n"
MENDS = ("area.py", "return a + b", "return a * b")
WORSENS = ("area.py", "return a + b", "return a - b")
BUDGET = "[budget]\nper-run = 90\nper-day = 90\n"
SAFE = "def calculate(text):\n    return int(text)\n"
STILL = "After the repair this is still wrong"


def with_tests(
    project: Project,
    script: Script,
    settings: str = "",
    *,
    wire: str = "openai",
    command: str = SCRIPT,
    spare: Script | None = None,
    user: str = BUDGET,
) -> ModelServer:
    """A project whose tests pass, with a change staged that breaks one, and ``script`` to answer for the models."""
    server = project.models(script, wire=wire, user=user)
    if spare:
        project.also("spare", spare)
    project.configure(f"{TWO_LINES}[tool.ralph-hooks.verify]\ncommands = ['{command}']\n{settings}")
    assert project.run("trust", "--yes").code == 0
    project.repo.commit({"area.py": RIGHT, "test_area.py": TESTS})
    project.repo.stage({"area.py": WRONG})
    return server


def mend(project: Project, *args: str) -> Judged:
    return project.judge(*args, command="fix")


def steps(judged: Judged) -> list[tuple[str, bool]]:
    return [(rung["step"], rung["succeeded"]) for rung in judged.report["rungs"]]


def said(judged: Judged, step: str) -> str:
    """What came of every rung of that kind."""
    return "\n".join(rung["outcome"] for rung in judged.report["rungs"] if rung["step"] == step)


def stored(project: Project, judged: Judged) -> dict[str, str]:
    """The files that the stored fix changes, as it leaves them."""
    assert judged.report["fix"], judged.notices
    ref = judged.report["fix"]["ref"]
    names = in_store(project.repo).git("diff", "--name-only", f"{ref}~1", ref).splitlines()
    return {name: in_store(project.repo).git("show", f"{ref}:{name}") + "\n" for name in names}


def nothing_stored(project: Project) -> bool:
    return fixes.every(open_repository(project.repo.path)) == ()


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


def test_secrets_in_failing_output_are_masked_for_every_model(project: Project) -> None:
    key = "sk-proj-" + draw(random.Random(3), ALNUM, 48)
    crew = Crew(implement=[repair(WORSENS)], fix=[repair(("area.py", "a - b", "a * b"))])
    server = with_tests(project, crew)
    project.repo.commit({"test_area.py": f"import base64\nprint('api_key =', {key[::-1]!r}[::-1])\n{TESTS}"})
    project.repo.stage({"area.py": WRONG})
    judged = mend(project)
    assert judged.code == 0
    told = [request.raw.decode() for request in server.requests if request.phase in {"plan", "implement", "fix"}]
    assert len(told) == 3
    assert all("api_key" in raw and "<secret-" in raw for raw in told)
    assert key not in "".join(request.raw.decode() for request in server.requests)


def test_a_secret_in_the_change_ends_it_before_anything_is_sent(project: Project) -> None:
    key = draw(random.Random(5), ALNUM, 40)
    server = with_tests(project, Crew(implement=[repair(MENDS)]))
    project.repo.stage({"key.py": f'aws_secret_access_key = "{key}"\n'})
    judged = mend(project)
    assert judged.code == 1
    assert "the change contains a secret; nothing was sent. Revoke it" in judged.notices
    assert {"plan", "implement", "fix"}.isdisjoint(phases(server.requests))


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
