"""A backtest counts right, pays once, stops at its cap and never takes an outage for a verdict."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.support.backtests import ABS, BUGS, CLEAN, EVAL, Backtests
from tests.support.server import Finds, ModelServer, Reply, Request, analyst


@pytest.fixture
def backtests(tmp_path: Path) -> Backtests:
    return Backtests(tmp_path)


BESIDE = Finds("y = x", "adds a number")


def test_hits_on_known_lines_and_false_blocks_are_counted_with_their_cost(backtests: Backtests) -> None:
    with ModelServer(analyst(EVAL)) as server:
        backtests.serve(server.url)
        scored = backtests.score()
    assert (scored["changes"], scored["bugs"], scored["caught"]) == (12, BUGS, BUGS)
    assert (scored["clean"], scored["false_blocks"], scored["unjudged"]) == (CLEAN, 0, 0)
    assert scored["catch_rate"][0] == 1.0
    assert scored["catch_rate"][1] < 0.7
    assert 0 < scored["cost_usd"] < 0.05
    assert scored["name"] == "configured"


def test_a_block_for_the_wrong_reason_is_no_hit(backtests: Backtests) -> None:
    with ModelServer(analyst(BESIDE)) as server:
        backtests.serve(server.url)
        scored = backtests.score()
    assert scored["caught"] == 0
    assert scored["false_blocks"] == CLEAN


def test_an_estimate_sends_nothing(backtests: Backtests) -> None:
    with ModelServer(analyst()) as server:
        backtests.serve(server.url)
        text = backtests.run("--estimate").stdout
        assert server.requests == []
    assert "configured: 12 requests of the analyze phase, about" in text
    assert "Nothing was sent." in text


def test_repeats_show_how_often_a_verdict_flips(backtests: Backtests) -> None:
    seen: set[str] = set()

    def moody(request: Request) -> Reply:
        prompt = request.prompt.split("\n", 1)[1].rsplit("\n", 1)[0]
        if request.phase == "analyze" and "bug" not in prompt and prompt in seen:
            return Reply.json_text({"findings": []})
        seen.add(prompt)
        return analyst(EVAL)(request)

    with ModelServer(moody) as server:
        backtests.serve(server.url)
        scored = backtests.score("--repeat", "2", "--workers", "1")
    assert scored["flips"] == 0.5  # all bugs were seen once and not again


def test_the_users_own_history_is_replayed(backtests: Backtests) -> None:
    backtests.repo.commit({"b.py": "def change(paid, due):\n    return eval('due - paid')\n"}, message="Add change")
    backtests.repo.commit({"b.py": "def change(paid, due):\n    return paid - due\n"}, message="Fix change")
    backtests.repo.commit({"c.py": "def change(paid, due):\n    return abs(paid - due)\n"}, message="Add another")
    args = ("--commits", "HEAD", "--format", "json")
    with ModelServer(analyst(EVAL, ABS)) as server:
        backtests.serve(server.url)
        young = backtests.run(*args)
        old = backtests.run(*args, "--patience", "0")
    (scored,) = json.loads(young.stdout)["routings"]
    assert (scored["bugs"], scored["caught"], scored["clean"]) == (1, 1, 0)
    assert "No commit has lived for 540 days without a fix" in young.stderr
    (scored,) = json.loads(old.stdout)["routings"]
    assert (scored["bugs"], scored["clean"], scored["false_blocks"]) == (1, 1, 1)
    assert "has lived" not in old.stderr


def test_a_model_of_an_unknown_provider_lists_the_known_ones(backtests: Backtests) -> None:
    assert "openrouter" in backtests.run("--routing", "x=nowhere/y", code=2).stderr


@pytest.mark.long("runs reproducers for five settings")
def test_every_block_on_is_reported_with_the_evidence(backtests: Backtests, tmp_path: Path) -> None:
    def answer(request: Request) -> Reply:
        if request.phase != "reproduce":
            return analyst(EVAL, ABS)(request)
        number = re.findall(r"work_(\d)\.py", request.prompt)[0]
        test = f"from work_{number} import work_{number}\n\n\ndef test_it():\n    work_{number}(1)\n"
        return Reply.json_text({"reproducers": [{"id": "C1", "test": test, "asserts": "no crash", "because": ""}]})

    page = tmp_path / "page.html"
    with ModelServer(answer) as server:
        backtests.serve(server.url, '[gate]\ndeadline = 600\nmin-confidence = 0.5\nblock-on = "agreement"\n')
        scored = backtests.score("--limit", "2", "--proofs", "--html", str(page))
        asked = len(server.requests)
        text = backtests.run("--limit", "2", "--proofs").stdout
        assert len(server.requests) == asked
    assert {each["evidence"]: each["findings"] for each in scored["by_evidence"]} == {"proved": 1, "unproved": 1}
    blocked = {each["block_on"]: (each["caught"], each["false_blocks"]) for each in scored["by_block_on"]}
    assert blocked == {"proof": (1, 0), "shown": (1, 0), "auto": (1, 0), "agreement": (1, 1)}
    assert (scored["caught"], scored["false_blocks"]) == (1, 1)  # as configured: on agreement
    assert "proved     1: 1 on known bugs, 0 in clean changes" in text
    assert "What each value of gate.block-on would have blocked" in page.read_text(encoding="utf-8")


def test_without_reproducers_only_agreement_is_known(backtests: Backtests) -> None:
    with ModelServer(analyst(EVAL)) as server:
        backtests.serve(server.url)
        done = backtests.run()
    assert "agreed     6: 6 on known bugs, 0 in clean changes" in done.stdout
    assert "--proofs runs reproducers" in done.stdout
    assert "--batch, --dask and --tune" in backtests.run("--proofs", "--tune", code=2).stderr
