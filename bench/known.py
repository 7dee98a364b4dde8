"""The same commit again: no request, and hardly more than what it takes to start."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from bench.clock import in_turn, spend
from bench.figures import Figure
from bench.project import Project, project, stage_ten_files

PAIRS = 15


def measure() -> Iterator[Figure]:
    with project() as made:
        stage_ten_files(made)
        made.gate()
        before = len(made.server.requests)
        made.gate()
        yield Figure(what="requests", value=len(made.server.requests) - before, unit="requests", at_most=0)
        yield from _cpu(made, "CPU against `import click`", ())
        yield from _cpu(made, "the same, both with python -I", (sys.executable, "-I"))


def _cpu(made: Project, what: str, python: tuple[str, ...]) -> Iterator[Figure]:
    floor = [*(python or (sys.executable,)), "-c", "import click"]
    ratio, how = in_turn(
        lambda: made.gate(python=python).cpu,
        lambda: spend(floor, cwd=made.repo.path, env=made.env).cpu,
        pairs=PAIRS,
    )
    yield Figure(what=what, value=ratio, at_most=3, how=how)
