"""Verdicts of single commands and files."""

from __future__ import annotations

import pytest

from ralph_hooks.core.report import Cause, Verdict, Verification


@pytest.mark.parametrize(
    ("fields", "verdict", "to_repair"),
    [
        ({"exit_code": 0}, Verdict.PASS, False),
        ({"exit_code": 1}, Verdict.FAIL, True),
        ({"exit_code": 1, "known_failures": ("t::old",)}, Verdict.PASS, False),
        ({"exit_code": 1, "known_failures": ("t::old",), "new_failures": ("t::new",)}, Verdict.FAIL, True),
        ({"exit_code": 0, "missing_tests": ("t::gone",)}, Verdict.FAIL, True),
        ({"exit_code": 1, "fails_on_base": True}, Verdict.FAIL, False),
        ({"exit_code": None, "problem": "it cannot run"}, Verdict.INCONCLUSIVE, False),
    ],
)
def test_command_passes_only_without_new_failures(
    fields: dict[str, object], verdict: Verdict, *, to_repair: bool
) -> None:
    ran = Verification(command="pytest", seconds=1.0, **fields)  # type: ignore[arg-type] # fields of a Struct
    assert (ran.verdict, ran.to_repair) == (verdict, to_repair)


def test_files_without_a_review_are_told_from_files_that_need_none() -> None:
    assert {cause for cause in Cause if cause.unjudged} == {Cause.UNAVAILABLE, Cause.BUDGET, Cause.NO_KEY}
