"""The report as JSON: the stable contract for scripts; docs/report.md describes every field.

The output is plain ASCII, indented, in a fixed order of keys, and valid for strict parsers with any content.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import msgspec

from ralph_hooks.core.dismissal import Dismissed
from ralph_hooks.core.finding import Finding
from ralph_hooks.core.proof import Proof
from ralph_hooks.core.report import (
    SCHEMA,
    FixSummary,
    JobSummary,
    PushedRef,
    RepairStep,
    Report,
    Unreviewed,
    Verification,
)
from ralph_hooks.core.text import visible
from ralph_hooks.core.usage import Call

_NOT_ASCII = re.compile(r"[^\n\x20-\x7e]")  # in JSON text these occur only inside strings
_SURROGATE = re.compile("[\ud800-\udfff]+")


def render(report: Report) -> str:
    """Return the whole report; nothing is left out or cut."""
    return dumps(document(report))


def dumps(value: object) -> str:
    """Return ``value`` as ASCII JSON, indented by two spaces, with a final newline; decimals are exact numbers."""
    encoded = msgspec.json.Encoder(decimal_format="number").encode(_clean(value))
    text = msgspec.json.format(encoded, indent=2).decode()
    return _NOT_ASCII.sub(_unicode_escape, text) + "\n"


def _clean(value: object) -> object:
    """Return ``value`` in forms that JSON has: lone surrogates as in `core.text.visible`, NaN as null."""
    match value:
        case str():
            return _SURROGATE.sub(lambda match: visible(match.group()), value)
        case dict():
            return {key: _clean(item) for key, item in value.items()}
        case list() | tuple():
            return [_clean(item) for item in value]
        case Decimal() if not value.is_finite():
            return None
        case _:
            return value


def _unicode_escape(match: re.Match[str]) -> str:
    units = match.group().encode("utf-16-be")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


def document(report: Report) -> dict[str, Any]:
    """Return the report as plain values, in the order of docs/report.md."""
    return {
        "schema": SCHEMA,
        "command": report.command,
        "verdict": report.verdict.value,
        "reason": report.reason,
        "exit_code": report.exit_code,
        "title": report.title,
        "tree": report.tree,
        "refs": [_ref(item) for item in report.refs],
        "commits": report.commits,
        "new_commits": report.new_commits,
        "paths": report.paths,
        "reviewed": report.reviewed,
        "notices": report.notices,
        "findings": [_finding(item) for item in report.findings],
        "dismissed": [_dismissed(item) for item in report.dismissed],
        "unreviewed": [_unreviewed(item) for item in report.unreviewed],
        "checked": [{"path": item.path, "checks": item.checks} for item in report.checked],
        "verification": [_verification(item) for item in report.verification],
        "calls": [_call(item) for item in report.calls],
        "dropped": report.dropped,
        "cost_usd": report.cost_usd,
        "baseline_cost_usd": report.baseline_usd,
        "seconds": report.seconds,
        "rungs": [_rung(item) for item in report.rungs],
        "fix": None if report.fix is None else _fix(report.fix),
        "job": None if report.job is None else _job(report.job),
    }


def _finding(item: Finding) -> dict[str, Any]:
    return {
        "path": item.path,
        "line": item.line,
        "end_line": item.end_line,
        "category": item.category,
        "severity": item.severity.value,
        "confidence": item.confidence,
        "message": item.message,
        "quote": item.quote,
        "context": item.context,
        "source": item.source,
        "confirmed": item.confirmed,
        "evidence": item.evidence.value,
        "proof": None if item.proof is None else _proof(item.proof),
        "note": item.note,
        "blocking": item.blocking,
        "removed": item.removed,
        "fingerprint": item.fingerprint,
        "id": item.id,
    }


def _proof(item: Proof) -> dict[str, Any]:
    return {
        "command": item.command,
        "path": item.path,
        "test": item.test,
        "on_change": item.on_change,
        "on_base": item.on_base,
        "reason": item.reason,
        "asserts": item.asserts,
        "because": item.because,
    }


def _dismissed(item: Dismissed) -> dict[str, Any]:
    return {
        "fingerprint": item.finding.fingerprint,
        "id": item.finding.id,
        "path": item.finding.path,
        "line": item.finding.line,
        "category": item.finding.category,
        "source": item.finding.source,
        "reason": item.reason,
        "by": item.by,
        "kind": item.kind.value,
        "in_change": item.in_change,
    }


def _unreviewed(item: Unreviewed) -> dict[str, Any]:
    return {"path": item.path, "reason": item.reason, "cause": item.cause.value}


def _verification(item: Verification) -> dict[str, Any]:
    return {
        "command": item.command,
        "verdict": item.verdict.value,
        "exit_code": item.exit_code,
        "seconds": item.seconds,
        "new_failures": item.new_failures,
        "known_failures": item.known_failures,
        "missing_tests": item.missing_tests,
        "removed_tests": item.removed_tests,
        "fails_on_base": item.fails_on_base,
        "tail": item.tail,
        "problem": item.problem,
        "from_store": item.from_store,
        "ref": item.ref,
    }


def _call(item: Call) -> dict[str, Any]:
    return {
        "phase": item.phase,
        "model": item.model,
        "input_tokens": item.input_tokens,
        "cached_input_tokens": item.cached_input_tokens,
        "output_tokens": item.output_tokens,
        "cost_usd": item.cost_usd,
        "seconds": item.seconds,
        "outcome": item.outcome,
        "from_store": item.from_store,
        "estimated": item.estimated,
    }


def _ref(item: PushedRef) -> dict[str, Any]:
    return {
        "ref": item.ref,
        "local_ref": item.local_ref,
        "action": item.action.value,
        "oid": item.oid,
        "tree": item.tree,
        "base": item.base,
        "commits": item.commits,
        "verdict": item.verdict.value if item.verdict else None,
    }


def _rung(item: RepairStep) -> dict[str, Any]:
    return {
        "step": item.step.value,
        "reason": item.reason,
        "outcome": item.outcome,
        "succeeded": item.succeeded,
        "model": item.model,
        "cost_usd": item.cost_usd,
    }


def _fix(item: FixSummary) -> dict[str, Any]:
    return {
        "id": item.id,
        "ref": item.ref,
        "files": item.files,
        "insertions": item.insertions,
        "deletions": item.deletions,
        "verified": item.verified,
        "reproduced": item.reproduced,
    }


def _job(item: JobSummary) -> dict[str, Any]:
    return {
        "state": item.state,
        "step": item.step,
        "started": item.started,
        "deadline": item.deadline,
        "outcome": item.outcome,
    }
