"""The bill: right, in every form, and a page that loads nothing."""

from __future__ import annotations

import csv
import json
import time
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ralph_hooks.core.route import Phase
from tests.support.bills import CHEAP, DAY, EXPENSIVE, Bills


@pytest.fixture
def bills(tmp_path: Path) -> Bills:
    return Bills(tmp_path)


def test_an_empty_ledger_says_so(bills: Bills) -> None:
    assert bills.cost() == "No model was called: nothing was spent.\n"


def test_the_table_has_every_phase_and_what_it_would_have_cost(bills: Bills) -> None:
    bills.article()
    text = bills.cost()
    for words in ("analyze", "implement", CHEAP, "$0.0396", "The same tokens on corp/big alone: $1.50; saved 97 %."):
        assert words in text
    assert "Budget per month: $0.0396 of $100.00 used" in text
    assert "\x1b" not in text


def test_json_has_exact_amounts_and_the_same_sums(bills: Bills) -> None:
    bills.article()
    document = json.loads(bills.cost("--format", "json"), parse_float=Decimal)
    assert document["totals"]["all"][0]["cost_usd"] == Decimal("0.0396")
    assert document["baseline"] == {"model": EXPENSIVE, "cost_usd": Decimal("1.5")}
    assert sum(each["cost_usd"] for each in document["totals"]["phase"]) == Decimal("0.0396")
    assert [each["per"] for each in document["budgets"]] == ["day", "month"]


def test_csv_has_a_row_for_each_total_and_no_formula(bills: Bills) -> None:
    bills.article()
    bills.spend(Phase.ANALYZE, 1_000, "0.10", name="=cmd|' /C calc'!A0")
    rows = list(csv.DictReader(bills.cost("--format", "csv").splitlines()))
    assert {row["group"] for row in rows} == {"all", "phase", "model", "repository", "hook", "day"}
    assert [row["name"] for row in rows if "cmd" in row["name"]] == ["'=cmd|' /C calc'!A0"]


def test_here_and_since_narrow_it_down(bills: Bills) -> None:
    bills.spend(Phase.ANALYZE, 1_000_000, "0.01")
    bills.spend(Phase.ANALYZE, 1_000_000, "0.02", name="other")
    bills.spend(Phase.ANALYZE, 1_000_000, "0.04", days_ago=40)

    def spent(*args: str) -> float:
        return float(json.loads(bills.cost("--format", "json", *args))["totals"]["all"][0]["cost_usd"])

    assert spent() == pytest.approx(0.07)
    assert spent("--here") == pytest.approx(0.05)
    since = time.strftime("%Y-%m-%d", time.localtime(time.time() - 10 * DAY))
    assert spent("--since", since) == pytest.approx(0.03)
    assert spent("--here", "--since", since) == pytest.approx(0.01)


class _Page(HTMLParser):
    """What a browser would fetch or run, and whether every element is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.open: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.fetched += [tag] if tag in {"script", "link", "img", "iframe"} else []
        self.fetched += [f"{name}={value}" for name, value in attrs if name in {"src", "href", "onload"}]
        if tag not in {"meta", "rect", "line"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        if tag not in {"rect", "line"}:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_the_page_is_whole_loads_nothing_and_runs_nothing(bills: Bills, tmp_path: Path) -> None:
    text = bills.page(tmp_path).read_text(encoding="utf-8")
    read = _Page()
    read.feed(text)
    assert read.fetched == []
    assert read.open == []
    assert "url(" not in text
    assert "\x1b" not in text
    words = " ".join(read.words)
    assert "Spend by day and phase" in words
    assert "Saved against the expensive model" in words
    assert "Where the tokens go" in words
    assert "<script>alert(1)</script>\\x1b[2J=cmd" in words
    assert text.count('role="img" aria-label="') == 3


def test_a_narrow_terminal_keeps_the_cost(bills: Bills) -> None:
    bills.article()
    text = bills.cost(columns=40)
    assert "$0.0396" in text
    assert max(map(len, text.splitlines())) <= 40
