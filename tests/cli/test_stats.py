"""``ralph-hooks stats``: from refused commits to a precision."""

from __future__ import annotations

import json

from tests.support.changes import BUGGY, CLEAN, EVAL
from tests.support.project import MODEL, Project
from tests.support.server import analyst


def test_nothing_judged_is_said(project: Project) -> None:
    project.configure()
    project.models(analyst())
    assert project.run("stats").out.startswith("No change was reviewed yet")


def test_a_fixed_and_a_dismissed_finding_give_a_precision(project: Project) -> None:
    project.configure()
    project.models(analyst(EVAL))
    project.repo.stage({"a.py": BUGGY})
    assert project.judge().code == 1
    assert project.judge().code == 1
    project.repo.stage({"a.py": CLEAN})
    assert project.judge().code == 0
    project.repo.commit()
    project.repo.stage({"b.py": BUGGY})
    assert project.judge().code == 1
    assert project.run("dismiss", "--last", "--reason", "an expression of ours").code == 0
    counted = json.loads(project.run("stats", "--format", "json").out)
    assert (counted["changes"], counted["held_back"], counted["false_blocks"], counted["clean"]) == (2, 2, 1, 1)
    assert counted["findings"]["fixed"] == counted["findings"]["dismissed"] == 1
    assert counted["findings"]["precision"][0] == 0.5
    assert [group["name"] for group in counted["by_source"]] == [MODEL]
    shown = project.run("stats", "--here").out
    assert "2 changes reviewed (project), 2 blocked." in shown
    assert "Precision of the reported findings: 50 % [9 to 91] (1 right, 1 wrong)." in shown
    page = project.repo.path / "stats.html"
    assert project.run("stats", "--html", str(page)).code == 0
    assert MODEL in page.read_text(encoding="utf-8")
