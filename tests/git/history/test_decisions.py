"""Changes that the gate has reviewed as labelled examples: fixed findings were right, dismissed ones wrong."""

from __future__ import annotations

import json

from tests.support.project import TWO_LINES, Project
from tests.support.server import Finds, analyst

SETTINGS = f'{TWO_LINES}[tool.ralph-hooks.gate]\nblock-on = "agreement"\n'
WRONG, RIGHT = "def run():\n    return eval(input())\n", "def run():\n    return int(input())\n"


def test_decisions_are_replayed_as_labelled_examples(project: Project) -> None:
    project.configure(SETTINGS)
    project.models(analyst(Finds("eval(", "Runs what the user typed.")))
    project.repo.stage({"fixed.py": WRONG})
    assert project.judge().code == 1
    project.repo.stage({"fixed.py": RIGHT})
    assert project.judge().code == 0
    project.repo.commit()
    project.repo.stage({"fine.py": "def fine():\n    return eval('1')\n"})
    (finding,) = project.judge().blocking
    assert project.run("dismiss", finding["fingerprint"], "--reason", "a constant").code == 0
    project.repo.stage()
    assert project.judge().code == 0
    project.repo.commit()
    project.repo.stage({"open.py": WRONG})
    assert project.judge().code == 1
    done = project.run("backtest", "--decisions", "--routing", "configured", "--routing", "checks", "--format", "json")
    assert done.code == 0, done.err
    models, checks = json.loads(done.out)["routings"]
    assert (models["bugs"], models["caught"], checks["caught"]) == (1, 1, 0)
    assert (models["clean"], models["false_blocks"], checks["false_blocks"]) == (2, 1, 0)
    assert "Left out: 1 reviewed change that is undecided" in done.err
    tuned = project.run("backtest", "--decisions", "--tune", "--false-blocks", "1")
    assert tuned.code == 0, tuned.err


def test_without_decisions_there_is_nothing_to_replay(project: Project) -> None:
    project.models(analyst())
    project.configure(SETTINGS)
    done = project.run("backtest", "--decisions")
    assert done.code == 2
    assert "no reviewed change of this repository has a decided outcome yet" in done.err
