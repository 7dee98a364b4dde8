"""A bug in each language is found, proved, repaired, verified by the project's own tests and applied."""

from __future__ import annotations

import subprocess

import pytest

from tests.support.project import TWO_LINES, Project
from tests.support.repairs import Crew, plan, repair
from tests.support.server import Finds, Reply, Request, Responder
from tests.support.small_projects import CASES, Case
from tests.support.toolchains import find_toolchains, prepare

LANGUAGES = [
    "go",
    "vitest",
    pytest.param("rust", marks=pytest.mark.long("cargo compiles for seconds")),
    pytest.param("maven", marks=pytest.mark.long("Maven takes seconds to start")),
]
SETTINGS = """
[tool.ralph-hooks.gate]
deadline = 600
[tool.ralph-hooks.fix]
deadline = 600
[tool.ralph-hooks.verify]
on = []
commands = ["COMMAND"]
"""
USER = "[budget]\nper-run = 90\nper-day = 90\n"


def crew(case: Case) -> Responder:
    """Reports that the guard is gone, shows it, and puts another one in."""
    guard, mended = case.guard.splitlines()[0], case.mended.splitlines()[0]
    lines = case.base.splitlines()
    after = lines[lines.index(case.guard.splitlines()[-1]) + 1]
    team = Crew(
        Finds(guard.strip(), "Fails where there are no items."),
        planned=plan(case.path),
        implement=[repair((case.path, f"{after}\n", f"{case.mended}{after}\n"))],
        holds=lambda claim: not claim.startswith("After the repair"),
    )
    item = {"id": "C1", "test": case.crash, "asserts": "nothing for nothing", "because": "", "cannot": ""}

    def answer(request: Request) -> Reply:
        if request.phase == "reproduce":
            return Reply.json_text({"reproducers": [item]})
        if request.phase == "analyze" and mended in request.prompt:
            return Reply.json_text({"findings": []})
        return team(request)

    return answer


@pytest.mark.parametrize("language", LANGUAGES)
def test_bug_is_proved_repaired_and_committed(language: str, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    find_toolchains(monkeypatch)
    prepare(language, project.repo.path, monkeypatch)
    case = CASES[language]
    project.configure(TWO_LINES + SETTINGS.replace("COMMAND", case.verify))
    project.repo.commit({case.path: case.base, **dict([case.own]), **case.more})
    project.agrees = False
    project.models(crew(case), user=USER)
    assert project.run("trust", "--yes").code == 0
    assert project.run("install").code == 0
    project.repo.stage({case.path: case.base.replace(case.guard, "")})
    commit = ["git", "commit", "-qam", "Shorten"]
    refused = subprocess.run(commit, cwd=project.repo.path, check=False, capture_output=True)
    (finding,) = project.last()["findings"]
    assert (refused.returncode, finding["evidence"], finding["blocking"]) == (1, "proved", True), finding
    assert finding["proof"]["on_base"] == "passes 3 of 3"
    repaired = project.judge("--no-apply", command="fix")
    assert (repaired.report["fix"]["verified"], repaired.report["fix"]["reproduced"]) == (True, True)
    assert project.run("apply").code == 0
    assert case.mended in (project.repo.path / case.path).read_text(encoding="utf-8")
    subprocess.run(commit, cwd=project.repo.path, check=True, capture_output=True)
    assert project.last()["verdict"] == "pass"
