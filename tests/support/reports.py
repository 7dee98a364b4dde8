"""Reports to render: short builders, and one report in which every field holds something."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from ralph_hooks.core.dismissal import DismissalKind, Dismissed
from ralph_hooks.core.finding import Finding, Severity
from ralph_hooks.core.report import (
    Action,
    Cause,
    CheckedFile,
    FixSummary,
    JobSummary,
    PushedRef,
    RepairStep,
    Report,
    Step,
    Unreviewed,
    Verdict,
    Verification,
)
from ralph_hooks.core.usage import Call
from ralph_hooks.phases.problem import Problem
from ralph_hooks.reports.text import render

MODEL = "openrouter/deepseek/deepseek-v4-flash"
TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


def finding(**changes: object) -> Finding:
    fields: dict[str, Any] = {
        "path": "shop/cart.py",
        "line": 41,
        "end_line": 41,
        "category": "bug",
        "severity": Severity.ERROR,
        "confidence": 0.92,
        "message": "The last item is never added to the total.",
        "quote": "for item in items[:-1]:",
        "context": "    for item in items[:-1]:",
        "source": MODEL,
        "confirmed": True,
        "blocking": True,
    }
    return Finding(**fields | changes)


def remark(**changes: object) -> Finding:
    fields = {"severity": Severity.WARNING, "confirmed": None, "blocking": False, "confidence": 0.6}
    return finding(**fields | changes)


def check_finding(**changes: object) -> Finding:
    fields = {"source": "ruff", "category": "F821", "confidence": 1.0, "confirmed": None, "message": "Undefined `vat`"}
    return finding(**fields | changes)


def call(**changes: object) -> Call:
    fields: dict[str, Any] = {
        "phase": "analyze",
        "model": MODEL,
        "input_tokens": 1200,
        "cached_input_tokens": 300,
        "output_tokens": 80,
        "cost_usd": Decimal("0.0003"),
        "seconds": 1.1,
        "outcome": "ok",
    }
    return Call(**fields | changes)


def failing_tests(**changes: object) -> Verification:
    fields: dict[str, Any] = {
        "command": "pytest -q --junit-xml={junit}",
        "exit_code": 1,
        "seconds": 12.34,
        "new_failures": ("tests/test_cart.py::test_total",),
        "tail": "E       assert 3 == 4\n\n1 failed, 20 passed in 0.12s\n",
    }
    return Verification(**fields | changes)


def rungs() -> tuple[RepairStep, ...]:
    """A repair whose first try fails a test and is corrected."""
    return (
        RepairStep(step=Step.AUTOFIX, reason="free", outcome="ruff has no safe fix for F821", succeeded=False),
        RepairStep(
            step=Step.PLAN,
            reason="to send fewer tokens",
            outcome="2 files, 3 steps",
            succeeded=True,
            model=MODEL,
            cost_usd=Decimal("0.0001"),
        ),
        RepairStep(
            step=Step.IMPLEMENT,
            reason="attempt 1 of 2",
            outcome="2 edits in 1 file",
            succeeded=True,
            model="anthropic/claude-opus-4-5",
            cost_usd=None,
        ),
        RepairStep(step=Step.CHECK, reason="after implement", outcome="`pytest` fails", succeeded=False),
        RepairStep(step=Step.FIX, reason="round 1 of 2", outcome="1 edit in 1 file", succeeded=True, model=MODEL),
        RepairStep(step=Step.CHECK, reason="after fix", outcome="everything passes", succeeded=True),
    )


def report(verdict: Verdict = Verdict.PASS, **changes: object) -> Report:
    fields: dict[str, Any] = {
        "command": "gate",
        "verdict": verdict,
        "reason": "no blocking findings",
        "tree": TREE,
        "title": "staged change",
        "seconds": 1.84,
        "exit_code": {Verdict.PASS: 0, Verdict.FAIL: 1, Verdict.INCONCLUSIVE: 3}[verdict],
    }
    return Report(**fields | changes)


def full_report(**changes: object) -> Report:
    """Return a failing report with something in every field."""
    fields: dict[str, Any] = {
        "reason": "2 blocking findings and `pytest` fails",
        "findings": (
            finding(),
            check_finding(path="shop/price.py", line=7, end_line=8, quote="if net:\n        return net * vat"),
            remark(message="A confusing name.", removed=True),
            remark(severity=Severity.NOTE, confirmed=False, message="Not so."),
        ),
        "dismissed": (
            Dismissed(
                finding=finding(message="Known.", blocking=True),
                kind=DismissalKind.FALSE_ALARM,
                reason="the caller checks it",
                by="Ada <ada@example.com>",
                in_change=True,
            ),
        ),
        "unreviewed": tuple(Unreviewed(f"files/{cause}", f"because {cause}", cause) for cause in Cause),
        "checked": (CheckedFile("shop/cart.py", ("secrets", "ruff")), CheckedFile("shop/logo.png", ())),
        "verification": (
            failing_tests(known_failures=("tests/test_old.py::test_old",)),
            Verification(command="make lint", exit_code=0, seconds=0.5, from_store=True, ref="topic"),
            Verification(command="make docs", exit_code=None, seconds=0.1, problem="make: not found"),
        ),
        "calls": (call(), call(phase="verify", cost_usd=Decimal("0.0001")), call(cost_usd=None, from_store=True)),
        "cost_usd": Decimal("0.0004"),
        "baseline_usd": Decimal("0.0123"),
        "rungs": rungs(),
        "fix": FixSummary(id="f1a2", ref="refs/ralph/fixes/f1a2", files=2, insertions=10, deletions=3, verified=True),
        "job": JobSummary(state="finished", step="check", started=1.5, deadline=601.5, outcome="a fix is stored"),
        "refs": (
            PushedRef(
                ref="refs/heads/topic",
                local_ref="topic",
                action=Action.UPDATE,
                oid="1" * 40,
                tree=TREE,
                base="2" * 40,
                commits=3,
            ),
            PushedRef(ref="refs/heads/old", local_ref="(delete)", action=Action.DELETE, oid=""),
        ),
        "commits": 3,
        "new_commits": 1,
        "reviewed": 3,
        "paths": 9,
        "dropped": 1,
        "notices": ("1 file NOT reviewed by a model: the provider did not answer",),
    }
    return report(Verdict.FAIL, **fields | changes)


PROBLEM = Problem(findings=(finding(),), failures=(failing_tests(),))


def screen(report: Report, width: int = 80, *, everything: bool = False) -> str:
    return render(report, color=False, width=width, everything=everything)
