from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

import pytest

from ralph_hooks.core.finding import Severity
from ralph_hooks.core.report import Action, Cause, Step, Verdict
from ralph_hooks.reports.json import render
from tests.support.report_page import documented, wrong_report
from tests.support.reports import call, finding, full_report, report


@pytest.mark.parametrize("judged", [full_report(), report(), report(cost_usd=None), report(Verdict.INCONCLUSIVE)])
def test_every_field_is_documented_with_its_type_and_in_order(judged: Any) -> None:  # noqa: ANN401 - a Report
    assert wrong_report(json.loads(render(judged))) == []


@pytest.mark.parametrize(
    ("section", "field", "values"),
    [
        ("The report", "verdict", list(Verdict)),
        ("findings", "severity", list(Severity)),
        ("unreviewed", "cause", list(Cause)),
        ("verification", "verdict", list(Verdict)),
        ("refs", "action", list(Action)),
        ("rungs", "step", list(Step)),
    ],
)
def test_the_page_names_every_value_of_an_enumeration(section: str, field: str, values: list[str]) -> None:
    assert re.findall("`(.+?)`", documented()[section][field]) == [str(value) for value in values]


def test_the_contract() -> None:
    parsed = json.loads(render(full_report()))
    assert parsed["schema"] == 1
    assert parsed["verdict"] == "fail"
    assert parsed["findings"][0]["fingerprint"] == finding().fingerprint
    assert [item["confirmed"] for item in parsed["findings"]] == [True, None, None, False]
    assert parsed["fix"]["id"] == "f1a2"


def test_money_is_exact() -> None:
    text = render(report(calls=(call(cost_usd=Decimal("0.000000123456789012345678")),), cost_usd=Decimal("0.10")))
    parsed = json.loads(text, parse_float=Decimal)
    assert parsed["calls"][0]["cost_usd"] == Decimal("0.000000123456789012345678")
    assert '"cost_usd": 0.10,' in text
    assert parsed["baseline_cost_usd"] is None


def test_numbers_that_json_does_not_have_are_null() -> None:
    parsed = json.loads(render(report(cost_usd=Decimal("NaN"), seconds=float("nan"))))
    assert (parsed["cost_usd"], parsed["seconds"]) == (None, None)


def test_text_comes_back_as_it_was_but_the_output_is_ascii() -> None:
    message = "値段 😀 \x1b[31m \u202e \x7f \u2028 ::error::x\r\n"
    text = render(report(findings=(finding(message=message),)))
    assert text.isascii()
    assert "\x1b" not in text
    assert json.loads(text)["findings"][0]["message"] == message


def test_bytes_that_are_not_utf8_are_shown_escaped() -> None:
    path = b"caf\xe9/\xff.py".decode("utf-8", "surrogateescape")
    parsed = json.loads(render(report(findings=(finding(path=path),))))
    assert parsed["findings"][0]["path"] == r"caf\xe9/\xff.py"


def test_the_same_report_is_the_same_text() -> None:
    assert render(full_report()) == render(full_report())
