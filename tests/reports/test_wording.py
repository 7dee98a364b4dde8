"""The words that every report uses."""

from __future__ import annotations

from decimal import Decimal

import pytest

from ralph_hooks.core.finding import Severity
from ralph_hooks.core.report import Verdict
from ralph_hooks.core.usage import Call
from tests.support.reports import call, check_finding, finding, remark, report, screen


def test_a_push_is_told_to_push_again() -> None:
    assert "commit and push again" in screen(report(Verdict.FAIL, command="pre-push", findings=(finding(),)))
    assert "commit and push again" in screen(report(Verdict.FAIL, command="gate", commits=2, findings=(finding(),)))


def test_a_secret_has_to_be_revoked() -> None:
    leaked = report(Verdict.FAIL, findings=(check_finding(category="secret", source="secrets"),))
    assert "revoke any secret" in screen(leaked)


@pytest.mark.parametrize(
    ("calls", "amount", "said"),
    [
        ((call(),), Decimal("0.00000002"), "<$0.0001, 1 request"),
        ((call(),), Decimal("1234.5"), "$1,234.50, 1 request"),
        ((call(),), Decimal(0), "$0, 1 request"),
        (
            (call(), call(cost_usd=None, model="a/b")),
            None,
            "cost unknown (no price for a/b), not counted in budgets, 2 requests",
        ),
        ((call(outcome="budget", cost_usd=Decimal(0)),), Decimal(0), "no requests"),
    ],
)
def test_the_last_line_is_what_the_run_cost(calls: tuple[Call, ...], amount: Decimal | None, said: str) -> None:
    failed = report(Verdict.FAIL, findings=(finding(),), calls=calls, cost_usd=amount)
    assert f"{said}, 1.8 s" in screen(failed).splitlines()


def test_severities_have_their_own_words() -> None:
    noted = report(Verdict.FAIL, findings=(finding(severity=Severity.WARNING, source="ruff"), remark()))
    assert "shop/cart.py:41: warning bug (ruff)" in screen(noted)
