"""Runs on the change and on its base, compared."""

from __future__ import annotations

import pytest

from ralph_hooks.core.command import Command
from ralph_hooks.core.report import Verdict
from ralph_hooks.git.sandbox.lost_tests import Lost
from ralph_hooks.git.sandbox.outcomes import Attempt, broken_since, compared


def test_a_report_of_endless_failures_is_compared_in_no_time() -> None:
    """A test wrote it: name by name against each of the others, this many would take the rest of the day."""
    names = tuple(f"t::{number}" for number in range(200_000))
    before, now = (Attempt(1, 0.1, failures=side) for side in (names, (*names[::-1], "t::new")))
    found = compared(Command("x"), now, before, Lost)
    assert (found.new_failures, len(found.known_failures)) == (("t::new",), len(names))
    assert len(broken_since(found, Attempt(1, 0.1, failures=names[1:])).new_failures) == 2


@pytest.mark.parametrize(
    ("options", "hidden"),
    [("-x", True), ("-qx", True), ("--maxfail=1", True), ("--maxfail=0", False), ("-rx", False), ("-k x", False)],
)
def test_only_options_that_stop_a_run_make_its_old_failures_doubtful(options: str, hidden: bool) -> None:  # noqa: FBT001 - pytest's
    now = Attempt(1, 0.1, failures=("t::old",), ran=("t::old", "t::new"))
    found = compared(Command(f"pytest --junit-xml={{junit}} {options}"), now, now, Lost)
    assert found.verdict is (Verdict.INCONCLUSIVE if hidden else Verdict.PASS)
