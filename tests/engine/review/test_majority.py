"""Several analyze passes over one change: what the majority of them reports counts."""

from __future__ import annotations

import itertools
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from ralph_hooks.core.finding import Finding, Severity
from ralph_hooks.engine.review.majority import majority
from tests.support.project import Project
from tests.support.server import Finds, Reply, Request, analyst

CODE = "def run(text):\n    return eval(text)\n\n\ndef total(items):\n    return sum(items[:-1])\n"
EVAL, LAST = Finds("eval(", "Runs what the user typed."), Finds("[:-1]", "Leaves the last item out.")
PUSH = '[push]\npasses = 3\nwhen-unavailable = "closed"\n'


def finding(line: int, severity: Severity = Severity.ERROR, confidence: float = 0.9) -> Finding:
    return Finding(
        path="a.py", line=line, end_line=line, category="bug", severity=severity, confidence=confidence, message="x",
        quote="x", context="x", source="m",
    )  # fmt: skip


def test_more_than_half_of_the_passes_have_to_report_a_finding() -> None:
    passes = [[finding(3), finding(20)], [finding(4)], [finding(30)]]
    kept, is_open = majority(passes, 3)
    assert ([each.line in {3, 4} for each in kept], is_open) == ([True], False)


def test_the_nearest_findings_count_together() -> None:
    (kept,), _ = majority([[finding(2)], [finding(4), finding(1)], [finding(1)]], 3)
    assert kept.line in {1, 2}


def test_a_finding_is_as_bad_as_the_majority_says() -> None:
    passes = [[finding(3)], [finding(3, Severity.NOTE)], [finding(3, Severity.WARNING, 0.6)]]
    (kept,), _ = majority(passes, 3)
    assert (kept.severity, kept.confidence) == (Severity.WARNING, 0.6)


def test_a_pass_without_an_answer_leaves_open_only_what_it_could_decide() -> None:
    assert majority([[finding(3)], [finding(3)]], 3)[1] is False
    assert majority([[], []], 3)[1] is False
    assert majority([[finding(3)], []], 3)[1] is True
    assert majority([[]], 3)[1] is True


places = st.tuples(st.integers(1, 6), st.integers(0, 2))


@given(st.lists(st.lists(places, max_size=4, unique_by=lambda place: place[0]), min_size=1, max_size=5))
def test_what_most_passes_report_is_kept_and_nothing_else(answers: list[list[tuple[int, int]]]) -> None:
    kept, _ = majority([[finding(10 * place + off) for place, off in every] for every in answers], len(answers))
    counts = Counter(place for every in answers for place, _ in every)
    assert [each.line // 10 for each in kept] == sorted(p for p, count in counts.items() if count * 2 > len(answers))


def test_a_push_counts_only_what_most_passes_report(project: Project) -> None:
    asked = itertools.count()

    def answer(request: Request) -> Reply:
        found = [EVAL, LAST] if request.phase == "analyze" and next(asked) == 1 else [EVAL]
        return analyst(*found)(request)

    server = project.models(answer, user=PUSH + "[gate]\nparallel = 1\n")
    base = project.repo.git("rev-parse", "HEAD")
    project.repo.commit({"a.py": CODE, "b.py": "x = 1\n", "c.py": "y = 2\n"})
    report = project.judge("--from-ref", base, "--to-ref", "HEAD")
    orders = [request.prompt.split("\n", 1)[1] for request in server.requests if request.phase == "analyze"]
    assert len(orders) == 3
    assert len(set(orders)) > 1
    assert [(each["line"], each["blocking"]) for each in report.report["findings"]] == [(2, True)]
    assert len(report.report["calls"]) == len(server.requests)
    project.judge("--from-ref", base, "--to-ref", "HEAD")
    assert len([request for request in server.requests if request.phase == "analyze"]) == 3


def test_a_change_stays_unreviewed_where_the_majority_is_not_known(project: Project) -> None:
    asked = itertools.count()

    def answer(request: Request) -> Reply:
        number = next(asked)
        if number == 1:
            return analyst(EVAL)(request)
        return analyst()(request) if number == 2 else Reply.status(500)

    project.models(answer, user=PUSH.replace("[push]", "[gate]\nparallel = 1").replace("push", "gate"))
    project.repo.stage({"a.py": CODE})
    judged = project.judge()
    assert judged.report["verdict"] == "inconclusive"
    assert [each["path"] for each in judged.report["unreviewed"]] == ["a.py"]


def test_the_estimate_counts_every_pass(project: Project) -> None:
    project.models(analyst(), user="[gate]\npasses = 3\n")
    project.repo.stage({"a.py": CODE})
    assert "3 requests to" in project.run("route").out
