"""What one request learns of a model, other requests and other runs know: an outage costs one timeout a minute."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.asking import KEY_NAME, WIRES
from tests.support.matrix import first, product
from tests.support.repo import Repo
from tests.support.server import ModelServer, Reply, Request, Responder
from tests.support.world import BUG, CODE, FIRST, GOOD, OTHER_KEY, SECOND, World, host, new_world

AWAY = Reply.status(503, {"error": {"message": "Overloaded"}})
LONG = "".join(f"def step_{number}(value):\n    return value + {number}\n\n\n" for number in range(900))
"""A file that fills a request of its own."""


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    repo = Repo.create(tmp_path / "shop")
    repo.commit({"README.md": "A shop.\n"})
    with new_world(repo.stage({"a.py": CODE}), tmp_path, monkeypatch) as made:
        yield made


def change(world: World, name: str = "b.py") -> None:
    """Something else to judge, with the same bug in it."""
    world.project.repo.stage({name: f"# {name}\n{CODE}"})


def switch(*scripts: Responder | Reply) -> tuple[Responder, list[int]]:
    """A script whose part can be chosen from outside."""
    chosen = [0]

    def answer(request: Request) -> Reply:
        script = scripts[chosen[0]]
        return script(request) if callable(script) else script

    return answer, chosen


def prompts(server: ModelServer) -> list[str]:
    return [request.prompt for request in server.requests]


@pytest.mark.parametrize("wire", WIRES)
def test_another_run_passes_over_what_has_just_failed_and_says_so(world: World, wire: str) -> None:
    server = world.serve(AWAY)
    world.configure(server.url, wire, models=(FIRST, SECOND))
    assert world.gate().outcomes() == ["unreachable"] * 3
    change(world)
    world.later = 30
    judged = world.gate()
    assert judged.report["verdict"] == "fail"
    assert judged.outcomes() == []
    assert len(server.requests) == 3
    said = f"{SECOND} answered instead of {FIRST}: not called again, because 30 s ago {host(server.url)} answered 503"
    assert any(said in notice for notice in judged.report["notices"])  # what became of a repair may come first
    assert said in judged.ran.out


def test_after_a_minute_it_is_asked_again(world: World) -> None:
    script, chosen = switch(AWAY, GOOD)
    world.configure(world.serve(script).url, models=(FIRST, SECOND))
    world.gate()
    chosen[0] = 1
    change(world)
    world.later = 61
    judged = world.gate()
    assert judged.outcomes() == ["ok"]
    assert judged.report["notices"] == []


def test_a_limit_that_ends_sooner_is_remembered_no_longer(world: World) -> None:
    limited = Reply.status(429, {}, {"Retry-After": "20"})
    server = world.serve(limited)
    world.configure(server.url, models=(FIRST, SECOND), more="deadline = 10")
    assert world.gate().outcomes() == ["rate-limited"]
    for later, sent in ((19, 1), (21, 2)):
        change(world, f"{later}.py")
        world.later = later
        world.gate()
        assert len(server.requests) == sent


def test_the_last_hope_is_tried_once_and_it_is_said(world: World) -> None:
    """With nobody else to ask, passing over the only model would be an outage of our own making."""
    server = world.serve(AWAY)
    world.configure(server.url)
    world.gate()
    world.later = 12
    judged = world.gate()
    assert judged.outcomes() == ["unreachable"]
    assert (
        f"{host(server.url)} answered 503: Overloaded (tried only once, because it failed 12 s ago)"
        in judged.report["reason"]
    )


def test_a_last_hope_without_its_key_was_not_tried(world: World) -> None:
    server = world.serve(AWAY)
    world.configure(server.url)
    world.gate()
    world.without_key()
    reason = world.gate().report["reason"]
    assert f"no key for scripted: set {KEY_NAME}" in reason
    assert "tried" not in reason


def test_a_last_hope_that_fails_does_not_prolong_the_wait(world: World) -> None:
    """Else a model that is slow to answer would be away for ever to somebody who commits every minute."""
    server = world.serve(AWAY)
    world.configure(server.url)
    for later, tries in ((0, 3), (40, 1), (61, 3)):
        world.later = later
        assert world.gate().outcomes() == ["unreachable"] * tries


def test_of_several_the_one_that_has_been_away_for_longest_is_tried(world: World) -> None:
    first, second = world.serve(AWAY), world.serve(AWAY)
    world.configure(first.url, models=(FIRST, SECOND), other=second.url)
    world.gate()
    world.later = 5
    judged = world.gate()
    assert (judged.outcomes(FIRST), judged.outcomes(SECOND)) == (["unreachable"], [])
    assert f"{SECOND}: not called again, because 5 s ago" in judged.report["reason"]


def test_one_that_is_passed_over_is_the_last_hope_of_a_chain_that_fails(world: World) -> None:
    script, chosen = switch(AWAY, GOOD)
    second, elsewhere = switch(GOOD, AWAY)
    world.configure(world.serve(script).url, models=(FIRST, SECOND), other=world.serve(second).url)
    world.gate()
    change(world)
    chosen[0] = elsewhere[0] = 1
    judged = world.gate()
    assert judged.outcomes(SECOND) == ["unreachable"] * 3
    assert judged.outcomes(FIRST) == ["ok"]
    assert judged.report["verdict"] == "fail"


def test_one_answer_and_all_is_forgotten(world: World) -> None:
    script, chosen = switch(AWAY, GOOD)
    world.configure(world.serve(script).url)
    world.gate()
    chosen[0] = 1
    assert world.gate().outcomes() == ["ok"]
    change(world)
    chosen[0] = 0
    assert world.gate().outcomes() == ["unreachable"] * 3


@pytest.mark.parametrize("parallel", first(1, [4, 1]))
def test_files_of_one_run_share_what_they_learn(world: World, parallel: int) -> None:
    world.project.repo.stage({f"{name}.py": f"# {name}\n{LONG}{CODE}" for name in "bcdefg"})
    server = world.serve(AWAY)
    world.configure(server.url, models=(FIRST, SECOND), more=f"parallel = {parallel}")
    judged = world.gate()
    assert len(judged.of(SECOND)) >= 6
    assert judged.report["reviewed"] == 7
    assert len(server.requests) <= 3 * parallel
    if parallel == 1:
        assert len(server.requests) == 3


def test_without_anybody_else_the_files_of_a_run_wait_for_one_try_more(world: World) -> None:
    world.project.repo.stage({f"{name}.py": f"# {name}\n{LONG}{CODE}" for name in "bcdefg"})
    server = world.serve(AWAY)
    world.configure(server.url, more="parallel = 1")
    assert world.gate().report["verdict"] == "inconclusive"
    assert len(server.requests) == 3 + 1


def test_a_model_that_hung_until_the_deadline_is_passed_over(world: World) -> None:
    server = world.serve(Reply.hang())
    world.warm_up()
    world.configure(server.url, more="deadline = 3")
    world.gate()
    world.configure(server.url, models=(FIRST, SECOND), more="deadline = 20")
    judged = world.gate()
    assert judged.report["verdict"] == "fail"
    assert judged.outcomes() == []
    assert any("it sent no answer within " in notice for notice in judged.report["notices"])


@pytest.mark.parametrize("status", [401, 403])
def test_a_credential_that_is_refused_is_not_shown_again(world: World, status: int) -> None:
    """Not to another model, and not for the other files of the run; the next run asks, for the key may be mended."""
    world.project.repo.stage({f"{name}.py": f"# {name}\n{LONG}{CODE}" for name in "bcd"})
    server = world.serve(Reply.status(status))
    world.configure(server.url, models=(FIRST, "scripted/big"), more="parallel = 1")
    judged = world.gate()
    assert len(server.requests) == 1
    assert judged.report["verdict"] == "inconclusive"
    assert f"scripted/big: not called, because it uses the same rejected key ({KEY_NAME})" in judged.report["reason"]
    world.gate()
    assert len(server.requests) == 2


def test_another_credential_is_shown(world: World) -> None:
    refused = Reply.status(401)
    server = world.serve(lambda request: GOOD(request) if request.body["model"] == "large" else refused)
    world.configure(server.url, models=(FIRST, SECOND), other=server.url)
    assert world.gate().report["verdict"] == "fail"
    assert [request.body["model"] for request in server.requests] == ["small", "large"]
    assert server.requests[0].headers["authorization"] != server.requests[1].headers["authorization"]


def test_places_without_keys_have_no_credential_in_common(world: World) -> None:
    server = world.serve(Reply.status(401))
    world.configure(server.url, models=(FIRST, SECOND))
    config = world.project.home / "config.toml"
    keyless = "".join(
        line
        for line in config.read_text(encoding="utf-8").splitlines(keepends=True)
        if not line.startswith("api-key-env") or "STEADY" in line
    )
    config.write_text(keyless, encoding="utf-8")
    assert OTHER_KEY not in keyless
    assert world.gate().report["verdict"] == "fail"


def test_a_model_that_is_missing_is_asked_once_a_run(world: World) -> None:
    world.project.repo.stage({f"{name}.py": f"# {name}\n{LONG}{CODE}" for name in "bcd"})
    server = world.serve(Reply.status(404))
    world.configure(server.url, models=(FIRST, SECOND), more="parallel = 1")
    judged = world.gate()
    assert judged.report["verdict"] == "fail"
    assert len(server.requests) == 1


def test_a_bad_verdict_is_not_an_outage(world: World) -> None:
    server = world.serve(GOOD)
    world.configure(server.url, models=(FIRST, SECOND))
    judged = world.gate()
    assert judged.report["verdict"] == "fail"
    assert judged.of(SECOND) == []


QUICK = 'quick = { reasoning_effort = "low", top_k = 1 }\n'


@pytest.mark.parametrize(("status", "wire"), product([400, 422], WIRES))
def test_a_parameter_that_is_refused_is_left_out_and_that_is_remembered(world: World, wire: str, status: int) -> None:
    def picky(request: Request) -> Reply:
        for field in ("reasoning_effort", "top_k"):
            if field in request.body:
                return Reply.status(status, {"error": {"message": f"Unsupported parameter: {field}", "param": field}})
        return GOOD(request)

    server = world.serve(picky)
    world.configure(server.url, wire, provider_more=QUICK)
    judged = world.gate()
    assert judged.report["verdict"] == "fail"
    assert judged.outcomes() == ["rejected", "rejected", "ok"]
    change(world)
    assert world.gate().outcomes() == ["ok"]
    assert len(server.requests) == 4


def test_a_parameter_that_is_refused_again_ends_it(world: World) -> None:
    server = world.serve(Reply.status(400, {"error": {"message": "temperature is not supported"}}))
    world.configure(server.url)
    judged = world.gate()
    assert judged.outcomes() == ["rejected"] * 2
    assert judged.report["verdict"] == "inconclusive"


def test_a_shape_that_is_refused_is_told_in_words(world: World) -> None:
    def shapeless(request: Request) -> Reply:
        if "response_format" in request.body:
            return Reply.status(400, {"error": {"message": "Unknown field: response_format"}})
        return GOOD(request)

    server = world.serve(shapeless)
    world.configure(server.url)
    assert world.gate().outcomes() == ["rejected", "ok"]
    assert '"severity"' in server.requests[1].system


@pytest.mark.parametrize("wire", WIRES)
def test_a_usage_that_is_missing_is_estimated_at_its_worst(world: World, wire: str) -> None:
    silent = Reply.json_text(
        {
            "findings": [
                {"path": "a.py", "line": 3, "category": "bug", "severity": "error", "confidence": 0.9}
                | {"message": BUG.message, "quote": BUG.text}
            ]
        },
        with_usage=False,
    )
    server = world.serve(silent)
    world.configure(server.url, wire)
    judged = world.gate()
    assert judged.report["verdict"] == "fail"
    (call,) = [call for call in judged.report["calls"] if call["model"] == FIRST]
    assert call["estimated"]
    sent = len(server.requests[0].system) + len(server.requests[0].prompt)
    assert call["input_tokens"] > sent / 3
    assert call["output_tokens"] == 4096
    (row,) = judged.of(FIRST)
    assert (row.estimated, row.cost) == (True, call["input_tokens"] * 10**6 + call["output_tokens"] * 2 * 10**6)


def test_more_room_is_asked_for_after_an_answer_that_was_cut_off(world: World) -> None:
    server = world.serve(Reply.length())
    world.configure(server.url)
    world.gate()
    assert [request.body["max_tokens"] for request in server.requests] == [4096, 8192]


def test_the_second_question_says_what_was_wrong_with_the_first_answer(world: World) -> None:
    replies = iter([Reply.text("Sure! Here you go."), None])
    server = world.serve(lambda request: next(replies) or GOOD(request))
    world.configure(server.url)
    judged = world.gate()
    assert judged.outcomes() == ["unreadable", "ok"]
    assert "Your last reply could not be used: the model answered in prose" in prompts(server)[1]
