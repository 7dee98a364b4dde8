"""Runs of a command in a language that is not instrumented."""

from __future__ import annotations

from ralph_hooks.core.proof import ProofOutcome
from ralph_hooks.git.sandbox.run_results import by_exit
from ralph_hooks.languages.instrument import MARK


def test_exit_code_decides_and_marks_say_which_lines_ran() -> None:
    assert by_exit(0, "fine\n", 1.0).outcome is ProofOutcome.PASSED
    failed = by_exit(2, f"{MARK} 3 shop.rb@\nwrong\n", 1.0)
    (failure,) = failed.failures
    assert (failed.outcome, failure.reached) == (ProofOutcome.FAILED, (("shop.rb", 3),))
    assert failed.tail.endswith("wrong")


def test_command_that_was_stopped_has_failed() -> None:
    assert by_exit(None, "", 1.0).outcome is ProofOutcome.FAILED
