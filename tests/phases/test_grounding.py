"""Findings are about code that was shown."""

from __future__ import annotations

import pytest

from ralph_hooks.core.finding import Severity
from ralph_hooks.core.model_errors import Unreadable
from tests.support.analyzed import item, part, read


@pytest.mark.parametrize(
    ("quote", "line", "expected"),
    [
        ("log(amount)", 2, (2, 2, False)),
        ("log(amount)", 5, (5, 5, False)),  # the nearest of several
        ("log(amount)", 99, (5, 5, False)),
        ("  log(amount)  ", 2, (2, 2, False)),
        ("check(amount)", 2, (2, 2, True)),
        ("return book(amount)", 3, (3, 3, False)),  # on both sides: what is there counts first
        ("+2     log(amount)", 2, (2, 2, False)),  # with what stood before the line
        ("+ log(amount)", 2, (2, 2, False)),
        ("log(amount)\n    return book(amount)", 2, (2, 3, False)),
        ("+2     log(amount)\n+3     return book(amount)", 2, (2, 3, False)),
        ("check(amount)\nreturn book(amount)", 2, (2, 3, True)),
        ("def pay(amount):\n    log(amount)", 1, (1, 2, False)),
        ("def pay(amount):", 1, (1, 1, False)),  # context is in the change too
        ("return book(amount)\n\n    log(amount)", 3, (3, 5, False)),  # blank lines do not count
    ],
)
def test_a_quote_is_found_where_it_stands(quote: str, line: int, expected: tuple[int, int, bool]) -> None:
    [found] = read(item(quote=quote, line=line)).findings
    assert (found.line, found.end_line, found.removed) == expected


@pytest.mark.parametrize(
    ("inexact", "expected"),
    [
        ({"path": "PAY.py"}, {}),
        ({"path": "./pay.py"}, {}),
        ({"path": "b/pay.py"}, {}),
        ({"path": "`pay.py`"}, {}),
        ({"path": "src/pay.py"}, {}),
        ({"path": "pay.py:2:5"}, {}),
        ({"path": "src\\pay.py#L2-L3"}, {}),
        ({"severity": "CRITICAL"}, {}),
        ({"severity": "High"}, {}),
        ({"severity": "Warn"}, {"severity": Severity.WARNING}),
        ({"severity": "INFO"}, {"severity": Severity.NOTE}),
        ({"line": "2"}, {}),
        ({"line": "L2-L3"}, {}),
        ({"line": 2.0}, {}),
        ({"confidence": "90%"}, {}),
        ({"confidence": 90}, {}),
        ({"confidence": "0.9"}, {}),
        ({"confidence": "high"}, {}),
        ({"quote": "log( amount )"}, {}),
        ({"quote": "`log(amount)`"}, {}),
        ({"quote": "'log(amount)'"}, {}),
        ({"quote": "log(amount)\n    check(amount)"}, {}),  # of both sides: the first line counts
        ({"quote": "log(amounts)"}, {}),  # nearly the changed line that it names
    ],
    ids=str,
)
def test_an_inexact_copy_with_one_meaning_is_accepted(inexact: dict[str, object], expected: dict[str, object]) -> None:
    [found] = read(item(**inexact)).findings
    plain = {"path": "pay.py", "line": 2, "severity": Severity.ERROR, "confidence": 0.9, **expected}
    assert {name: getattr(found, name) for name in plain} == plain


def test_a_path_that_could_be_two_is_none() -> None:
    with pytest.raises(Unreadable):
        read(item(path="PAY.PY"), parts=(part("pay.py"), part("Pay.py")))


def test_a_path_is_the_one_that_was_shown() -> None:
    [found] = read(item(path="odd\\nname.py"), parts=(part("odd\nname.py"),)).findings
    assert found.path == "odd\nname.py"
