"""A change of any size: few requests, all at once, nothing cut away."""

from __future__ import annotations

import threading

import pytest

from tests.support.patience import PATIENCE
from tests.support.project import MODEL, TWO_LINES, Project
from tests.support.server import Finds, Reply, Request, analyst

LINE = "value_{n} = dict(first={n}, second='some more text that takes room')\n"


def module(lines: int, start: int = 0) -> str:
    return "".join(LINE.format(n=start + number) for number in range(lines))


def test_many_small_files_go_into_few_requests(project: Project) -> None:
    server = project.models(analyst())
    project.repo.stage({f"package/m{number:03}.py": f"n = {number}\n" for number in range(200)})
    judged = project.judge()
    assert len(server.requests) == 4  # of 60 changed lines at most
    assert judged.report["reviewed"] == 200


def test_a_large_change_takes_small_questions_which_are_sent_at_once(project: Project) -> None:
    """The first answers wait until all workers have asked: one after the other they would never end."""
    files = {f"m{number}.py": module(200, number * 1000) for number in range(12)}
    together = threading.Barrier(8)
    first = threading.Semaphore(8)

    def answer(request: Request) -> Reply:
        if first.acquire(blocking=False):
            together.wait(timeout=PATIENCE)
        return analyst()(request)

    server = project.models(answer)
    project.repo.stage(files)
    judged = project.judge()
    assert len(server.requests) == 36
    assert judged.report["reviewed"] == 12
    sent = [row for request in server.requests for row in request.prompt.splitlines() if row.startswith("+")]
    assert len(sent) == len(set(sent)) == 12 * 200
    assert max(request.prompt.count("\n+") for request in server.requests) <= 90
    assert len({request.system for request in server.requests}) == 1


def test_question_is_cut_between_definitions(project: Project) -> None:
    step = "def step_{n}(value):\n    first = value + {n}\n    second = first * {n}\n\n    return second\n\n\n"
    server = project.models(analyst())
    project.repo.stage({"steps.py": "".join(step.format(n=number) for number in range(30))})
    assert project.judge().code == 0
    starts = [request.prompt.partition("@@")[2].splitlines()[1] for request in server.requests]
    assert len(starts) == 3
    assert all("def step_" in start for start in starts)


def test_a_long_file_is_divided_and_a_finding_in_any_part_is_confirmed_on_its_own_lines(project: Project) -> None:
    server = project.models(analyst(Finds("eval(", "Runs anything.")))
    project.repo.stage({"long.py": module(900) + "eval(input())\n" + module(300, 2000)})
    [finding] = project.judge().blocking
    assert finding["line"] == 901
    asked = [request for request in server.requests if request.phase == "analyze"]
    assert len(asked) > 1
    [claim] = [request for request in server.requests if request.phase == "verify"]
    assert "+901 eval(input())" in claim.prompt.partition("The file around it")[0]
    assert len(claim.prompt) < 60_000


def test_what_one_part_of_a_long_file_shows_holds_when_another_could_not_be_judged(project: Project) -> None:
    def answer(request: Request) -> Reply:
        return Reply.refusal() if "value_1100 " in request.prompt else analyst(Finds("eval(", "Runs it."))(request)

    project.models(answer)
    project.repo.stage({"long.py": "eval(input())\n" + module(1200)})
    judged = project.judge()
    assert judged.verdict == "fail"
    assert judged.causes == {"long.py": "unavailable"}
    assert any(call["outcome"] == "refused" for call in judged.sent)
    assert any(call["phase"] == "analyze" for call in project.judge().sent)  # half a verdict is not kept as a whole


def test_a_request_that_does_not_fit_is_divided_by_file(project: Project) -> None:
    def answer(request: Request) -> Reply:
        if request.prompt.count("###") > 1:
            message = "This model's maximum context length is 1000 tokens."
            return Reply.status(400, {"error": {"message": message, "code": "context_length_exceeded"}})
        return analyst(Finds("eval(", "Runs anything."))(request)

    project.models(answer)
    project.repo.stage({"a.py": "a = 1\n", "b.py": "eval(input())\n", "c.py": "c = 1\n"})
    judged = project.judge()
    assert [finding["path"] for finding in judged.blocking] == ["b.py"]
    assert judged.unreviewed == {}
    assert [call["outcome"] for call in judged.sent if call["phase"] == "analyze"].count("ok") == 3


def test_a_file_that_fits_nowhere_is_listed_as_not_judged(project: Project) -> None:
    project.models(Reply.status(413, {"error": {"message": "Request too large"}}))
    project.repo.stage({"a.py": "a = 1\n", "b.py": "b = 1\n"})
    judged = project.judge()
    assert judged.verdict == "inconclusive"
    assert judged.causes == {"a.py": "unavailable", "b.py": "unavailable"}


@pytest.mark.parametrize("parallel", [1, 3])
def test_no_more_requests_than_allowed_are_sent_at_once(project: Project, parallel: int) -> None:
    project.configure(f"{TWO_LINES}[tool.ralph-hooks.gate]\nparallel = {parallel}\n")
    lock = threading.Lock()
    now, most = 0, 0

    def answer(request: Request) -> Reply:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        reply = analyst()(request)
        with lock:
            now -= 1
        return reply

    server = project.models(answer)
    project.repo.stage({f"m{number}.py": module(600, number * 1000) for number in range(5)})
    project.judge()
    assert len(server.requests) == 40  # of 75 changed lines: a larger change has larger questions
    assert most <= parallel


def test_many_claims_are_confirmed_in_few_requests(project: Project) -> None:
    server = project.models(analyst(Finds("eval(", "Runs anything.")))
    project.repo.stage({"a.py": "".join(f"eval('{number}')\n" for number in range(30))})
    judged = project.judge()
    assert len(judged.blocking) == 30
    assert [request.phase for request in server.requests].count("verify") == 3
    assert {finding["source"] for finding in judged.blocking} == {MODEL}
