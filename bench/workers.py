"""2,000 changes at 1 s of model latency on 1, 2, 4 and 8 workers, here and on a Dask cluster: how near to ideal."""

# A worker judges THREADS changes at once: with one, a run of one worker would take longer than half an hour. So one
# worker is `--workers 16` or a `dask worker --nthreads 16`, eight are 128 changes at once. CHANGES=200 makes it short.
# Client, workers, scheduler and model server share this machine: what one processor cannot do shows at eight workers.

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.clock import Spent, spend
from bench.figures import Figure, NotMeasured, UnexpectedError
from bench.project import CHECKOUT, PROGRAM
from ralph_hooks.git.examples import Record, read_records
from tests.support.dask import Cluster
from tests.support.project import environment, provider
from tests.support.repo import Repo

DATA = CHECKOUT.parent / "shared" / "data"
FILES = ("humanevalfix.jsonl", "quixbugs.jsonl", "szz_introducing_dev.jsonl.xz", "clean_commits.jsonl.xz")
CHANGES = int(os.environ.get("CHANGES", "2000"))
THREADS = 16
LATENCY = 1.0  # seconds
FLEETS = (1, 2, 4, 8)
_KEY_NAME = "BENCH_KEY"
_CONFIGURATION = """
cheap = "scripted/small"
[budget]
per-run = 1000
per-day = 10000
per-month = 10000
[prices."scripted/small"] # made up, in US dollars per million tokens
input = 0.10
output = 0.40
"""


def measure() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory(prefix="ralph-hooks-bench-") as name, _model() as url:
        folder = Path(name)
        data = folder / "changes.jsonl"
        data.write_text("".join(f"{json.dumps(row)}\n" for row in _changes()), encoding="utf-8")
        user = _User(folder, data, url)
        yield from _curve("threads of one process", {fleet: _here(user, fleet) for fleet in FLEETS}, bound=1.25)
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


class _User:
    """Somebody with changes to judge and a new state for each run."""

    def __init__(self, folder: Path, data: Path, url: str) -> None:
        self.folder = folder
        self.data = data
        self.settings = _CONFIGURATION + provider("scripted", url, key_name=_KEY_NAME)
        self.repo = Repo.create(folder / "project")
        self.repo.commit({"README.md": "A shop.\n"})
        self.runs = 0

    def backtest(self, *args: str) -> Spent:
        self.runs += 1
        home = self.folder / f"home-{self.runs}"
        home.mkdir()
        (home / "config.toml").write_text(self.settings, encoding="utf-8")
        command: list[str | Path] = [PROGRAM, "backtest", "--dataset", self.data, "--format", "json", *args]
        spent = spend(command, cwd=self.repo.path, env={**environment(self.folder, home), _KEY_NAME: "made-up"})
        if spent.code:
            raise UnexpectedError(f"backtest ended with {spent.code}: {spent.output[-500:]}")
        (scored,) = json.loads(spent.output[spent.output.index("{") :])["routings"]
        if scored["changes"] != CHANGES or scored["unjudged"]:
            raise UnexpectedError(f"{scored['unjudged']} of {scored['changes']} changes were not judged")
        return spent


def _here(user: _User, fleet: int) -> Spent:
    return user.backtest("--workers", str(fleet * THREADS))


def _there(user: _User, fleet: int) -> Spent:
    with Cluster({_KEY_NAME: "made-up"}, threads=THREADS) as cluster:
        cluster.add_workers(fleet)
        return user.backtest("--dask", cluster.address)


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


def _changes() -> Iterator[dict[str, Any]]:
    """Real changes, over and over, each time with another line before them, so that no content is known already."""
    records: list[Record] = []
    for file in FILES:
        if not (DATA / file).exists():
            raise NotMeasured(f"{DATA / file} is missing: labelled changes")
        records += read_records(DATA / file)
    for number in range(CHANGES):
        record = records[number * len(records) // CHANGES if len(records) > CHANGES else number % len(records)]
        yield {
            "id": f"{number}",
            "path": record.path,
            "label": record.label.value,
            "before": _numbered(number, record.before),
            "after": _numbered(number, record.after),
        }


def _numbered(number: int, text: str | None) -> str | None:
    return None if text is None else f"# {number}\n{text}"
