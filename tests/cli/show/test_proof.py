"""`show --proof` without a reproducer."""

from __future__ import annotations

from tests.support.changes import BUGGY, EVAL
from tests.support.project import Project
from tests.support.server import analyst


def test_finding_without_a_reproducer_says_why(project: Project) -> None:
    project.models(analyst(EVAL))
    project.repo.stage({"a.py": BUGGY})
    (finding,) = project.judge().blocking
    shown = project.run("show", "--proof", finding["id"])
    assert shown.code == 2
    assert f"no reproducer was run for {finding['id']}" in shown.err
    unknown = project.run("show", "--proof", "ffffffff")
    assert (unknown.code, "no finding in this report has the id ffffffff" in unknown.err) == (2, True)
