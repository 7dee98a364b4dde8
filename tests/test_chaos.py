"""A short part of `make chaos`, with a seed of its own."""

from __future__ import annotations

from typing import Any

import pytest

from bench import chaos


def test_no_mix_of_faults_makes_a_pass_of_a_bug() -> None:
    said: list[str] = []
    assert chaos.storm(runs=12, seed=7, at_once=2, say=said.append) == []
    assert "must never happen  0" in said


@pytest.mark.parametrize(
    ("code", "changes", "errors", "buggy", "told"),
    [
        (0, {}, "", True, "a change with a bug passed"),
        (1, {"verdict": "fail"}, "", False, "a clean change was blocked"),
        (0, {"verdict": "fail"}, "", True, "exit 0 with verdict fail"),
        (0, {"verdict": "inconclusive"}, "", True, "exit 0 with verdict inconclusive"),
        (0, {"seconds": 9.0}, "", False, "it took 9.0 s"),
        (0, {"reason": ""}, "", False, "no reason was given"),
        (0, {}, "Traceback (most recent call last)\nKeyError", False, "it broke: KeyError"),
        (3, None, "ralph-hooks: internal error (KeyError)", False, "it broke"),
        (2, None, "ralph-hooks: no", False, "exit 2 with verdict None"),
    ],
)
def test_what_must_never_happen_would_be_told(
    code: int, changes: dict[str, Any] | None, errors: str, told: str, *, buggy: bool
) -> None:
    """The tool itself: what it must not overlook."""
    report = {} if changes is None else {"verdict": "pass", "reason": "So.", "seconds": 1.0, **changes}
    assert told in "; ".join(chaos.wrong_with(code, report, errors, "closed", buggy=buggy))


def test_what_may_happen_is_not() -> None:
    report = {"verdict": "pass", "reason": "So.", "seconds": 5.5}
    assert list(chaos.wrong_with(0, report, "", "closed", buggy=False)) == []
    for code in (130, -9):
        assert list(chaos.wrong_with(code, {}, "ralph-hooks: interrupted", "open", buggy=True)) == []
