"""A worker is asked first."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.asking import KEY, KEY_NAME
from tests.support.backtests import EVAL, Backtests
from tests.support.clusters import serve
from tests.support.dask import Cluster
from tests.support.server import ModelServer, analyst


@pytest.fixture
def backtests(tmp_path: Path) -> Backtests:
    made = Backtests(tmp_path)
    made.variables = {KEY_NAME: KEY}
    return made


def test_a_worker_without_the_key_is_named_before_anything_is_sent(backtests: Backtests, cluster: Cluster) -> None:
    with ModelServer(analyst(EVAL)) as server:
        serve(backtests, server.url, "OTHER_KEY")
        backtests.variables = {"OTHER_KEY": KEY}
        told = backtests.run("--dask", cluster.address, code=2).stderr
        assert "the Dask worker at tcp://127.0.0.1:" in told
        assert "set OTHER_KEY in its environment" in told
        assert server.requests == []
