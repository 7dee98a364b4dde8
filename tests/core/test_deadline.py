"""One deadline for a whole run."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ralph_hooks.core.deadline import Deadline

SECONDS = st.floats(0, 1e6)


@given(seconds=SECONDS, passed=st.lists(SECONDS, max_size=5))
def test_what_remains_only_shrinks_and_is_never_negative(seconds: float, passed: list[float]) -> None:
    now = 100.0
    deadline = Deadline(seconds, lambda: now)
    before = deadline.remaining()
    for step in passed:
        now += step
        assert 0.0 <= deadline.remaining() <= before
        assert deadline.passed is (deadline.remaining() == 0.0)
        before = deadline.remaining()


def test_it_passes_at_its_end() -> None:
    now = 5.0
    deadline = Deadline(2.0, lambda: now)
    assert (deadline.remaining(), deadline.passed) == (2.0, False)
    now = 7.0
    assert (deadline.remaining(), deadline.passed) == (0.0, True)
    assert repr(deadline) == "Deadline(0.000 of 2.0 s left)"
