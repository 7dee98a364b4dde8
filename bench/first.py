"""A clean commit for the first time: as few rounds of requests as `gate.parallel` allows, and little besides."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from math import ceil

from bench.clock import in_turn, spend
from bench.figures import Figure
from bench.project import Project, own_modules, project, stage_ten_files
from ralph_hooks.config import GateSettings
from ralph_hooks.core.text import plural

PAIRS = 15
LATENCY = 2.0  # seconds
MANY = 60
RUNS = 5


def measure() -> Iterator[Figure]:
    with project() as made:
        stage_ten_files(made)
        ratio, how = in_turn(
            lambda: made.judge_anew().cpu,
            lambda: spend([sys.executable, "-c", "import click"], cwd=made.repo.path, env=made.env).cpu,
            pairs=PAIRS,
        )
        yield Figure(what="CPU against `import click`", value=ratio, at_most=5.5, how=how)
    with project(latency=LATENCY) as made:
        stage_ten_files(made)
        yield _trip(made, "10 files")
    with project(latency=LATENCY) as made:
        made.repo.stage(own_modules(MANY))
        yield _trip(made, f"{MANY} new files")


def _trip(made: Project, what: str) -> Figure:
    walls = [made.judge_anew().wall for _ in range(RUNS)]
    requests = len(made.server.requests) // RUNS
    rounds = ceil(requests / GateSettings().parallel)
    wall = min(walls)  # on the clock, whatever else goes on can only add to it
    return Figure(
        what=f"wall against the model's latency, a round, {what}",
        value=wall / LATENCY / rounds,
        at_most=1.2,
        how=f"{wall:.2f} s / {LATENCY:.2f} s, {plural(requests, 'request')}, {plural(rounds, 'round')}, best of {RUNS}",
    )
