"""Examples are replayed once, under a cap."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.backtests import BUGS, EVAL, Backtests
from tests.support.server import ModelServer, analyst


@pytest.fixture
def backtests(tmp_path: Path) -> Backtests:
    return Backtests(tmp_path)


def test_the_second_run_pays_nothing_and_says_the_same(backtests: Backtests) -> None:
    with ModelServer(analyst(EVAL)) as server:
        backtests.serve(server.url)
        first = backtests.score()
        asked = len(server.requests)
        again = backtests.score()
        assert len(server.requests) == asked
    assert again == first


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
