"""Reports of past runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.project import Project
from tests.support.repo import Repo
from tests.support.server import Finds, analyst

BUGGY = "def run(text):\n    return eval(text)\n"


@pytest.fixture
def judged(project: Project) -> Project:
    """A project with two runs: one that passes and one that does not."""
    project.models(analyst(Finds("eval(", "Runs what the user typed."), Finds("TODO", "Later.", severity="note")))
    project.repo.stage({"a.py": "one = 1\n", "poetry.lock": "x\n"})
    project.run("gate")
    project.repo.stage({"a.py": BUGGY + "".join(f"x{n} = {n}  # TODO\n" for n in range(9))})
    project.run("gate")
    return project


def test_the_last_report_is_shown_whole_and_the_exit_code_is_of_the_showing(judged: Project) -> None:
    done = judged.run("show")
    assert done.code == 0
    assert done.out.count("Later.") == 9
    assert "poetry.lock: lock file" in done.out
    assert "analyze scripted/cheap: " in done.out
    assert "  gate  fail  staged change: 1 blocking finding" in done.err


def test_earlier_runs_are_listed_newest_first_and_shown_by_the_start_of_their_id(judged: Project) -> None:
    lines = judged.run("show", "--list").out.splitlines()
    assert ["fail" in lines[0], "pass" in lines[1], len(lines)] == [True, True, 2]
    name = lines[1].split()[0]
    assert "PASS: 1 file reviewed" in judged.run("show", name).out
    assert "PASS: 1 file reviewed" in judged.run("show", name.upper()).out


def test_an_unclear_or_unknown_id_is_told_what_there_is(judged: Project) -> None:
    ids = [line.split()[0] for line in judged.run("show", "--list").out.splitlines()]
    done = judged.run("show", ids[0][:3])
    assert done.code == 2
    assert all(name in done.err for name in ids)
    done = judged.run("show", "000000")
    assert done.code == 2
    assert "no report has the id '000000'" in done.err


def test_the_json_of_a_past_run_is_the_one_it_printed(judged: Project) -> None:
    fresh = judged.judge().report
    assert judged.last() == fresh


def test_each_repository_has_its_own_last_report(
    judged: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Repo.create(tmp_path / "other", home=judged.repo.home)
    monkeypatch.chdir(other.path)
    done = judged.run("show")
    assert done.code == 2
    assert "no change in this repository was reviewed yet" in done.err
    assert "ralph-hooks gate" in done.err
