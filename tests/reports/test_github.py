from __future__ import annotations

import re

import msgspec
import pytest

from ralph_hooks.core.finding import Finding, Severity
from ralph_hooks.core.report import Cause, Report, Unreviewed, Verdict
from ralph_hooks.reports.github import render
from tests.support.reports import call, check_finding, failing_tests, finding, full_report, remark, report

PROPERTY = {"%0D": "\r", "%0A": "\n", "%3A": ":", "%2C": ",", "%25": "%"}
DATA = {"%0D": "\r", "%0A": "\n", "%25": "%"}


def unescape(text: str, mapping: dict[str, str]) -> str:
    for escaped, char in mapping.items():  # one after the other with % last, as the runner does it
        text = text.replace(escaped, char)
    return text


def commands(text: str) -> list[tuple[str, dict[str, str], str]]:
    """What the runner takes from the output: names, properties and messages of commands."""
    found = []
    for line in text.splitlines():
        if line.lstrip().startswith("::"):
            info, _, data = line.lstrip()[2:].partition("::")
            name, _, listed = info.partition(" ")
            pairs = (pair.split("=", 1) for pair in listed.split(",") if pair)
            found.append((name, {k: unescape(v, PROPERTY) for k, v in pairs}, unescape(data, DATA)))
        else:
            assert "##[" not in line
    return found


def test_a_blocking_finding_is_an_error_on_its_line() -> None:
    text = render(
        report(Verdict.FAIL, findings=(check_finding(path="a,b:c%.py", end_line=42, message="50% off: a,b"),))
    )
    assert text == (
        "::error file=a%2Cb%3Ac%25.py,line=41,endLine=42,title=ralph-hooks%3A error F821::"
        "50%25 off: a,b (ruff, id 70d1da4e)\n"
        "ralph-hooks: if a finding is wrong, dismiss it by its id: "
        "ralph-hooks dismiss 70d1da4e --reason 'why it is wrong'\n"
        "ralph-hooks: no requests, 1.8 s\n"
        "ralph-hooks: FAIL: staged change: 1 blocking finding\n"
    )


@pytest.mark.parametrize(
    ("shown", "level"),
    [
        (finding(severity=Severity.WARNING), "error"),
        (remark(severity=Severity.ERROR), "warning"),
        (remark(), "warning"),
        (remark(severity=Severity.NOTE), "notice"),
    ],
)
def test_levels(shown: Finding, level: str) -> None:
    assert commands(render(report(Verdict.FAIL, findings=(shown,))))[0][0] == level


def test_a_failing_command_is_an_error_with_its_output_in_a_group() -> None:
    text = render(report(Verdict.FAIL, verification=(failing_tests(command="make test"),)))
    assert text == (
        "::error title=ralph-hooks%3A verify::make test failed (exit 1, 12.3 s)"
        "%0Anew failure: tests/test_cart.py::test_total\n"
        "::group::output of make test\n"
        "| E       assert 3 == 4\n"
        "|\n"
        "| 1 failed, 20 passed in 0.12s\n"
        "::endgroup::\n"
        "ralph-hooks: no requests, 1.8 s\n"
        "ralph-hooks: FAIL: staged change: 1 failing command\n"
    )


def test_a_pass_lists_what_was_not_reviewed_and_ends_with_one_line() -> None:
    passed = report(
        reviewed=1,
        calls=(call(),),
        unreviewed=(Unreviewed("uv.lock", "lock file", Cause.EXCLUDED),),
        notices=("Mind!",),
    )
    assert render(passed) == (
        "::warning title=ralph-hooks::Mind!\n"
        "::group::1 file not reviewed by a model: lock file\n"
        "| uv.lock: lock file\n"
        "::endgroup::\n"
        "ralph-hooks: PASS: 1 file reviewed, 1 only checked (lock file), $0, 1 request, 1.8 s\n"
    )


def test_an_outage_is_a_warning() -> None:
    found = commands(render(report(Verdict.INCONCLUSIVE, reason="connection refused")))
    assert found == [("warning", {"title": "ralph-hooks"}, "NOT REVIEWED: connection refused")]


def test_removed_code_is_not_marked_on_a_line_of_the_new_file() -> None:
    _, properties, message = commands(render(report(findings=(remark(removed=True),))))[0]
    assert "line" not in properties
    assert "removed code" in message


HOSTILE = "x\n::add-mask::x\r\n  ::error::no\r##[add-mask]x%0A::stop-commands::x"


def hostile_report() -> Report:
    return full_report(
        title=HOSTILE,
        reason=HOSTILE,
        findings=(finding(path=HOSTILE, message=HOSTILE, category=HOSTILE, source=HOSTILE, quote=HOSTILE),),
        unreviewed=(Unreviewed(HOSTILE, HOSTILE, Cause.CONTENT),),
        verification=(failing_tests(command=HOSTILE, new_failures=(HOSTILE,), tail=HOSTILE),),
        notices=(HOSTILE,),
    )


@pytest.mark.parametrize("verdict", list(Verdict))
def test_no_text_from_elsewhere_becomes_a_command(verdict: Verdict) -> None:
    found = commands(render(msgspec.structs.replace(hostile_report(), verdict=verdict)))
    assert {name for name, _, _ in found} <= {"error", "warning", "group", "endgroup"}
    assert all(re.fullmatch("[a-zA-Z]+", key) for _, properties, _ in found for key in properties)


def test_a_message_arrives_as_it_was_but_for_carriage_returns() -> None:
    message = commands(render(hostile_report()))[0][2]
    assert message.startswith(HOSTILE.replace("\r", "\\x0d"))
