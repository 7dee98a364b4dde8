"""The bill: right, in every form, and a page that loads nothing."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from ralph_hooks.core.route import Phase
from tests.support.bills import DAY, Bills


@pytest.fixture
def bills(tmp_path: Path) -> Bills:
    return Bills(tmp_path)


def test_an_empty_ledger_says_so(bills: Bills) -> None:
    assert bills.cost() == "No model was called: nothing was spent.\n"


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
