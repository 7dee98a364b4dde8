"""A handful of the benchmark's bugs: one for each kind of answer. All of them: `python -m bench humanevalfix`."""

from __future__ import annotations

import pytest

from bench.figures import NotMeasured
from bench.humanevalfix import Bug, Kind, bugs, try_all


@pytest.fixture(scope="module")
def dealt() -> list[Bug]:
    try:
        return bugs()
    except NotMeasured as missing:
        pytest.skip(str(missing))


def test_half_of_the_answers_are_right_and_a_quarter_does_not_apply(dealt: list[Bug]) -> None:
    count = {kind: sum(bug.kind is kind for bug in dealt) for kind in Kind}
    assert (len(dealt), count[Kind.RIGHT], count[Kind.LOOSE]) == (164, 82, 42)


@pytest.mark.long(reason="`python -m bench humanevalfix` tries all of them")
def test_a_right_repair_is_verified_and_stored_and_no_wrong_one_is(dealt: list[Bug]) -> None:
    chosen = [next(bug for bug in dealt if bug.kind is kind) for kind in Kind]
    for tried in try_all(chosen, tries=1):
        right = tried.bug.kind is Kind.RIGHT
        assert tried.stored == (tried.bug.right if right else None), tried.bug
        assert tried.verified is right
        assert tried.sent > 0
