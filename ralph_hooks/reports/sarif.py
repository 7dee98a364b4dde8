"""The report as SARIF 2.1.0, for code scanning services and editors.

Format: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html. GitHub refuses a result without a location
and wants a start line in each, so what has no line of its own points at line 1.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from ralph_hooks import __version__
from ralph_hooks.core.dismissal import Dismissed
from ralph_hooks.core.finding import Finding
from ralph_hooks.core.own_settings import CONFIGURATION
from ralph_hooks.core.proof import Proof
from ralph_hooks.core.report import Report, Unreviewed, Verdict, Verification
from ralph_hooks.core.text import one_line, visible
from ralph_hooks.reports import wording
from ralph_hooks.reports.json import dumps

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_FINGERPRINT = "ralphHooks/v2"
_COMMAND_RULE = "verify-command"
_MAX_MESSAGE = 8000  # characters


def render(report: Report) -> str:
    """Return one run. Findings that the verify phase contradicted are not results."""
    findings = (*wording.blockers(report), *wording.advice(report))
    failed = wording.commands(report, Verdict.FAIL)
    named = (*findings, *(item.finding for item in report.dismissed))
    rules = [*dict.fromkeys(visible(finding.category) for finding in named), *([_COMMAND_RULE] if failed else [])]
    run = {
        "tool": {"driver": {"name": "ralph-hooks", "version": __version__, "rules": [_rule(rule) for rule in rules]}},
        "columnKind": "unicodeCodePoints",
        "invocations": [_invocation(report)],
        "results": [
            *(_finding(item) for item in findings),
            *(_suppressed(item) for item in report.dismissed),
            *(_command(item) for item in failed),
        ],
    }
    return dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]})


def _rule(rule: str) -> dict[str, Any]:
    text = "A verify command of the project failed" if rule == _COMMAND_RULE else f"ralph-hooks: {rule}"
    return {"id": rule, "shortDescription": {"text": text}}


def _finding(item: Finding) -> dict[str, Any]:
    message = visible(item.message).strip() or one_line(item.category)
    if item.removed:
        message += f" (in removed code, line {item.line} of the base)"
    return {
        "ruleId": visible(item.category),
        "level": item.severity.value,
        "rank": round(100 * min(1.0, max(0.0, item.confidence)), 2),
        "message": {"text": message},
        "locations": [_location(item.path, _region(item))],
        "partialFingerprints": {_FINGERPRINT: item.fingerprint},
        "properties": {
            "blocking": item.blocking,
            "confidence": item.confidence,
            "confirmed": item.confirmed,
            "evidence": item.evidence.value,
            "proof": None if item.proof is None else _proof(item.proof),
            "removed": item.removed,
            "source": visible(item.source),
            "id": item.id,
        },
    }


def _proof(item: Proof) -> dict[str, str]:
    return {
        "command": visible(item.command),
        "path": visible(item.path),
        "test": visible(item.test),
        "onChange": visible(item.on_change),
        "onBase": visible(item.on_base),
        "reason": visible(item.reason),
    }


def _suppressed(item: Dismissed) -> dict[str, Any]:
    """Return a result that code scanning services close instead of showing it (SARIF 2.1.0, section 3.27.23)."""
    result = _finding(item.finding)
    result["properties"]["blocking"] = False
    suppression = {
        "kind": "external",
        "status": "accepted",
        "justification": visible(item.reason),
        "properties": {"kind": item.kind.value, "by": visible(item.by), "inChange": item.in_change},
    }
    return result | {"suppressions": [suppression]}


def _region(item: Finding) -> dict[str, Any]:
    if item.removed:
        return {"startLine": 1}
    start = max(1, item.line)
    region: dict[str, Any] = {"startLine": start, "endLine": max(start, item.end_line)}
    if item.quote:
        region["snippet"] = {"text": visible(item.quote)}
    return region


def _command(item: Verification) -> dict[str, Any]:
    lines = [f"{one_line(item.command)} failed ({wording.outcome(item)})"]
    lines += [f"new failure: {one_line(name)}" for name in item.new_failures]
    lines += [f"no longer runs: {one_line(name)}" for name in item.missing_tests]
    lines += [one_line(line) for line in wording.tail_lines(item.tail)]
    return {
        "ruleId": _COMMAND_RULE,
        "level": "error",
        "message": {"text": wording.clip("\n".join(lines), _MAX_MESSAGE)},
        "locations": [_location(CONFIGURATION, {"startLine": 1})],
    }


def _location(path: str, region: dict[str, Any]) -> dict[str, Any]:
    return {"physicalLocation": {"artifactLocation": _artifact(path), "region": region}}


def _artifact(path: str) -> dict[str, Any]:
    return {"uri": uri(path), "uriBaseId": "%SRCROOT%"}


def uri(path: str) -> str:
    """Return a relative URI reference for ``path``; each byte that a URI may not hold is percent-encoded."""
    return quote(b"".join(_bytes(char) for char in path), safe="/")


def _bytes(char: str) -> bytes:
    """Return the bytes of one character of a file name; bytes that are not UTF-8 are decoded as surrogates."""
    return char.encode("utf-8", "surrogateescape" if "\udc80" <= char <= "\udcff" else "surrogatepass")


def _invocation(report: Report) -> dict[str, Any]:
    notes = [_notification("warning", visible(notice)) for notice in report.notices]
    if report.verdict is Verdict.INCONCLUSIVE:
        notes.insert(0, _notification("error", visible(report.reason)))
    notes += [_unreviewed(item) for item in report.unreviewed]
    for item in wording.commands(report, Verdict.INCONCLUSIVE):
        text = f"{one_line(item.command)} could not run: {wording.outcome(item)}"
        notes.append(_notification("error", text))
    return {
        "executionSuccessful": report.verdict is not Verdict.INCONCLUSIVE,
        "exitCode": report.exit_code,
        "toolExecutionNotifications": notes,
    }


def _unreviewed(item: Unreviewed) -> dict[str, Any]:
    level = "error" if item.cause.unjudged else "note"
    note = _notification(level, f"not reviewed by a model: {visible(item.reason)}")
    return note | {"locations": [{"physicalLocation": {"artifactLocation": _artifact(item.path)}}]}


def _notification(level: str, text: str) -> dict[str, Any]:
    return {"level": level, "message": {"text": text or "no reason given"}}
