"""A model is asked what a review asks."""

from __future__ import annotations

import pytest

from tests.support.diagnosis import ALIVE, checks, of
from tests.support.project import Project
from tests.support.server import Reply


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (Reply.text("I am fine, thank you."), 'it answers in prose, not in JSON: "I am fine, thank you."'),
        (Reply.json_text({"ok": True}), "its answer does not match the requested JSON schema: "),
        (Reply.text(""), "sent an empty answer"),
    ],
)
def test_an_answer_of_another_shape_is_no_answer(project: Project, reply: Reply, told: str) -> None:
    project.models(reply)
    found = of(checks(project, code=1), "model")
    assert {status for status, _ in found} == {"fail"}
    assert told in found[0][1]


def test_it_is_asked_what_a_review_asks_and_an_overlooked_bug_is_told(project: Project) -> None:
    bug = {
        "path": "mean.py",
        "line": 3,
        "category": "logic",
        "severity": "error",
        "confidence": 0.9,
        "message": "It divides by 0.",
        "quote": "return total / 0",
    }
    found = Reply.json_text({"findings": [bug]})
    server = project.models(lambda request: found if request.body["model"] == "cheap" else ALIVE)
    (_, good), (_, blind) = of(checks(project), "model")
    assert "overlooked" not in good
    assert "missed the planted bug" in blind
    assert all("total / 0" in request.prompt for request in server.requests)


def test_a_budget_holds_for_it_too(project: Project) -> None:
    server = project.models(ALIVE, user="[budget]\nper-day = 0\n")
    found = of(checks(project, code=1), "model")
    assert all("budget" in message for _, message in found)
    assert server.requests == []
