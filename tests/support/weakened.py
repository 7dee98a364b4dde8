"""Tests that a change weakens."""

from __future__ import annotations

import time

from ralph_hooks.checks.weakened import WeakenedTests
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.finding import Finding
from ralph_hooks.core.ports.change import Source
from tests.support.patience import PATIENCE

TESTS = """\
import pytest


def test_one():
    assert total([1]) == 1
    assert total([2]) == 2


def test_two():
    assert total([]) == 0
"""


ONE = TESTS.partition("def test_two")[0]


def findings(*sources: Source, blocks: bool = False) -> tuple[Finding, ...]:
    check = WeakenedTests(blocks=blocks)
    return check.run([each for each in sources if check.applies(each.entry)], None, Deadline(PATIENCE, time.monotonic))
