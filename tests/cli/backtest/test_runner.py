"""Backtests that are interrupted, or without an answer."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.support.backtests import BUGS, EVAL, Backtests, Held
from tests.support.server import ModelServer, Reply, analyst


@pytest.fixture
def backtests(tmp_path: Path) -> Backtests:
    return Backtests(tmp_path)


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
