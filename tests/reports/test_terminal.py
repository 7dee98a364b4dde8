"""Text is fitted to a terminal."""

from __future__ import annotations

import re

import pytest

from ralph_hooks.core.report import Verdict
from ralph_hooks.reports.terminal import columns
from tests.support.reports import failing_tests, finding, report, screen


def test_long_output_is_bounded() -> None:
    failures = tuple(f"test_{i}" for i in range(30))
    tail = "\n".join(f"line {i} {'x' * 300}" for i in range(400))
    many = tuple(finding(path=f"f{i}.py", message="word " * 20_000) for i in range(50))
    long = report(
        Verdict.FAIL, findings=many, verification=(failing_tests(new_failures=failures, tail=tail),), calls=()
    )
    text = screen(long)
    assert "line 399" in text
    assert "line 100 " not in text
    assert "20 more: ralph-hooks show" in text
    assert "30 more blocking findings: ralph-hooks show" in text
    assert len(text.splitlines()) < 500
    assert max(map(columns, text.splitlines())) <= 80


def marked(text: str) -> str:
    """What stands above the mark, cell by cell."""
    lines = text.splitlines()
    at = next(i for i, line in enumerate(lines) if re.fullmatch(r" +\| +\^+", line))
    begin, end = lines[at].index("^"), len(lines[at])
    cells = [char for char in lines[at - 1] for _ in range(columns(char))]
    return "".join(char for i, char in enumerate(cells[begin:end]) if i == 0 or columns(char) == 1 or i % 2 == 0)


@pytest.mark.parametrize(
    ("context", "quote", "seen"),
    [
        ("    total = a + b", "a + b", "a + b"),
        ("\t\ttotal = a + b", "a + b", "a + b"),
        ("値段 = a + b", "a + b", "a + b"),
        ("e\u0301te\u0301 = a + b", "a + b", "a + b"),
        ("x = '値段'", "値段", "値段"),
        ("x\x1b[31m = a + b", "a + b", "a + b"),
        ("a=1;" * 500 + "a + b" + ";c=2" * 500, "a + b", "a + b"),
        ("a + b" + ";c=2" * 500, "a + b", "a + b"),
        ("a=1;" * 500 + "a + b", "a + b", "a + b"),
        ("", "    a + b", "a + b"),
        ("password = '***'", "something else", "something else"),
    ],
)
@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_mark_is_under_the_quote(context: str, quote: str, seen: str, width: int) -> None:
    text = screen(report(Verdict.FAIL, findings=(finding(context=context, quote=quote),)), width)
    assert marked(text) == seen
    assert max(map(columns, text.splitlines())) <= width


def test_a_quote_that_is_too_long_is_cut_at_its_end() -> None:
    quote = "f(" + ", ".join(f"argument_{i}" for i in range(100)) + ")"
    text = screen(report(Verdict.FAIL, findings=(finding(context=f"    {quote}", quote=quote),)))
    assert "f(argument_0" in text
    assert max(map(columns, text.splitlines())) <= 80


def test_a_quote_of_many_lines_is_bounded_and_keeps_its_numbers() -> None:
    quote = "\n".join(f"line_{i}()" for i in range(12))
    text = screen(report(Verdict.FAIL, findings=(finding(quote=quote, context="", line=8, end_line=19),)))
    assert " 8 | line_0()\n" in text
    assert "13 | line_5()\n" in text
    assert "line_6" not in text
    assert "... 6 more" in text
