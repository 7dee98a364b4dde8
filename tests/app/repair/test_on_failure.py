"""The reaction to a rejected change: a repair in the background, in the foreground, or none."""

from __future__ import annotations

import pytest

from ralph_hooks.core.job import JobState
from tests.support.background import (
    MENDED,
    MENDS,
    asked,
    ended,
    the_job,
    with_hook,
)
from tests.support.changes import BUGGY, EVAL
from tests.support.matrix import MORE
from tests.support.project import TWO_LINES, Project
from tests.support.push import Remote
from tests.support.repairs import Crew, plan

pytestmark = pytest.mark.usefixtures("temporary")


@pytest.mark.parametrize("ci", ["", pytest.param("true", marks=MORE)])
def test_of_a_push_of_several_refs_the_first_that_is_refused_is_repaired(
    project: Project, monkeypatch: pytest.MonkeyPatch, ci: str
) -> None:
    server = with_hook(project, Crew(EVAL, planned=plan("calc.py"), implement=[MENDS]))
    monkeypatch.setenv("CI", ci)
    remote, repo = Remote(project), project.repo
    repo.commit({"fine.py": "fine = 1\n"})
    for branch in ("broken", "worse"):
        repo.git("checkout", "--quiet", "-b", branch)
        repo.commit({"calc.py": BUGGY, "more.py": f"{branch} = 1\n"} if branch == "broken" else {"more.py": BUGGY})
    judged = remote.push("main", "worse", "broken")
    assert [ref["verdict"] for ref in judged.report["refs"]] == ["pass", "fail", "fail"]
    assert judged.report["tree"] == repo.tree("broken")
    assert {finding["message"][-10:] for finding in judged.blocking} == {"in broken)", "(in worse)"}
    assert "only broken of the rejected refs is repaired; push worse again" in judged.notices
    if ci:
        assert judged.report["fix"]["files"] == 1
    else:
        assert judged.report["job"]["state"] == "running"
        assert (ended(project).tree, ended(project).state) == (repo.tree("broken"), JobState.FINISHED)
    alone = remote.push("broken").report
    assert (alone["fix"]["files"], "only" in "".join(alone["notices"])) == (1, False)
    assert asked(server, "implement") == 1
    repo.git("checkout", "--quiet", "broken")
    assert project.run("apply").code == 0
    assert (repo.path / "calc.py").read_text() == MENDED


@pytest.mark.parametrize(("ci", "setting"), [("true", ()), ("", ('in-hook = "foreground"',))])
def test_where_nobody_sits_at_a_terminal_or_waits_on_purpose_the_hook_repairs(
    project: Project, monkeypatch: pytest.MonkeyPatch, ci: str, setting: tuple[str, ...]
) -> None:
    server = with_hook(project, Crew(EVAL, planned=plan("calc.py"), implement=[MENDS]), *setting)
    monkeypatch.setenv("CI", ci)
    project.repo.stage({"calc.py": BUGGY})
    judged = project.judge()
    assert judged.code == 1
    assert judged.report["fix"]["files"] == 1
    assert judged.report["job"] is None
    assert [call["phase"] for call in judged.sent] == ["analyze", "verify", "plan", "implement"]
    assert judged.report["cost_usd"] == pytest.approx(sum(call["cost_usd"] for call in judged.sent))
    assert the_job(project).state is JobState.FINISHED
    assert asked(server, "implement") == 1


@pytest.mark.parametrize(
    ("expensive", "said"),
    [("", ""), ('expensive = "keyless/big"', "no repair was started: no key for keyless: set OTHER_KEY")],
)
def test_without_a_model_to_implement_it_nothing_is_started(project: Project, expensive: str, said: str) -> None:
    project.models(Crew(EVAL))
    path = project.home / "config.toml"
    path.write_text(
        path.read_text() + '[providers.keyless]\nbase-url = "http://127.0.0.1:9/v1"\napi-key-env = "OTHER_KEY"\n'
    )
    project.configure(f'[tool.ralph-hooks]\non-failure = "fix"\ncheap = "scripted/cheap"\n{expensive}\n')
    project.repo.stage({"calc.py": BUGGY})
    judged = project.judge()
    assert (judged.code, judged.report["job"]) == (1, None)
    assert judged.notices == said
    assert not (project.home / "state" / "jobs").exists()


def test_nothing_is_repaired_that_passes_or_that_is_not_to_be(project: Project) -> None:
    server = with_hook(project, Crew(EVAL, planned=plan("calc.py"), implement=[MENDS]))
    project.repo.stage({"calc.py": "def calculate(text):\n    return float(text)\n"})
    assert project.judge().code == 0
    project.repo.stage({"calc.py": BUGGY})
    assert project.judge(command="analyze").code == 1
    sha = project.repo.commit({"calc.py": BUGGY})
    assert project.judge("--commit", sha).code == 1  # looked at by hand: nobody asked for its repair
    project.configure(TWO_LINES + 'on-failure = "block"\n')
    project.repo.stage({"other.py": BUGGY})
    assert project.judge().code == 1
    assert asked(server, "plan") == 0
    assert project.jobs.all() == ()


def test_a_secret_is_not_repaired(project: Project) -> None:
    import random

    from tests.support.credentials import SERVICES

    server = with_hook(project, Crew(EVAL, implement=[MENDS]))
    project.repo.stage({"calc.py": f'KEY = "{SERVICES["AWS access key id"](random.Random(3))}"\n'})
    assert project.judge().report["job"] is None
    assert asked(server, "plan") == 0
