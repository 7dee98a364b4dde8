"""``doctor`` says of everything that can be missing that it is, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.diagnosis import ALIVE, checks, of
from tests.support.project import EXPENSIVE, MODEL, TWO_LINES, Project
from tests.support.server import Reply


def statuses(found: list[dict[str, Any]]) -> Mapping[str, list[str]]:
    return {
        check: [status for status, _ in of(found, check)] for check in dict.fromkeys(line["check"] for line in found)
    }


def test_all_is_well(project: Project) -> None:
    server = project.models(ALIVE)
    project.run("install")
    found = checks(project, code=0)
    assert statuses(found) == {
        "git": ["ok"],
        "python": ["ok"],
        "state": ["ok"],
        "repository": ["ok"],
        "configuration": ["ok"],
        "trust": ["ok"],
        "key": ["ok"],
        "price": ["ok", "ok"],
        "model": ["ok", "ok"],
        "hook": ["ok", "ok"],
    }
    assert len(server.requests) == 2
    assert sorted(request.body["model"] for request in server.requests) == ["big", "cheap"]
    ledger = project.ledger()
    assert ledger.calls == 2
    assert ledger.cost_usd > 0
    assert project.run("doctor").out.splitlines()[-1] == "No problems found."


def test_offline_sends_nothing(project: Project) -> None:
    server = project.models(ALIVE)
    found = checks(project, "--offline")
    assert of(found, "model") == []
    assert len(of(found, "price")) == 2
    assert server.requests == []


def test_a_model_that_does_not_answer_fails_unless_another_stands_in(project: Project) -> None:
    project.models(lambda request: Reply.status(404) if request.body["model"] == "cheap" else ALIVE)
    found = of(checks(project, code=1), "model")
    assert [status for status, _ in found] == ["fail", "ok"]
    assert found[0][1].startswith(f"{MODEL}: ")
    project.configure(TWO_LINES.replace(f'cheap = "{MODEL}"', f'models.analyze = ["{MODEL}", "{EXPENSIVE}"]'))
    assert sorted(status for status, _ in of(checks(project), "model")) == ["ok", "warn"]


def test_nothing_is_asked_before_it_is_approved(project: Project) -> None:
    server = project.models(ALIVE)
    project.configure(TWO_LINES + 'verify.commands = ["true"]\n')
    found = checks(project, code=1)
    assert of(found, "trust") == [("fail", "verify.commands: not approved, so nothing is reviewed")]
    assert server.requests == []
    project.run("trust", "--yes")
    assert of(checks(project), "trust") == [("ok", "verify.commands: approved")]
    assert len(server.requests) == 2


def test_outside_of_a_repository(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = checks(project, code=1)
    assert statuses(found) == {"git": ["ok"], "python": ["ok"], "state": ["ok"], "repository": ["fail"]}


def test_in_a_folder_that_was_removed(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert of(checks(project, code=1), "repository") == [("fail", "the current folder no longer exists")]
    monkeypatch.chdir(tmp_path)
