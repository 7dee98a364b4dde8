"""A backtest asks in batches for half the price, and one that was stopped goes on with its batch later."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from ralph_hooks.store.ledger import statement
from ralph_hooks.store.sqlite import Database
from ralph_hooks.store.state import State
from tests.support.backtests import BUGS, Backtests
from tests.support.batches import KEY, BatchServer
from tests.support.server import Finds, ModelServer, analyst

EVAL = Finds("eval(", "runs what the user typed")
WIRES = {"openai": "authorization", "anthropic": "x-api-key"}


def serve(backtests: Backtests, server: BatchServer | ModelServer, wire: str = "openai") -> None:
    backtests.serve(server.url, f'wire = "{wire}"\napi-key-env = "HERE_KEY"\nbatch = true\n')
    backtests.variables["HERE_KEY"] = KEY


def ledger(backtests: Backtests) -> list[tuple[str, float]]:
    with Database(backtests.home / "state") as database:
        rows = database.query("SELECT outcome, cost FROM calls WHERE remembered = 0")
        total = statement(State(database)).whole
    assert total.cost_usd is not None
    return [(str(outcome), cost) for outcome, cost in rows]


@pytest.mark.parametrize("wire", WIRES)
def test_a_batch_is_submitted_in_two_rounds(wire: str, tmp_path: Path) -> None:
    """What is found, and then its confirmation; each request is one call in the ledger."""
    backtests = Backtests(tmp_path)
    with BatchServer(analyst(EVAL)) as server:
        serve(backtests, server, wire)
        scored = backtests.score("--batch")
        assert [len(lines) for lines in server.batches.values()] == [12, BUGS]
        assert all(KEY in headers[WIRES[wire]] for headers in server.headers)
    assert (scored["caught"], scored["unjudged"], scored["false_blocks"]) == (BUGS, 0, 0)
    assert [outcome for outcome, _ in ledger(backtests)] == ["ok"] * (12 + BUGS)


def test_a_batch_costs_half(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    plain, batched = Backtests(tmp_path / "plain"), Backtests(tmp_path)
    with ModelServer(analyst(EVAL)) as server:
        serve(plain, server)
        usual = plain.score()
    with BatchServer(analyst(EVAL)) as server:
        serve(batched, server)
        scored = batched.score("--batch")
        looks = len(server.seen)
        assert batched.score("--batch") == scored
        assert len(server.seen) == looks
    assert scored["cost_usd"] == pytest.approx(usual["cost_usd"] / 2)
    assert sum(cost for _, cost in ledger(batched)) * 2 == sum(cost for _, cost in ledger(plain))


def test_a_stopped_backtest_goes_on_with_its_batch(tmp_path: Path) -> None:
    backtests = Backtests(tmp_path)
    with BatchServer(analyst(EVAL), held=True) as server:
        serve(backtests, server)
        running = backtests.start("--batch")
        server.looked.wait()
        running.send_signal(signal.SIGINT)
        _, told = running.communicate()
        assert running.returncode == 130
        assert "12 requests are with here as batch batch_0" in told
        assert len(ledger(backtests)) == 12  # at their maximum, until the answers are read
        server.opened.set()
        scored = backtests.score("--batch")
        assert [len(lines) for lines in server.batches.values()] == [12, BUGS]
    assert scored["caught"] == BUGS
    assert len(ledger(backtests)) == 12 + BUGS


def test_a_batch_that_is_refused_costs_nothing_and_is_submitted_again(tmp_path: Path) -> None:
    backtests = Backtests(tmp_path)
    with BatchServer(analyst(), refused="The model has no batches.") as server:
        serve(backtests, server)
        told = backtests.run("--batch", code=2).stderr
        assert "here gave no answers to batch batch_0: The model has no batches." in told
        assert ledger(backtests) == []
        server.refused = ""
        assert backtests.score("--batch")["unjudged"] == 0
        assert [len(lines) for lines in server.batches.values()] == [12, 12]


def test_a_cap_holds_before_anything_is_submitted(tmp_path: Path) -> None:
    backtests = Backtests(tmp_path)
    with BatchServer(analyst(EVAL)) as server:
        serve(backtests, server)
        stopped = backtests.run("--batch", "--cap", "0.0001", code=3)
        assert server.batches == {}
    assert "the spend cap was reached" in stopped.stderr
