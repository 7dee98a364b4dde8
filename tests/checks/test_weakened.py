"""Weakened tests are a note, or block."""

from __future__ import annotations

from ralph_hooks.core.finding import Severity
from tests.support.sources import source
from tests.support.weakened import ONE, TESTS, findings


def test_a_finding_is_a_note_that_blocks_by_choice() -> None:
    changed = source("tests/test_a.py", ONE, TESTS)
    (note,) = findings(changed)
    assert (note.severity, note.blocking, note.category) == (Severity.NOTE, False, "weakened-tests")
    assert (note.path, note.line, note.removed) == ("tests/test_a.py", 9, True)
    assert note.message == "1 test removed: test_two"
    (blocking,) = findings(changed, blocks=True)
    assert (blocking.severity, blocking.blocking) == (Severity.ERROR, True)
