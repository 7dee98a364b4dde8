"""Costs as a table."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.bills import CHEAP, Bills


@pytest.fixture
def bills(tmp_path: Path) -> Bills:
    return Bills(tmp_path)


def test_the_table_has_every_phase_and_what_it_would_have_cost(bills: Bills) -> None:
    bills.article()
    text = bills.cost()
    for words in ("analyze", "implement", CHEAP, "$0.0396", "The same tokens on corp/big alone: $1.50; saved 97 %."):
        assert words in text
    assert "Budget per month: $0.0396 of $100.00 used" in text
    assert "\x1b" not in text


def test_a_narrow_terminal_keeps_the_cost(bills: Bills) -> None:
    bills.article()
    text = bills.cost(columns=40)
    assert "$0.0396" in text
    assert max(map(len, text.splitlines())) <= 40
