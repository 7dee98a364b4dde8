"""A backtest counts right, pays once, stops at its cap and never takes an outage for a verdict."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path

import pytest

from tests.support.backtests import BUGS, CLEAN, Backtests, Held
from tests.support.project import Project
from tests.support.server import Finds, ModelServer, Reply, Request, analyst


@pytest.fixture
def backtests(tmp_path: Path) -> Backtests:
    return Backtests(tmp_path)


EVAL = Finds("eval(", "runs what the user typed")
ABS = Finds("abs(", "loses the sign", confidence=0.6)
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


def test_the_second_run_pays_nothing_and_says_the_same(backtests: Backtests) -> None:
    with ModelServer(analyst(EVAL)) as server:
        backtests.serve(server.url)
        first = backtests.score()
        asked = len(server.requests)
        again = backtests.score()
        assert len(server.requests) == asked
    assert again == first


def test_an_estimate_sends_nothing(backtests: Backtests) -> None:
    with ModelServer(analyst()) as server:
        backtests.serve(server.url)
        text = backtests.run("--estimate").stdout
        assert server.requests == []
    assert "configured: 12 requests of the analyze phase, about" in text
    assert "Nothing was sent." in text


def test_the_cap_is_obeyed_and_a_higher_one_goes_on_where_it_was(backtests: Backtests) -> None:
    with ModelServer(analyst(EVAL)) as server:
        backtests.serve(server.url)
        stopped = backtests.run("--cap", "0.01", "--workers", "1", code=3)
        asked = len(server.requests)
        assert 0 < asked < 18
        backtests.score("--cap", "1")
        total = len(server.requests)
    assert "the spend cap was reached" in stopped.stderr
    assert total == 12 + BUGS  # one request a change and a confirmation for each bug: none was paid twice


def test_ctrl_c_keeps_what_is_under_way(backtests: Backtests) -> None:
    gate = Held(analyst(EVAL), after=2, most=4)
    with ModelServer(gate) as server:
        backtests.serve(server.url)
        running = backtests.start("--workers", "4")
        with gate.full():
            running.send_signal(signal.SIGINT)
            assert running.stderr is not None
            assert any("4 changes under way, whose answers will be cached" in line for line in running.stderr)
        running.communicate()
        assert running.returncode == 130
        backtests.score()
        assert len(server.requests) == 12 + BUGS  # nothing was paid twice


def test_an_outage_is_no_verdict(backtests: Backtests) -> None:
    with ModelServer(lambda _: Reply.status(400)) as server:
        backtests.serve(server.url)
        scored = backtests.score()
        told = backtests.run().stdout
    assert scored["unjudged"] == 12
    assert scored["bugs"] == scored["clean"] == 0
    assert "12 changes could not be reviewed and are excluded from the rates" in told


def test_several_routings_side_by_side_and_the_picture(backtests: Backtests, tmp_path: Path) -> None:
    with ModelServer(analyst(EVAL)) as server:
        backtests.serve(server.url)
        page = tmp_path / "picture.html"
        done = backtests.run("--routing", "checks", "--routing", "small=here/small", "--html", str(page))
    assert "checks misses 100% of the bugs" in done.stdout
    assert "small misses 0% of the bugs" in done.stdout
    text = page.read_text(encoding="utf-8")
    assert text.count("<circle") == 2
    assert "polyline" in text
    assert "http" not in text


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


def test_tuning_prints_a_configuration_to_paste(backtests: Backtests) -> None:
    with ModelServer(analyst(EVAL, ABS)) as server:
        backtests.serve(server.url)
        text = backtests.run("--tune").stdout
    assert "[tool.ralph-hooks.gate]" in text
    confidence = float(text.split("min-confidence = ")[1].split()[0])
    assert 0.6 < confidence <= 0.95


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


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{}\n", "line 1"),
        ('{"id": "a", "path": "a", "label": "odd", "before": "", "after": "x"}\n', "line 1"),
        ("", "no example"),
    ],
)
def test_a_file_that_is_no_dataset_is_named_with_its_line(backtests: Backtests, text: str, words: str) -> None:
    backtests.data.write_text(text, encoding="utf-8")
    assert words in backtests.run("--routing", "checks", code=2).stderr


def test_a_model_of_an_unknown_provider_lists_the_known_ones(backtests: Backtests) -> None:
    assert "openrouter" in backtests.run("--routing", "x=nowhere/y", code=2).stderr


def test_a_simulation_states_its_assumptions_and_sends_nothing(project: Project) -> None:
    server = project.models(analyst())
    done = project.run("backtest", "--simulate", "--assume", "changes=2000", "--assume", "catch=0.25")
    title, rows = done.out.split("\n\n")[:2]
    assert title.startswith("SIMULATION of 2,000 changes (seed 1)")
    assert "an analyze pass reports 25% of the bugs" in title
    assert [row.split()[:3] for row in rows.splitlines()[1:3]] == [
        ["1", "false", "agreement"],
        ["3", "false", "agreement"],
    ]
    told = json.loads(project.run("backtest", "--simulate", "--format", "json", "--assume", "changes=2000").out)
    assert (told["assumptions"]["changes"], len(told["settings"])) == (2000, 7)
    assert server.requests == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--simulate", "--assume", "catch=much"], "expected NAME=NUMBER"),
        (["--simulate", "--assume", "cach=0.1"], "the names are bugs, catch, false-alarm"),
        (["--simulate", "--assume", "catch=2"], "catch"),
        (["--simulate", "--estimate"], "--simulate reviews no change"),
        (["--assume", "catch=0.1", "--commits", "HEAD"], "--assume needs --simulate"),
    ],
)
def test_a_wrong_simulation_says_what_is_right(project: Project, options: list[str], words: str) -> None:
    done = project.run("backtest", *options)
    assert (done.code, words in done.err) == (2, True)


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
