"""A clean commit for the first time: as few rounds of requests as `gate.parallel` allows, and little besides."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from math import ceil
from statistics import median

from bench.clock import in_turn, spend
from bench.commits import commits
from bench.figures import Figure
from bench.project import Project, own_modules, project, stage_ten_files
from ralph_hooks.config import GateSettings
from ralph_hooks.core.text import plural

PAIRS = 15
LATENCY = 2.0  # seconds
MANY = 60
RUNS = 5
COMMITS = 10


def measure() -> Iterator[Figure]:
    for tls in (False, True):
        with project(tls=tls) as made:
            stage_ten_files(made)
            ratio, how = _cpu(made, PAIRS)
            over = "over TLS" if tls else "over plain HTTP"
            yield Figure(what=f"CPU against `import click`, 10 files {over}", value=ratio, at_most=5.5, how=how)
        yield _click(tls=tls)
    with project(latency=LATENCY) as made:
        stage_ten_files(made)
        yield _trip(made, "10 files")
    with project(latency=LATENCY) as made:
        made.repo.stage(own_modules(MANY))
        yield _trip(made, f"{MANY} new files")


def _cpu(made: Project, pairs: int) -> tuple[float, str]:
    return in_turn(
        lambda: made.judge_anew().cpu,
        lambda: spend([sys.executable, "-c", "import click"], cwd=made.repo.path, env=made.env).cpu,
        pairs=pairs,
    )


def _click(*, tls: bool) -> Figure:
    """Return the median over the ten largest commits of click."""
    largest = sorted(commits(), key=lambda commit: -len(commit.diff))[:COMMITS]
    ratios = []
    for commit in largest:
        with project(tls=tls) as made:
            commit.stage(made.repo)
            ratios.append(_cpu(made, RUNS)[0])
    return Figure(
        what=f"the {COMMITS} largest commits of click {'over TLS' if tls else 'over plain HTTP'}",
        value=median(ratios),
        at_most=5.5,
        how=f"from {min(ratios):.2f} to {max(ratios):.2f}, median of {RUNS} pairs each",
    )


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
