"""A cheap verdict is paid for once: the same content, model, prompt and settings are answered from the cache."""

from __future__ import annotations

import sys

import pytest

from tests.support.project import MODEL, TWO_LINES, Project
from tests.support.server import Finds, ModelServer, Reply, analyst

BUGGY = "def run(text):\n    return eval(text)\n"


@pytest.fixture
def server(project: Project) -> ModelServer:
    return project.models(analyst(Finds("eval(", "Runs anything.")))


def assert_known(project: Project, server: ModelServer, *args: str) -> None:
    before = len(server.requests)
    judged = project.judge(*args)
    assert len(server.requests) == before
    assert judged.report["cost_usd"] == 0
    assert all(call["from_store"] for call in judged.report["calls"])


@pytest.mark.parametrize("text", [BUGGY, "def run(text):\n    return int(text)\n"], ids=["blocked", "clean"])
def test_the_same_change_again_costs_nothing_and_says_the_same(
    project: Project, server: ModelServer, text: str
) -> None:
    project.repo.stage({"a.py": text, "b.py": "b = 1\n"})
    first = project.judge()
    second = project.judge()
    assert_known(project, server)
    assert first.findings == second.findings
    assert (first.code, first.report["reason"]) == (second.code, second.report["reason"])
    assert "cached, no requests" in project.run("show").out


def test_only_the_file_that_changed_is_asked_about(project: Project, server: ModelServer) -> None:
    project.repo.stage({"a.py": "a = 1\n", "b.py": "b = 1\n"})
    project.judge()
    project.repo.stage({"b.py": "b = 2\n"})
    project.judge()
    assert "a.py" not in server.requests[-1].prompt
    assert "b.py" in server.requests[-1].prompt


def test_the_commit_and_its_amendments_are_known_from_the_index(project: Project, server: ModelServer) -> None:
    base = project.repo.git("rev-parse", "HEAD")
    project.repo.stage({"a.py": BUGGY})
    project.judge()
    project.repo.commit()
    assert_known(project, server, "--commit", "HEAD")
    project.repo.git("commit", "--quiet", "--no-verify", "--amend", "-m", "other words")
    assert_known(project, server, "--from-ref", base, "--to-ref", "HEAD")


def test_a_rebase_that_leaves_the_files_as_they_are_costs_nothing(project: Project, server: ModelServer) -> None:
    repo = project.repo
    repo.git("checkout", "--quiet", "-b", "topic")
    repo.stage({"a.py": BUGGY})
    project.judge()
    repo.commit()
    repo.git("checkout", "--quiet", "main")
    repo.commit({"other.py": "other = 1\n"})
    repo.git("rebase", "--quiet", "main", "topic")
    assert_known(project, server, "--from-ref", "main", "--to-ref", "topic")


@pytest.mark.parametrize(
    "setting",
    [
        "quick = { reasoning_effort = 'low' }",
        "temperature = false",
        "context = 64000",
        "structured = 'json-object'",
        "token-limit = 'max_completion_tokens'",
        "headers = { x-portkey-config = 'cheaper' }",
        "query = { api-version = '2026-05-01' }",
        "cuts = true",
    ],
)
def test_another_setting_of_the_provider_is_asked_anew(project: Project, server: ModelServer, setting: str) -> None:
    project.repo.stage({"a.py": BUGGY})
    project.judge()
    before = len(server.requests)
    config = project.home / "config.toml"
    project.write_user(config.read_text().replace("[providers.scripted]\n", f"[providers.scripted]\n{setting}\n"))
    judged = project.judge()
    assert [call["phase"] for call in judged.sent] == ["analyze", "verify"]
    assert len(server.requests) == before + 2


def test_another_model_is_asked_anew(project: Project, server: ModelServer) -> None:
    project.repo.stage({"a.py": BUGGY})
    project.judge()
    project.configure(TWO_LINES.replace(MODEL, "scripted/other"))
    project.repo.stage({"a.py": BUGGY})
    project.repo.git("reset", "--quiet", "--soft", "HEAD")
    before = len(server.requests)
    project.repo.stage({"c.py": BUGGY})
    judged = project.judge()
    assert {call["model"] for call in judged.sent} == {"scripted/other"}
    assert len(server.requests) > before


def test_what_could_not_be_judged_is_asked_again(project: Project) -> None:
    replies = [Reply.refusal(), Reply.json_text({"findings": []})]
    server = project.models(replies)
    project.repo.stage({"a.py": "a = 1\n"})
    assert project.judge().verdict == "inconclusive"
    assert project.judge().verdict == "pass"
    assert len(server.requests) == 2


def test_answers_from_the_store_are_in_the_ledger(project: Project, server: ModelServer) -> None:
    project.repo.stage({"a.py": BUGGY})
    project.judge()
    project.judge()
    assert len(server.requests) == 2
    assert (project.ledger().calls, project.ledger().remembered) == (2, 2)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither name")
def test_two_names_that_are_written_alike_are_two_files(project: Project) -> None:
    """A tab, and a backslash with a t: one of them held the findings, and was excused by the verdict, of the other."""
    server = project.models(analyst(Finds("eval(", "Runs anything."), holds=lambda claim: r"\\t" not in claim))
    project.repo.stage({"a\tb.py": BUGGY, r"a\tb.py": BUGGY})
    judged = project.judge()
    assert [(finding["path"], finding["blocking"]) for finding in judged.findings] == [
        ("a\tb.py", True),
        (r"a\tb.py", False),
    ]
    assert len(server.requests) == 2
