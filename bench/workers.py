"""2,000 changes at 1 s of model latency on 1, 2, 4 and 8 workers, here and on a Dask cluster: how near to ideal."""

# A worker judges THREADS changes at once: with one, a run of one worker would take longer than half an hour. So one
# worker is `--workers 16` or a `dask worker --nthreads 16`, eight are 128 changes at once. CHANGES=200 makes it short.
# Client, workers, scheduler and model server share this machine: what one processor cannot do shows at eight workers.

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.backtests import ALL, User, numbered, rows
from bench.clock import Spent
from bench.figures import Figure, UnexpectedError
from bench.project import CHECKOUT
from tests.support.dask import Cluster
from tests.support.project import provider

CHANGES = int(os.environ.get("CHANGES", "2000"))
THREADS = 16
LATENCY = 1.0  # seconds
FLEETS = (1, 2, 4, 8)
_KEY = {"BENCH_KEY": "made-up"}
_CONFIGURATION = """
cheap = "scripted/small"
[prices."scripted/small"] # made up, in US dollars per million tokens
input = 0.10
output = 0.40
"""


def measure() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory(prefix="ralph-hooks-bench-") as name, _model() as url:
        user = User(Path(name), _CONFIGURATION + provider("scripted", url, key_name=next(iter(_KEY))), _KEY)
        here = {fleet: _backtest(user, "--workers", str(fleet * THREADS)) for fleet in FLEETS}
        yield from _curve("threads of one process", here, bound=1.25)
        yield from _curve("a Dask cluster", {fleet: _there(user, fleet) for fleet in FLEETS}, bound=1.5)


def _curve(where: str, runs: dict[int, Spent], bound: float) -> Iterator[Figure]:
    """Up to four workers there is a target; at eight the machine is the limit, and the figure is for comparison."""
    first = runs[FLEETS[0]].wall
    alone = CHANGES * LATENCY / THREADS
    yield Figure(
        what=f"{where}, 1 worker: time against the latency alone",
        value=first / alone,
        at_most=bound,
        how=f"{first:.1f} s, {CHANGES:,} changes, {THREADS} at once; ideal {alone:.1f} s; "
        f"CPU of the client {runs[1].cpu / CHANGES * 1000:.1f} ms a change",
    )
    for fleet in FLEETS[1:]:
        run = runs[fleet]
        yield Figure(
            what=f"{where}, {fleet} workers: time against 1 worker / {fleet}",
            value=run.wall * fleet / first,
            at_most=bound if fleet < FLEETS[-1] else None,
            how=f"{run.wall:.1f} s, speed-up {first / run.wall:.1f}; "
            f"CPU of the client {run.cpu / CHANGES * 1000:.1f} ms a change",
        )


def _there(user: User, fleet: int) -> Spent:
    with Cluster(_KEY, threads=THREADS) as cluster:
        cluster.add_workers(fleet)
        return _backtest(user, "--dask", cluster.address)


def _backtest(user: User, *args: str) -> Spent:
    scored, spent = user.backtest(numbered(rows(*ALL), CHANGES), *args)
    if scored["changes"] != CHANGES or scored["unjudged"]:
        raise UnexpectedError(f"{scored['unjudged']} of {scored['changes']} changes were not judged")
    return spent


@contextmanager
def _model() -> Iterator[str]:
    """A model server in a process of its own, which finds nothing and takes its time."""
    command = [sys.executable, "-m", "tests.support.server", "--latency", str(LATENCY)]
    server = subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
    finally:
        server.terminate()
        server.communicate()
