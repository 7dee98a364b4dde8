"""Findings of the analyze model, confirmed by the verify model."""

from __future__ import annotations

import pytest

from tests.support.asking import WIRES
from tests.support.changes import BUGGY, CLEAN, EVAL, gate_settings
from tests.support.project import MODEL, Project, phases
from tests.support.server import Finds, Reply, Request, analyst


@pytest.mark.parametrize("wire", WIRES)
def test_what_a_model_finds_and_confirms_holds_the_change_back(project: Project, wire: str) -> None:
    server = project.models(analyst(EVAL), wire=wire)
    project.repo.stage({"a.py": BUGGY})
    judged = project.judge()
    assert (judged.code, judged.verdict) == (1, "fail")
    assert phases(server.requests) == ["analyze", "verify"]
    [finding] = judged.findings
    assert (finding["path"], finding["line"], finding["quote"]) == ("a.py", 2, "return eval(text)")
    assert (finding["source"], finding["confirmed"], finding["blocking"]) == (MODEL, True, True)
    assert "Runs what the user typed." in server.requests[1].prompt


def test_what_the_verify_model_contradicts_blocks_nothing(project: Project) -> None:
    project.models(analyst(EVAL, holds=lambda _: False))
    project.repo.stage({"a.py": BUGGY})
    judged = project.judge()
    assert (judged.code, judged.verdict) == (0, "pass")
    assert [finding["confirmed"] for finding in judged.findings] == [False]


def test_without_confirmation_the_finding_alone_blocks(project: Project) -> None:
    project.configure(gate_settings("confirm = false"))
    server = project.models(analyst(EVAL))
    project.repo.stage({"a.py": BUGGY})
    judged = project.judge()
    assert judged.code == 1
    assert judged.blocking[0]["confirmed"] is None
    assert phases(server.requests) == ["analyze"]


def test_what_cannot_be_confirmed_is_inconclusive_and_not_a_pass(project: Project) -> None:
    def answer(request: Request) -> Reply:
        return Reply.refusal() if request.phase == "verify" else analyst(EVAL)(request)

    project.models(answer)
    project.repo.stage({"a.py": BUGGY})
    judged = project.judge()
    assert judged.verdict == "inconclusive"
    assert [(finding["confirmed"], finding["blocking"]) for finding in judged.findings] == [(None, False)]
    assert f"{MODEL}: " in judged.report["reason"]


@pytest.mark.parametrize(("confidence", "code"), [(0.49, 0), (0.5, 1)])
@pytest.mark.parametrize("confirm", ["true", "false"])
def test_a_finding_below_the_confidence_that_is_asked_for_never_blocks(
    project: Project, confidence: float, code: int, confirm: str
) -> None:
    project.configure(gate_settings(f"min-confidence = 0.5\nconfirm = {confirm}"))
    project.models(analyst(Finds("eval(", "Perhaps.", confidence=confidence)))
    project.repo.stage({"a.py": BUGGY})
    judged = project.judge()
    assert (judged.code, len(judged.findings)) == (code, 1)


def test_the_same_code_is_reported_once_at_its_worst(project: Project) -> None:
    project.models(analyst(Finds("eval(", "Style.", severity="note"), EVAL, Finds("eval(", "Hm.", confidence=0.6)))
    project.repo.stage({"a.py": BUGGY})
    judged = project.judge()
    assert [(finding["severity"], finding["message"]) for finding in judged.findings] == [("error", EVAL.message)]


def test_items_that_are_not_about_the_change_are_dropped_and_counted(project: Project) -> None:
    good = {
        "path": "a.py",
        "line": 2,
        "category": "bug",
        "severity": "error",
        "confidence": 0.9,
        "message": "Runs what the user typed.",
        "quote": "return eval(text)",
    }
    bad = [
        {**good, "path": "invented.py"},
        {**good, "quote": "os.system(text)"},
        {**good, "severity": "catastrophic"},
        {"path": "a.py"},
        17,
    ]

    def answer(request: Request) -> Reply:
        return Reply.json_text({"findings": [*bad, good]}) if request.phase == "analyze" else analyst()(request)

    project.models(answer)
    project.repo.stage({"a.py": BUGGY})
    judged = project.judge()
    assert (len(judged.findings), judged.report["dropped"]) == (1, 5)
    assert project.judge().report["dropped"] == 5  # from the cache too


def test_a_reply_that_is_all_invention_is_asked_for_once_more(project: Project) -> None:
    invented = {
        "findings": [
            {
                "path": "b.py",
                "line": 1,
                "category": "bug",
                "severity": "error",
                "confidence": 1,
                "message": "m",
                "quote": "q",
            }
        ]
    }
    server = project.models([Reply.json_text(invented), Reply.json_text({"findings": []})])
    project.repo.stage({"a.py": CLEAN})
    judged = project.judge()
    assert judged.verdict == "pass"
    assert [call["outcome"] for call in judged.sent] == ["unreadable", "ok"]
    assert "none about code that is in the change" in server.requests[1].prompt
