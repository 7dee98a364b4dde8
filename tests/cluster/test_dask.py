"""A Dask cluster judges as this machine does, pays no more, and gets to see neither keys nor secrets."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.asking import KEY, KEY_NAME
from tests.support.backtests import BUGS, EVAL, Backtests, Held
from tests.support.clusters import EVERYTHING, booked, serve, timeless
from tests.support.dask import THREADS, Cluster
from tests.support.matrix import MORE
from tests.support.postgres import PostgresServer
from tests.support.server import ModelServer, analyst

pytest.importorskip("distributed", reason="the `distributed` extra is not installed")


@pytest.fixture
def backtests(tmp_path: Path) -> Backtests:
    made = Backtests(tmp_path)
    made.variables = {KEY_NAME: KEY}
    return made


def test_an_interrupted_run_keeps_what_is_under_way(backtests: Backtests, cluster: Cluster) -> None:
    gate = Held(analyst(EVAL), after=2, most=2 * THREADS)
    with ModelServer(gate) as server:
        serve(backtests, server.url)
        running = backtests.start("--dask", cluster.address)
        with gate.full():
            running.send_signal(signal.SIGINT)
            assert running.stderr is not None
            assert any("under way, whose answers will be cached" in line for line in running.stderr)
        running.communicate()
        assert running.returncode == 130
        assert {outcome for _, outcome, _, _ in booked(backtests)} == {"ok"}
        assert backtests.score()["caught"] == BUGS  # this machine goes on where the cluster was
        assert len(server.requests) == EVERYTHING  # nothing was paid twice


@MORE
def test_a_killed_worker_changes_nothing_but_what_the_ledger_says(backtests: Backtests, cluster: Cluster) -> None:
    gate = Held(analyst(EVAL), phase="verify", most=BUGS)
    with ModelServer(gate) as server:
        serve(backtests, server.url)
        running = backtests.start("--dask", cluster.address, "--format", "json")
        with gate.full():
            cluster.workers.pop().kill()
        out, err = running.communicate()
        assert running.returncode == 0, err
        asked = len(server.requests)
        books = booked(backtests)
        (backtests.home / "state" / "state.db").unlink()
        here = backtests.score()
    (there,) = json.loads(out)["routings"]
    assert timeless(there) == timeless(here)
    lost = [row for row in books if row[1] == "lost"]
    assert 0 < len(lost) <= THREADS  # what was under way there
    assert all(cost and estimated for _, _, cost, estimated in lost)
    assert asked - EVERYTHING < 2 * len(lost)  # what was paid for and told before is not asked again
    assert len(books) - len(lost) == EVERYTHING  # and in the books, like all that was asked afterwards


@pytest.mark.long(reason="a killed worker and an absent team store have tests of their own")
def test_a_worker_and_the_teams_database_are_killed_and_nothing_in_the_result_changes(
    backtests: Backtests, cluster: Cluster, postgres: PostgresServer, tmp_path: Path
) -> None:
    url = postgres.database()
    gate = Held(analyst(EVAL), after=2, most=2 * THREADS)
    cluster.add_workers(2 - len(cluster.workers))
    with ModelServer(gate) as server:
        serve(backtests, server.url)
        backtests.variables["RALPH_HOOKS_STORE"] = url
        running = backtests.start("--dask", cluster.address, "--format", "json")
        with gate.full():
            cluster.workers.pop().kill()
            postgres.stop()
        out, err = running.communicate()
        assert running.returncode == 0, err
        assert err.count("the team's store") == 1
        postgres.start()
        backtests.score()  # all of it is known; what waits is sent
        asked = len(server.requests)
        books = sorted(booked(backtests), key=str)
        backtests.home = tmp_path / "a colleague's"
        backtests.home.mkdir()
        serve(backtests, server.url)
        colleague = backtests.score()
        assert len(server.requests) == asked
        backtests.variables.pop("RALPH_HOOKS_STORE")
        (backtests.home / "state" / "state.db").unlink()
        alone = backtests.score()
    (there,) = json.loads(out)["routings"]
    assert timeless(there) == timeless(alone)
    assert (colleague["catch_rate"], colleague["false_block_rate"], colleague["cost_usd"]) == (*rates(alone), 0)
    shared = "SELECT phase, outcome, cost::float / 1e12, estimated FROM calls WHERE remembered = 0"
    assert sorted(postgres.execute(url, shared), key=str) == books


def rates(scored: dict[str, Any]) -> tuple[object, object]:
    return scored["catch_rate"], scored["false_block_rate"]


def test_an_address_without_a_scheduler_is_told_at_once(backtests: Backtests) -> None:
    backtests.serve("http://127.0.0.1:9/v1")
    told = backtests.run("--dask", "tcp://127.0.0.1:9", code=2).stderr
    assert "no Dask scheduler answers at tcp://127.0.0.1:9" in told
    assert "Traceback" not in told


def test_without_dask_the_command_that_installs_it_is_told(backtests: Backtests) -> None:
    hidden = backtests.home / "hidden"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text("import sys\nsys.modules['distributed'] = None\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, *backtests.command("--dask", "tcp://127.0.0.1:9")[1:]],
        cwd=backtests.repo.path,
        env={**backtests.env, "PYTHONPATH": f"{hidden}:{backtests.env['PYTHONPATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "pip install 'ralph-hooks[distributed]'" in done.stderr
