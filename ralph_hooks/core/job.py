"""A repair that continues in its own process after the hook that started it has ended."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from ralph_hooks.core.report import JobSummary


class JobState(StrEnum):
    """State of a job."""

    RUNNING = "running"
    FINISHED = "finished"
    """A fix is stored."""
    FAILED = "failed"
    """There is none: nothing that was tried passed, or nothing could be tried."""
    CANCELLED = "cancelled"
    """The user ended it."""


class Job(Struct, frozen=True, kw_only=True):
    """The record of one job. There is one job for a tree."""

    tree: str
    """Object id of the reviewed tree."""
    title: str
    """Title of the reviewed change, for people."""
    command: str
    """The command that refused it: ``gate``, ``pre-push``."""
    started: float
    """Seconds since 1970."""
    seconds: float
    """Maximum duration in seconds."""
    pid: int = 0
    """Its process; 0 until that has begun."""
    state: JobState = JobState.RUNNING
    ended: float | None = None
    """Seconds since 1970."""
    step: str = ""
    """Current step, for people; empty before the first one."""
    done: int = 0
    """Of the current step."""
    total: int = 0
    outcome: str = ""
    """One sentence once it has ended."""
    fix: str = ""
    """The id of the stored fix."""
    settled: bool = True
    """False if another try may have a different result: an outage, the deadline, a killed process."""

    def summarised(self) -> JobSummary:
        """Return the summary that a report contains."""
        return JobSummary(
            state=self.state.value,
            step=self.step,
            started=self.started,
            deadline=self.started + self.seconds,
            outcome=self.outcome,
        )

    def remaining(self, now: float) -> float:
        """Return the seconds until its deadline, never below 0."""
        return max(0.0, self.started + self.seconds - now)
