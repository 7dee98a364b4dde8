from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest

from ralph_hooks import __version__
from ralph_hooks.core.report import Cause, Report, Unreviewed, Verdict
from ralph_hooks.reports.sarif import render, uri
from tests.support.reports import check_finding, failing_tests, finding, full_report, remark, report

SCHEMA = Path(__file__).parents[2] / "../shared/data/sarif-schema-2.1.0.json"


def run_of(judged: Report) -> dict[str, Any]:
    document = json.loads(render(judged))
    assert document["version"] == "2.1.0"
    run: dict[str, Any] = document["runs"][0]
    return run


@pytest.mark.skipif(not SCHEMA.exists(), reason=f"the official schema is not there: {SCHEMA.name} beside the checkout")
@pytest.mark.parametrize(
    "judged",
    [
        full_report(),
        report(),
        report(Verdict.INCONCLUSIVE, reason=""),
        report(Verdict.FAIL, findings=(finding(path="\x1b/\udcff:\n%.py", message="", line=0, quote="\udcff"),)),
    ],
)
def test_it_is_valid_against_the_official_schema(judged: Report) -> None:
    import jsonschema  # type: ignore[import-untyped]  # ships no types, and one test is not worth a stub package

    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    validator = jsonschema.validators.validator_for(schema)
    found = validator(schema, format_checker=validator.FORMAT_CHECKER).iter_errors(json.loads(render(judged)))
    assert [error.message for error in found] == []


def test_a_result() -> None:
    run = run_of(report(Verdict.FAIL, findings=(finding(end_line=42),)))
    assert run["results"] == [
        {
            "ruleId": "bug",
            "level": "error",
            "rank": 92.0,
            "message": {"text": "The last item is never added to the total."},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": "shop/cart.py", "uriBaseId": "%SRCROOT%"},
                        "region": {
                            "startLine": 41,
                            "endLine": 42,
                            "snippet": {"text": "for item in items[:-1]:"},
                        },
                    }
                }
            ],
            "partialFingerprints": {"ralphHooks/v2": finding().fingerprint},
            "properties": {
                "blocking": True,
                "confidence": 0.92,
                "confirmed": True,
                "evidence": "check",
                "proof": None,
                "removed": False,
                "source": "openrouter/deepseek/deepseek-v4-flash",
                "id": finding().id,
            },
        }
    ]


def test_every_rule_is_declared_once() -> None:
    run = run_of(
        report(Verdict.FAIL, findings=(finding(), finding(), check_finding()), verification=(failing_tests(),))
    )
    driver = run["tool"]["driver"]
    assert (driver["name"], driver["version"]) == ("ralph-hooks", __version__)
    assert [rule["id"] for rule in driver["rules"]] == ["bug", "F821", "verify-command"]


def test_a_refuted_finding_is_no_result() -> None:
    run = run_of(report(findings=(remark(), remark(confirmed=False, category="refuted"))))
    assert [item["ruleId"] for item in run["results"]] == ["bug"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["bug"]


def test_a_failing_command_is_a_result_with_a_location() -> None:
    """GitHub refuses a whole file for one result without a location."""
    result = run_of(report(Verdict.FAIL, verification=(failing_tests(),)))["results"][0]
    assert result["message"]["text"].splitlines()[:2] == [
        "pytest -q --junit-xml={junit} failed (exit 1, 12.3 s)",
        "new failure: tests/test_cart.py::test_total",
    ]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "pyproject.toml"


def test_a_line_of_removed_code_is_not_given_as_a_line_of_the_file() -> None:
    result = run_of(report(findings=(remark(removed=True),)))["results"][0]
    assert result["locations"][0]["physicalLocation"]["region"] == {"startLine": 1}
    assert "line 41 of the base" in result["message"]["text"]


def test_a_run_that_could_not_judge_is_not_successful_and_says_why() -> None:
    unjudged = report(
        Verdict.INCONCLUSIVE,
        reason="connection refused",
        unreviewed=(
            Unreviewed("a.py", "connection refused", Cause.UNAVAILABLE),
            Unreviewed("uv.lock", "lock file", Cause.EXCLUDED),
        ),
        notices=("let through",),
    )
    invocation = run_of(unjudged)["invocations"][0]
    told = [(item["level"], item["message"]["text"]) for item in invocation["toolExecutionNotifications"]]
    assert (invocation["executionSuccessful"], invocation["exitCode"]) == (False, 3)
    assert told == [
        ("error", "connection refused"),
        ("warning", "let through"),
        ("error", "not reviewed by a model: connection refused"),
        ("note", "not reviewed by a model: lock file"),
    ]


def test_a_rejected_change_is_a_successful_run() -> None:
    assert run_of(report(Verdict.FAIL, findings=(finding(),)))["invocations"][0]["executionSuccessful"] is True


@pytest.mark.parametrize(
    "name", [b"a b.py", b"c:d.py", b"100%.py", b"caf\xe9.py", b"\xff\xfe", "値段.py".encode(), b"a\nb#?.py", b"-x/y.py"]
)
def test_a_uri_holds_the_bytes_of_the_name(name: bytes) -> None:
    encoded = uri(name.decode("utf-8", "surrogateescape"))
    assert encoded.isascii()
    assert not set(encoded) & set(" :#?\n")
    assert unquote_to_bytes(encoded) == name
