"""`comment` writes in a pipeline alone."""

from __future__ import annotations

import pytest

from tests.support.hosting import Hosting
from tests.support.project import Project


def test_outside_ci_nothing_is_sent(project: Project, hosting: Hosting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI")
    done = project.run("comment")
    assert done.code == 0
    assert "On a.py:1:" in done.out
    assert "Nothing was sent" in done.err
    assert hosting.calls == []
    assert "comment written" in project.run("comment", "--post").out


def test_a_job_without_a_request_has_nothing_to_do(
    project: Project, hosting: Hosting, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GITHUB_EVENT_PATH", "CI_MERGE_REQUEST_IID"):
        monkeypatch.delenv(name, raising=False)
    done = project.run("comment")
    assert (done.code, hosting.calls) == (0, [])
    assert "nothing was sent" in done.err
    assert project.run("comment", "--post").code == 2
    assert "comment written" in project.run("comment", "--number", "5").out


def test_a_report_about_something_else_is_not_written(project: Project, hosting: Hosting) -> None:
    hosting.head = project.repo.commit({"a.py": "pass\n"})
    done = project.run("comment")
    assert done.code == 2
    assert "the last report is not about" in done.err
    assert hosting.comments == []
