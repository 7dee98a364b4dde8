"""What plan, implement and fix are asked, and how their answers are read."""

from __future__ import annotations

from ralph_hooks.phases.problem import Problem, described, tail, task
from tests.support.reports import PROBLEM, finding


def test_an_instruction_is_told_with_the_problems() -> None:
    assert task(Problem(instruction="be brief")) == "TASK: The user asks: be brief"
    both = Problem(findings=(finding(),), instruction=" keep the names ")
    assert task(both) == "TASK: Mend 1 problem: P1. The user asks: keep the names"


def test_problems_are_numbered_and_have_their_place_code_and_output() -> None:
    one, two = described(PROBLEM)
    assert one.startswith("P1: shop/cart.py, line 41: The last item is never added to the total.\n  code: for item in ")
    assert two.startswith("P2: `pytest -q --junit-xml={junit}` ended with 1\n  fails: tests/test_cart.py::test_total\n")
    assert two.endswith("  | 1 failed, 20 passed in 0.12s")


def test_of_long_output_the_end_is_told_without_its_colours() -> None:
    lines = tail("".join(f"\x1b[31mline {number}\x1b[0m\n" for number in range(10_000)), 100)
    assert lines[0] == "[... the beginning is left out ...]"
    assert lines[-1] == "line 9999"
    assert 10 < len(lines) < 50
