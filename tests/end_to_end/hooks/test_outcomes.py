"""What a commit comes to: refused and explained, let through and said aloud, known and free."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.changes import EVAL
from tests.support.fixes import tree
from tests.support.hooked import RUNNERS, Frameworks, Hooked
from tests.support.matrix import first
from tests.support.project import TWO_LINES, Project, new_project
from tests.support.repairs import Crew, repair
from tests.support.server import Finds, Reply, analyst

BUGGY = "def run(text):\n    return eval(text)\n"


def words(done: subprocess.CompletedProcess[bytes]) -> str:
    return os.fsdecode(done.stdout + done.stderr)


def test_a_commit_is_refused_explained_and_costs_nothing_the_second_time(hooked: Hooked) -> None:
    hooked.server = hooked.project.models(analyst(EVAL))
    hooked.install()
    hooked.repo.stage({"a.py": BUGGY})
    report = hooked.commit(code=1)
    assert (report["verdict"], len(hooked.server.requests)) == ("fail", 2)
    done = hooked.repo.try_git("commit", "-m", "again")
    assert done.returncode == 1
    assert "a.py:2: error bug" in words(done)
    assert "Runs what the user typed." in words(done)
    assert "cached, no requests" in words(done)
    assert len(hooked.server.requests) == 2
    assert hooked.repo.git("status", "--porcelain", "a.py") == "A  a.py"


def test_a_commit_that_was_not_judged_goes_through_and_says_so(hooked: Hooked) -> None:
    """pre-commit hides what a passing hook prints, unless it is told not to."""
    hooked.project.models(Reply.refusal())
    hooked.install()
    hooked.repo.stage({"a.py": "a = 1\n"})
    done = hooked.repo.try_git("commit", "-m", "change")
    assert done.returncode == 0
    assert "NOT REVIEWED" in words(done)
    assert 'not blocked, because when-unavailable is "open"' in words(done)


def test_the_closed_policy_holds_the_commit_back(hooked: Hooked) -> None:
    hooked.project.configure(
        '[tool.ralph-hooks]\ncheap = "scripted/cheap"\n[tool.ralph-hooks.gate]\nwhen-unavailable = "closed"\n'
    )
    hooked.project.models(Reply.refusal())
    hooked.install()
    hooked.repo.stage({"a.py": "a = 1\n"})
    done = hooked.repo.try_git("commit", "-m", "change")
    assert done.returncode != 0
    assert "NOT REVIEWED" in words(done)
    [row] = hooked.witnessed()
    assert (row["code"], row["changed"]) == (3, [])


def test_an_unapproved_configuration_holds_the_commit_back_and_nothing_runs(hooked: Hooked, tmp_path: Path) -> None:
    hooked.project.configure(f'[tool.ralph-hooks.verify]\ncommands = ["touch {tmp_path}/ran"]\non = ["pre-commit"]\n')
    hooked.install()
    hooked.repo.stage({"a.py": "a = 1\n"})
    done = hooked.repo.try_git("commit", "-m", "change")
    assert done.returncode != 0
    assert "ralph-hooks trust" in words(done)
    assert not (tmp_path / "ran").exists()
    [row] = hooked.witnessed()
    assert (row["code"], row["changed"]) == (4, [])
    hooked.project.run("trust", "--yes")
    assert hooked.commit()["verification"][0]["exit_code"] == 0
    assert (tmp_path / "ran").exists()


@pytest.mark.parametrize(("hook", "command"), [("ralph-analyze", "analyze"), ("ralph-verify", "verify")])
def test_the_other_hooks_of_the_manifest_do_what_they_say(framed: Hooked, hook: str, command: str) -> None:
    framed.project.configure(
        '[tool.ralph-hooks]\ncheap = "scripted/cheap"\n'
        '[tool.ralph-hooks.verify]\ncommands = ["grep -q fine a.py"]\ninvariants = ["it works"]\n'
    )
    framed.project.run("trust", "--yes")
    framed.install(hook)
    framed.repo.stage({"a.py": "fine = 1\n"})
    report = framed.commit()
    assert (report["command"], report["tree"]) == (command, framed.repo.tree())
    assert {request.phase for request in framed.server.requests} == {"analyze" if command == "analyze" else "verify"}
    framed.repo.stage({"a.py": "wrong = 1\n"})
    framed.commit(code=0 if command == "analyze" else 1)


def test_a_range_in_ci_is_judged_through_the_framework(framed: Hooked) -> None:
    framed.server = framed.project.models(analyst(EVAL))
    framed.install()
    base = framed.repo.git("rev-parse", "HEAD")
    framed.repo.commit({"a.py": BUGGY})
    args = [framed.runner, "run", "--from-ref", base, "--to-ref", "HEAD"]
    done = subprocess.run(args, cwd=framed.repo.path, env=framed.repo.env, capture_output=True, check=False)
    assert done.returncode == 1, words(done)
    assert "Runs what the user typed." in words(done)
    assert framed.project.last()["tree"] == framed.repo.tree()


def test_hooks_of_core_hookspath_judge_the_same(project: Project, frameworks: Frameworks, tmp_path: Path) -> None:
    """pre-commit does not install itself there; git's own hook does."""
    hooked = Hooked(project, "native", frameworks, tmp_path / "hooked")
    hooked.repo.git("config", "core.hooksPath", "tools/hooks")
    hooked.install()
    hooked.repo.stage({"a.py": "a = 1\n"})
    assert hooked.commit()["tree"] == hooked.repo.tree()


@pytest.mark.parametrize("runner", first(1, RUNNERS))
def test_a_sha256_repository(
    runner: str, frameworks: Frameworks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with new_project(tmp_path, monkeypatch, object_format="sha256") as project:
        hooked = Hooked(project.configure(), runner, frameworks, tmp_path / "hooked")
        hooked.install()
        hooked.repo.stage({"a.py": "a = 1\n"})
        report = hooked.commit()
        assert report["tree"] == hooked.repo.tree()
        assert len(report["tree"]) == 64


def test_the_manual_hook_repairs_what_the_gate_refused_and_touches_no_file(
    project: Project, frameworks: Frameworks
) -> None:
    mends = Crew(
        Finds("eval(", "Runs what the user typed."),
        implement=[repair(("a.py", "eval(text)", "int(text)"), summary="Parses a number.")],
        holds=lambda claim: "After the repair" not in claim,
    )
    project.models(mends, user="[budget]\nper-run = 90\nper-day = 90\n")
    project.configure(TWO_LINES)
    project.repo.commit({".pre-commit-config.yaml": frameworks.configuration("ralph-fix")})
    project.repo.stage({"a.py": "def calculate(text):\n    return eval(text)\n"})
    project.repo.write({"b.txt": "untracked\n"})
    before = (tree(project.repo), project.repo.git("status", "--porcelain"), project.repo.git("write-tree"))
    run = [sys.executable, "-m", "pre_commit", "run", "--hook-stage", "manual", "ralph-fix"]
    env = {**project.environ, **frameworks.env}
    done = subprocess.run(run, cwd=project.repo.path, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "REPAIRED: staged change: 1 blocking finding" in done.stdout
    assert "is stored: ralph-hooks apply" in done.stdout
    assert (tree(project.repo), project.repo.git("status", "--porcelain"), project.repo.git("write-tree")) == before
