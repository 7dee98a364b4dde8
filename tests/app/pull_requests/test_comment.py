"""``comment`` puts the report on a pull or merge request: one comment that is updated, remarks on lines, each once."""

from __future__ import annotations

from ralph_hooks.reports.markdown import MARKER
from tests.support.hosting import STRANGER, Hosting
from tests.support.project import Project


def test_one_comment_is_updated_and_each_remark_is_made_once(project: Project, hosting: Hosting) -> None:
    first = project.run("comment")
    assert first.code == 0, first.err
    assert "comment written, 1 new remark, 1 on lines outside the diff" in first.out
    again = project.run("comment")
    assert "comment updated, 0 new remarks, 1 already there, 1 on lines outside the diff" in again.out
    (comment,) = hosting.comments
    assert comment["body"].startswith(MARKER)
    assert "rejected" in comment["body"]
    assert "`a.py:1`" in comment["body"]
    assert "`a.py:2`" in comment["body"]
    (remark,) = hosting.remarks
    place = remark.get("position", remark)
    assert (place.get("path") or place["new_path"], place.get("line") or place["new_line"]) == ("a.py", 1)


def test_a_comment_of_somebody_else_is_left_alone(project: Project, hosting: Hosting) -> None:
    hosting.comment(MARKER, STRANGER)
    for _ in range(120):
        hosting.comment("me too", STRANGER)
    assert "comment written" in project.run("comment").out
    assert "comment updated" in project.run("comment").out
    assert hosting.comments[0]["body"] == MARKER
    assert len(hosting.comments) == 122


def test_what_a_model_says_mentions_nobody_and_links_to_nothing(project: Project, hosting: Hosting) -> None:
    project.run("comment")
    for text in (hosting.comments[0]["body"], hosting.remarks[0]["body"]):
        assert "typed" in text
        assert not any(live in text for live in ("@root", "https://", "#1"))
