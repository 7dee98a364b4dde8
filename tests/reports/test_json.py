from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ralph_hooks.core.finding import Severity
from ralph_hooks.core.report import Action, Cause, Step, Verdict
from ralph_hooks.reports.json import render
from tests.support.reports import call, finding, full_report, report

PAGE = Path(__file__).parents[2] / "docs" / "report.md"
TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}
Tables = dict[str, dict[str, str]]


def documented() -> Tables:
    """Section -> field -> type, as the page says."""
    tables: Tables = {}
    section = ""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            section = line.removeprefix("## ")
        elif row := re.match(r"\| `(\w+)` \| (.+?) \| .+ \|$", line):
            tables.setdefault(section, {})[row[1]] = row[2]
    return tables


def wrong(value: Any, declared: str, where: str, tables: Tables) -> list[str]:  # noqa: ANN401 - any JSON value
    """What of ``value`` the page does not say, or says otherwise."""
    if declared.endswith(" or null"):
        return [] if value is None else wrong(value, declared.removesuffix(" or null"), where, tables)
    if declared.startswith("array of "):
        if not isinstance(value, list):
            return [f"{where}: no array"]
        item = declared.removeprefix("array of ")
        return [problem for one in value for problem in wrong(one, item, f"{where}[]", tables)]
    if declared.startswith("one of "):
        return [] if value in re.findall("`(.+?)`", declared) else [f"{where}: {value!r}"]
    if link := re.fullmatch(r"\[\w+\]\(#(\w+)\)", declared):
        return wrong_fields(value, link[1], where, tables)
    right = isinstance(value, TYPES[declared]) and (declared == "boolean" or not isinstance(value, bool))
    return [] if right else [f"{where}: {value!r} is no {declared}"]


def wrong_fields(value: Any, section: str, where: str, tables: Tables) -> list[str]:  # noqa: ANN401 - any JSON value
    if list(value) != list(tables[section]):
        return [f"{where}: {list(value)} instead of {list(tables[section])}"]
    return [
        problem
        for key, declared in tables[section].items()
        for problem in wrong(value[key], declared, f"{where}.{key}", tables)
    ]


@pytest.mark.parametrize("judged", [full_report(), report(), report(cost_usd=None), report(Verdict.INCONCLUSIVE)])
def test_every_field_is_documented_with_its_type_and_in_order(judged: Any) -> None:  # noqa: ANN401 - a Report
    assert wrong_fields(json.loads(render(judged)), "The report", "report", documented()) == []


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
