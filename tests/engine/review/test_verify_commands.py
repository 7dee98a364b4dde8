"""The project's own commands as part of a judgement."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.support.changes import CHEAP, verified_by
from tests.support.project import Project
from tests.support.server import analyst


@pytest.fixture
def trusted(project: Project) -> Project:
    """A project whose command fails where the staged a.py holds the word ``broken``."""
    project.models(analyst())
    project.configure(verified_by(f"{sys.executable} check.py"))
    project.repo.commit({"check.py": "import sys\nsys.exit('broken' in open('a.py').read())\n", "a.py": "fine = 1\n"})
    assert project.run("trust", "--yes").code == 0
    return project


def test_a_failing_command_blocks_whatever_the_model_says(trusted: Project) -> None:
    """A model can hold a change back; it can never excuse it from a test."""
    trusted.repo.stage({"a.py": "broken = 1\n"})
    trusted.repo.write({"a.py": "fine = 1\n"})  # the working tree is not what is tested
    judged = trusted.judge()
    assert (judged.code, judged.verdict, judged.findings) == (1, "fail", [])
    [run] = judged.report["verification"]
    assert (run["verdict"], run["exit_code"]) == ("fail", 1)
    assert judged.report["reviewed"] == 1


def test_a_passing_command_is_named_in_the_one_line(trusted: Project) -> None:
    trusted.repo.stage({"a.py": "fine = 2\n"})
    done = trusted.run("gate")
    assert done.code == 0
    assert done.out.count("\n") == 1
    assert "1 file reviewed, 1 command passed" in done.out


def test_the_gate_runs_commands_only_at_the_stages_that_are_named(trusted: Project) -> None:
    trusted.configure(verified_by(f"{sys.executable} check.py", '["pre-push"]'))
    base = trusted.repo.git("rev-parse", "HEAD")
    trusted.repo.stage({"a.py": "broken = 1\n"})
    assert trusted.judge().report["verification"] == []
    trusted.repo.commit()
    assert trusted.judge("--from-ref", base).code == 1


def test_a_command_that_cannot_run_is_inconclusive(project: Project) -> None:
    project.models(analyst())
    project.configure(verified_by("no-such-program-anywhere --version"))
    project.run("trust", "--yes")
    project.repo.stage({"a.py": "fine = 1\n"})
    judged = project.judge()
    assert (judged.code, judged.verdict) == (0, "inconclusive")
    assert "no-such-program-anywhere" in judged.report["reason"]


@pytest.mark.parametrize(
    "change",
    ["network", "timeout", "variable", "tool", "folder"],
)
def test_a_pass_is_believed_only_under_the_conditions_it_had(
    trusted: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, change: str
) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    settings = verified_by(f"{sys.executable} check.py")
    trusted.repo.stage({"a.py": "fine = 2\n", "sub/check.py": ""})

    def ran() -> bool:
        assert trusted.run("trust", "--yes").code == 0
        [run] = trusted.judge().report["verification"]
        return not run["from_store"]

    assert (ran(), ran()) == (True, False)
    if change == "variable":
        monkeypatch.setenv("TMPDIR", str(tmp_path))
    elif change == "tool":
        (tmp_path / "home/.rustup/toolchains/new").mkdir(parents=True)
    elif change == "folder":
        trusted.repo.write(
            {"pyproject.toml": settings.replace("['''", "[{ cwd = 'sub', run = '''").replace("''']", "''' }]")}
        )
    else:
        line = {"network": "network = false", "timeout": "timeout = 60"}[change]
        trusted.repo.write({"pyproject.toml": f"{settings}{line}\n"})
    assert ran()


def test_a_command_for_a_part_runs_where_the_change_touches_it(trusted: Project) -> None:
    parts = (
        "{ run = 'true', cwd = 'web' }, { run = ['echo', 'both'], paths = ['web/**', 'api/**'] },"
        " { run = 'echo api', cwd = 'api' }"
    )
    trusted.configure(f"{CHEAP}[tool.ralph-hooks.verify]\ncommands = [{parts}]\non = ['pre-commit']\n")
    assert trusted.run("trust", "--yes").code == 0
    trusted.repo.stage({"web/a.py": "fine = 2\n"})
    assert [run["command"] for run in trusted.judge().report["verification"]] == ["web: true", "echo both"]
    trusted.repo.stage({"web/a.py": None, "b.py": "fine = 2\n"})
    assert trusted.judge().report["verification"] == []


def test_an_old_failure_without_a_report_blocks_and_starts_no_repair(trusted: Project) -> None:
    trusted.repo.commit({"a.py": "broken = 1\n"})
    trusted.repo.stage({"b.py": "fine = 1\n"})
    judged = trusted.judge()
    [run] = judged.report["verification"]
    assert (judged.code, run["fails_on_base"], judged.report["job"]) == (1, True, None)
