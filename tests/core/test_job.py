"""Records of repairs in the background."""

from __future__ import annotations

from ralph_hooks.core.job import Job

JOB = Job(tree="1" * 40, title="staged change", command="gate", started=100.0, seconds=60.0, step="implement")


def test_time_that_remains_is_never_negative() -> None:
    assert [JOB.remaining(now) for now in (100.0, 150.0, 500.0)] == [60.0, 10.0, 0.0]


def test_summary_has_the_deadline() -> None:
    summary = JOB.summarised()
    assert (summary.state, summary.step, summary.deadline) == ("running", "implement", 160.0)
