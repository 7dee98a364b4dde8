"""``comment`` puts the report on a pull or merge request: one comment that is updated, remarks on lines, each once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ralph_hooks.reports.markdown import MARKER, plain
from tests.support.hosting import STRANGER, Hosting, serve
from tests.support.project import Project
from tests.support.server import Finds, analyst

BUG = "Runs what @root typed; see https://evil.invalid and #1."
SERVICES = ("github", "gitlab")


@pytest.fixture(params=SERVICES)
def hosting(
    request: pytest.FixtureRequest, project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Hosting]:
    """The job of request 5, whose report of a range was refused."""
    project.models(analyst(Finds("eval(", BUG), Finds("exec(", "Runs that.")))
    before = project.repo.git("rev-parse", "HEAD").strip()
    head = project.repo.commit({"a.py": "eval(input())\nexec(input())\n"})
    assert project.run("gate", "--from-ref", before, "--to-ref", head).code == 1
    with serve(Hosting(head, shown={1})) as here:
        event = tmp_path / "event.json"
        event.write_text(json.dumps({"action": "opened", "number": 5}), encoding="utf-8")
        variables = {
            "github": {
                "GITHUB_API_URL": here.url,
                "GITHUB_REPOSITORY": "me/shop",
                "GITHUB_EVENT_PATH": str(event),
                "GITHUB_TOKEN": here.token,
            },
            "gitlab": {
                "GITLAB_CI": "true",
                "CI_API_V4_URL": here.url,
                "CI_PROJECT_PATH": "me/shop",
                "CI_MERGE_REQUEST_IID": "5",
                "GITLAB_TOKEN": here.token,
            },
        }
        for name in {name for service in SERVICES for name in variables[service]} | {"GH_TOKEN"}:
            monkeypatch.delenv(name, raising=False)
        for name, value in variables[request.param].items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("CI", "true")
        yield here


def test_one_comment_is_updated_and_each_remark_is_made_once(project: Project, hosting: Hosting) -> None:
    first = project.run("comment")
    assert first.code == 0, first.err
    assert "comment written, 1 new remark, 1 on lines outside the diff" in first.out
    again = project.run("comment")
    assert "comment updated, 0 new remarks, 1 already there, 1 on lines outside the diff" in again.out
    (comment,) = hosting.comments
    assert comment["body"].startswith(MARKER)
    assert "refused" in comment["body"]
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


def test_a_token_without_rights_is_named_and_never_shown(
    project: Project, hosting: Hosting, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GITHUB_TOKEN", "GITLAB_TOKEN"):
        monkeypatch.setenv(name, "another-made-up-token")
    done = project.run("comment")
    assert done.code == 2
    assert "_TOKEN lacks the permission (HTTP 401)" in done.err
    assert "another-made-up-token" not in done.err
    for name in ("GITHUB_TOKEN", "GITLAB_TOKEN"):
        monkeypatch.delenv(name)
    assert "there is no token" in project.run("comment").err
    assert hosting.comments == []


@pytest.mark.parametrize(
    ("text", "inert"),
    [
        ("a_b is *not* `c`", r"a\_b is \*not\* \`c\`"),
        ("<img src=x>", "&lt;img src=x&gt;"),
        ("[here](http://x.invalid)", "\\[here\\](http:\u2060//x.invalid)"),
        ("/close\n/approve", r"/close\n/approve"),
        ("www.x.invalid", "www\u2060.x.invalid"),
        ("100 % of 5 ! & more", "100 % of 5 ! &amp; more"),
    ],
)
def test_text_does_nothing(text: str, inert: str) -> None:
    assert plain(text).replace("\\\\n", "\\n") == inert
