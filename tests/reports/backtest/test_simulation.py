"""Simulated figures with their assumptions."""

from __future__ import annotations

import json

from tests.support.project import Project
from tests.support.server import analyst


def test_a_simulation_states_its_assumptions_and_sends_nothing(project: Project) -> None:
    server = project.models(analyst())
    done = project.run("backtest", "--simulate", "--assume", "changes=2000", "--assume", "catch=0.25")
    title, rows = done.out.split("\n\n")[:2]
    assert title.startswith("SIMULATION of 2,000 changes (seed 1)")
    assert "an analyze pass reports 25% of the bugs" in title
    assert [row.split()[:3] for row in rows.splitlines()[1:3]] == [
        ["1", "false", "agreement"],
        ["3", "false", "agreement"],
    ]
    told = json.loads(project.run("backtest", "--simulate", "--format", "json", "--assume", "changes=2000").out)
    assert (told["assumptions"]["changes"], len(told["settings"])) == (2000, 7)
    assert server.requests == []
