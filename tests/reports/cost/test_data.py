"""Costs for programs."""

from __future__ import annotations

import csv
import json
from decimal import Decimal
from pathlib import Path

import pytest

from ralph_hooks.core.route import Phase
from tests.support.bills import EXPENSIVE, Bills


@pytest.fixture
def bills(tmp_path: Path) -> Bills:
    return Bills(tmp_path)


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
