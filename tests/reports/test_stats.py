"""The gate's record, as text, JSON and a page."""

from __future__ import annotations

import json
from decimal import Decimal

from ralph_hooks.core.stats import FindingLabel, FindingOutcome, Judgement, Statistics, statistics
from ralph_hooks.reports import stats


def counted() -> Statistics:
    label = FindingLabel(
        at=0.0, change="1", source="a/<b>", category="bug\x1b[31m", evidence="agreed", blocking=True,
        outcome=FindingOutcome.FIXED,
    )  # fmt: skip
    run = Judgement(at=0.0, change="1", held_back=True, cost_usd=Decimal("0.5"))
    return statistics([label], [run], month=lambda _: "2026-11", scope="shop")


def test_text_has_the_figures_and_drives_no_terminal() -> None:
    text = stats.text(counted(), color=False, width=120)
    assert text.startswith("1 change reviewed (shop), 1 blocked.")
    assert "a/<b>" in text
    assert "\x1b" not in text


def test_json_has_the_same_figures() -> None:
    document = json.loads(stats.to_json(counted()))
    assert (document["changes"], document["held_back"]) == (1, 1)


def test_names_in_the_page_are_text() -> None:
    page = stats.page(counted())
    assert "a/&lt;b&gt;" in page
    assert "a/<b>" not in page
