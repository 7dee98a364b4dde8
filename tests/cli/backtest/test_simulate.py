"""Simulated backtests."""

from __future__ import annotations

import pytest

from tests.support.project import Project


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--simulate", "--assume", "catch=much"], "expected NAME=NUMBER"),
        (["--simulate", "--assume", "cach=0.1"], "the names are bugs, catch, false-alarm"),
        (["--simulate", "--assume", "catch=2"], "catch"),
        (["--simulate", "--estimate"], "--simulate reviews no change"),
        (["--assume", "catch=0.1", "--commits", "HEAD"], "--assume needs --simulate"),
    ],
)
def test_a_wrong_simulation_says_what_is_right(project: Project, options: list[str], words: str) -> None:
    done = project.run("backtest", *options)
    assert (done.code, words in done.err) == (2, True)
