"""A change of 500 files: as fast as the configured number of requests at once allows, in bounded memory."""

from __future__ import annotations

import math
from collections.abc import Iterator

from bench.clock import Spent
from bench.figures import Figure
from bench.project import Project, project
from ralph_hooks.config import GateSettings

FILES = 500
LATENCY = 1.0  # seconds
RUNS = 5
_FUNCTION = '''\
def f{number}(first, second):
    """Some words about what it does."""
    return first + second * {factor}


'''
_FUNCTIONS = 30


def measure() -> Iterator[Figure]:
    with project(latency=LATENCY) as made:
        made.repo.commit(_package(1))
        made.repo.stage(_package(1, factor=2))
        small = made.judge_anew()
    with project(latency=LATENCY) as made:
        made.repo.commit(_package(FILES))
        made.repo.stage(_package(FILES, factor=2))
        yield from _figures(made, small)


def _package(files: int, factor: int = 1) -> dict[str, str]:
    """Modules that no two of which are the same; every function of each depends on ``factor``."""
    return {
        f"package/part{index % 20}/m{index}.py": "".join(
            _FUNCTION.format(number=number + index, factor=factor * (number + 2)) for number in range(_FUNCTIONS)
        )
        for index in range(files)
    }


def _figures(made: Project, small: Spent) -> Iterator[Figure]:
    runs: list[tuple[Spent, int]] = []
    for _ in range(RUNS):
        before = len(made.server.requests)
        spent = made.judge_anew()
        runs.append((spent, len(made.server.requests) - before))
    spent, requests = min(runs, key=lambda run: run[0].wall)  # on the clock, whatever else goes on can only add to it
    rounds = math.ceil(requests / GateSettings().parallel)
    yield Figure(
        what="wall against the ideal makespan",
        value=spent.wall / (rounds * LATENCY),
        at_most=1.2,
        how=f"{spent.wall:.2f} s / {rounds} rounds of {LATENCY:.0f} s: {requests} requests, "
        f"{GateSettings().parallel} at once, best of {RUNS}",
    )
    yield Figure(
        what="peak memory against a change of one file",
        value=spent.peak / small.peak,
        at_most=3,
        how=f"{spent.peak:.0f} MiB / {small.peak:.0f} MiB",
    )
