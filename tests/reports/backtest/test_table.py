"""Figures of a backtest as text."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.backtests import ABS, EVAL, Backtests
from tests.support.server import ModelServer, analyst


@pytest.fixture
def backtests(tmp_path: Path) -> Backtests:
    return Backtests(tmp_path)


def test_tuning_prints_a_configuration_to_paste(backtests: Backtests) -> None:
    with ModelServer(analyst(EVAL, ABS)) as server:
        backtests.serve(server.url)
        text = backtests.run("--tune").stdout
    assert "[tool.ralph-hooks.gate]" in text
    confidence = float(text.split("min-confidence = ")[1].split()[0])
    assert 0.6 < confidence <= 0.95
