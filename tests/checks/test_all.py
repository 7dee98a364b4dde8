"""All checks."""

from __future__ import annotations

from ralph_hooks.checks.all import all_change_checks, all_checks, slow_checks


def test_secrets_are_scanned_first() -> None:
    names = [check.name for check in all_checks()]
    assert names[0] == "secrets"
    assert len(names) == len(set(names))
    assert {check.name for check in slow_checks()} < set(names)


def test_weakened_tests_are_left_out_where_the_user_says_so() -> None:
    assert len(all_change_checks("off")) == len(all_change_checks("note")) - 1
