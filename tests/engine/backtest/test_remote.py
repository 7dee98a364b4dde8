"""Examples that other machines review."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from tests.support.asking import KEY, KEY_NAME
from tests.support.backtests import BUGS, EVAL, Backtests, record
from tests.support.clusters import EVERYTHING, booked, serve, timeless
from tests.support.credentials import SERVICES
from tests.support.dask import Cluster, Wire
from tests.support.matrix import MORE
from tests.support.server import ModelServer, analyst

SECRET = SERVICES["GitHub"](random.Random(8))


@pytest.fixture
def backtests(tmp_path: Path) -> Backtests:
    made = Backtests(tmp_path)
    made.variables = {KEY_NAME: KEY}
    return made


def test_the_result_and_the_books_are_the_same_and_no_secret_leaves(backtests: Backtests, cluster: Cluster) -> None:
    leak = record(99, bug=True)
    leak["before"] = f"# {SECRET}\n{leak['before']}"  # not on a changed line: the gate itself would let it through
    leak["after"] = f"# {SECRET}\n{leak['after']}"
    leak["bug_lines_after"] = [4]
    with backtests.data.open("a", encoding="utf-8") as file:
        file.write(f"{json.dumps(leak)}\n")
    with ModelServer(analyst(EVAL)) as server, Wire(cluster.address) as wire:
        serve(backtests, server.url)
        r = backtests.run("--format", "json", "--dask", wire.address)
        print(r.stderr)
        (there,) = json.loads(r.stdout)["routings"]
        assert len(server.requests) == EVERYTHING + 2
        books = sorted(booked(backtests), key=str)
        assert backtests.score() == there  # nothing is judged again, wherever it was judged
        assert len(server.requests) == EVERYTHING + 2
        (backtests.home / "state" / "state.db").unlink()
        here = backtests.score()
    assert timeless(there) == timeless(here)
    assert there["caught"] == BUGS + 1
    assert books == sorted(booked(backtests), key=str)
    assert all(request.headers["authorization"] == f"Bearer {KEY}" for request in server.requests)
    assert b"return eval(y)" in wire.recorded  # what may leave was seen leaving
    assert b"work_1" in wire.recorded
    for secret in (KEY, SECRET, "work_99"):
        assert wire.recorded.count(secret.encode()) == 0


@MORE
def test_a_cap_is_not_overshot_however_many_workers_there_are(backtests: Backtests, cluster: Cluster) -> None:
    with ModelServer(analyst(EVAL)) as server:
        serve(backtests, server.url)
        stopped = backtests.run("--cap", "0.012", "--dask", cluster.address, code=3)
        assert "the spend cap was reached" in stopped.stderr
        assert 0 < len(server.requests) < EVERYTHING
        assert sum(cost or 0 for _, _, cost, _ in booked(backtests)) <= 0.012
        assert backtests.score("--cap", "1")["caught"] == BUGS
        assert len(server.requests) == EVERYTHING
