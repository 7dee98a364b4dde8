"""A Dask cluster judges as this machine does, pays no more, and gets to see neither keys nor secrets."""

from __future__ import annotations

import json
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support.asking import KEY, KEY_NAME
from tests.support.backtests import BUGS, CLEAN, EVAL, Backtests, Held, record
from tests.support.clusters import serve
from tests.support.credentials import SERVICES
from tests.support.dask import THREADS, Cluster, Wire
from tests.support.matrix import MORE
from tests.support.postgres import PostgresServer
from tests.support.server import ModelServer, analyst

pytest.importorskip("distributed", reason="the `distributed` extra is not installed")

EVERYTHING = BUGS + CLEAN + BUGS
"""Requests for all examples: one for each, and a confirmation for each bug."""
SECRET = SERVICES["GitHub"](random.Random(8))


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster({KEY_NAME: KEY}) as made:
        made.add_workers(2)
        yield made


@pytest.fixture
def backtests(tmp_path: Path) -> Backtests:
    made = Backtests(tmp_path)
    made.variables = {KEY_NAME: KEY}
    return made


def timeless(scored: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in scored.items() if not name.startswith("seconds")}


def booked(backtests: Backtests) -> list[tuple[str, str, float | None, int]]:
    """Phase, outcome, US dollars and whether that is the worst case, of every call."""
    with closing(sqlite3.connect(backtests.home / "state" / "state.db")) as database:
        return database.execute(
            "SELECT phase, outcome, cost / 1e12, estimated FROM calls WHERE remembered = 0"
        ).fetchall()


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
def test_a_cap_is_not_overshot_however_many_workers_there_are(backtests: Backtests, cluster: Cluster) -> None:
    with ModelServer(analyst(EVAL)) as server:
        serve(backtests, server.url)
        stopped = backtests.run("--cap", "0.012", "--dask", cluster.address, code=3)
        assert "the spend cap was reached" in stopped.stderr
        assert 0 < len(server.requests) < EVERYTHING
        assert sum(cost or 0 for _, _, cost, _ in booked(backtests)) <= 0.012
        assert backtests.score("--cap", "1")["caught"] == BUGS
        assert len(server.requests) == EVERYTHING


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
