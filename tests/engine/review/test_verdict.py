"""What was not judged never counts as judged: ways in which a bad verdict could get lost on its way to the report."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from tests.support.project import TWO_LINES, Project
from tests.support.server import JSON, Finds, Reply, Request, analyst

BUGGY = "def run(text):\n    return eval(text)\n"
LONG = "".join(f"def step_{number}(value):\n    return value + {number}\n\n\n" for number in range(2_000))
"""More than goes into one request."""


def item(**changes: JSON) -> dict[str, JSON]:
    plain = {"path": "a.py", "line": 2, "category": "bug", "severity": "error", "confidence": 0.9}
    return {**plain, "message": "Runs what the user typed.", "quote": "return eval(text)", **changes}


def tamper(project: Project, value: bytes, where: str = "1") -> None:
    """Overwrite answers in the store, as another release would that has other ideas of them."""
    with closing(sqlite3.connect(project.home / "state" / "state.db")) as database, database:
        database.execute(f"UPDATE answers SET value = ? WHERE {where}", (value,))


@pytest.mark.parametrize("confirm", [True, False])
def test_of_two_claims_about_one_line_the_one_that_holds_blocks(project: Project, *, confirm: bool) -> None:
    """Also where the other one sounds worse."""
    project.configure(TWO_LINES + f"[tool.ralph-hooks.gate]\nconfirm = {str(confirm).lower()}\n")
    wrong, right = Finds("eval(", "Deletes the disk.", confidence=0.99), Finds("eval(", "Runs it.", confidence=0.8)
    project.models(analyst(wrong, right, holds=lambda claim: "Runs it." in claim))
    project.repo.stage({"a.py": BUGGY})
    judged = project.judge()
    assert judged.code == 1
    assert [finding["message"] for finding in judged.blocking] == ["Runs it." if confirm else "Deletes the disk."]


def test_a_sure_warning_is_not_hidden_by_an_unsure_error(project: Project) -> None:
    project.configure(TWO_LINES + '[tool.ralph-hooks.gate]\nblock-at = "warning"\n')
    unsure = Finds("eval(", "Maybe.", confidence=0.2)
    project.models(analyst(unsure, Finds("eval(", "Runs it.", severity="warning", confidence=0.9)))
    project.repo.stage({"a.py": BUGGY})
    judged = project.judge()
    assert judged.code == 1
    assert [finding["message"] for finding in judged.blocking] == ["Runs it."]


@pytest.mark.parametrize(
    "lost", [item(quote="exec(text)"), item(path="b.py"), item(severity="dire"), item(line="two"), {}, 7]
)
def test_what_is_left_of_a_bad_verdict_is_no_better_verdict(project: Project, lost: JSON) -> None:
    """The worst of it could not be placed: asked once more, and then it is nobody's judgement."""
    replies = [Reply.json_text({"findings": [lost, item(severity="note", message="A short name.")]})]
    server = project.models(replies)
    project.repo.stage({"a.py": BUGGY})
    judged = project.judge()
    assert judged.verdict == "inconclusive"
    assert [call["outcome"] for call in judged.sent] == ["unreadable"] * 2
    assert "1 error that it reported cannot be matched to the change" in server.requests[1].prompt


def test_a_usable_error_beside_an_unusable_one_still_blocks(project: Project) -> None:
    reply = Reply.json_text({"findings": [item(quote="exec(text)"), item()]})
    project.models(lambda request: reply if request.phase == "analyze" else analyst()(request))
    project.repo.stage({"a.py": BUGGY})
    judged = project.judge()
    assert (judged.verdict, judged.code, len(judged.blocking)) == ("fail", 1, 1)
    assert "cannot be matched to the change" in " ".join(judged.report["notices"])


def test_a_lesser_item_that_is_lost_costs_nothing(project: Project) -> None:
    reply = Reply.json_text({"findings": [item(severity="note", quote="exec(text)"), item()]})
    project.models(lambda request: reply if request.phase == "analyze" else analyst()(request))
    project.repo.stage({"a.py": BUGGY})
    judged = project.judge()
    assert (len(judged.blocking), judged.report["dropped"]) == (1, 1)


@pytest.mark.parametrize("value", [b"", b"null", b"{", b'{"findings": 3}', b'{"newer": []}', b"\xff"])
def test_an_answer_in_the_store_that_cannot_be_read_is_asked_for_again(project: Project, value: bytes) -> None:
    project.models(analyst(Finds("eval(", "Runs it.")))
    project.repo.stage({"a.py": BUGGY})
    project.judge()
    tamper(project, value, "CAST(value AS TEXT) LIKE '%findings%' OR CAST(value AS TEXT) = '1'")
    judged = project.judge()
    assert judged.code == 1
    assert [call["phase"] for call in judged.sent] == ["analyze", "verify"]


def test_a_verdict_of_two_models_is_not_taken_for_that_of_the_better_one(project: Project) -> None:
    """The first judged one half of a long file and failed at the other; later it is the only one to ask."""
    both = TWO_LINES.replace('"scripted/cheap"', '"other/spare"') + "[tool.ralph-hooks.models]\nanalyze = "
    project.configure(both + '["scripted/cheap", "other/spare"]\n')

    def half(request: Request) -> Reply:
        return analyst()(request) if "def step_0(" in request.prompt else Reply.refusal()

    first = project.models(half)
    project.also("other", analyst())
    project.repo.stage({"a.py": LONG})
    assert project.judge().verdict == "pass"
    asked = len(first.requests)
    assert project.judge().sent == []
    project.repo.write({"pyproject.toml": both + '["scripted/cheap"]\n'})
    assert project.judge().verdict == "inconclusive"
    assert len(first.requests) > asked
