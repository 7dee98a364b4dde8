"""From everything that was found to one of three verdicts, the sentence that says why, and the exit code."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from ralph_hooks.config import GateSettings, OnFailure, Policy
from ralph_hooks.core.dismissal import Dismissed
from ralph_hooks.core.finding import Finding
from ralph_hooks.core.report import Cause, CheckedFile, Unreviewed, Verdict, Verification
from ralph_hooks.core.text import one_line, plural
from ralph_hooks.engine.review.invariants import InvariantResult
from ralph_hooks.engine.review.review_input import ReviewInput
from ralph_hooks.engine.review.reviewer import Reviewed
from ralph_hooks.errors import ExitCode


class ReviewOutcome(Struct, frozen=True, kw_only=True):
    """Outcome of the review of a change. Outcomes of several changes add up to one."""

    findings: tuple[Finding, ...] = ()
    """In the order of the report: blocking findings first, then the worst."""
    dismissed: tuple[Dismissed, ...] = ()
    unreviewed: tuple[Unreviewed, ...] = ()
    checked: tuple[CheckedFile, ...] = ()
    verification: tuple[Verification, ...] = ()
    problems: tuple[str, ...] = ()
    """Reasons why something could not be reviewed, each once."""
    paths: int = 0
    reviewed: int = 0
    """Number of paths that a model reviewed, now or earlier."""
    dropped: int = 0
    remarks: tuple[str, ...] = ()
    """Remarks for the user besides the verdict, each sentence once."""

    @property
    def unavailable(self) -> tuple[Unreviewed, ...]:
        """Paths that a model should have reviewed and could not."""
        return tuple(item for item in self.unreviewed if item.cause.unjudged)

    def __add__(self, other: ReviewOutcome) -> ReviewOutcome:
        return ReviewOutcome(
            findings=in_order(self.findings + other.findings),
            dismissed=self.dismissed + other.dismissed,
            unreviewed=self.unreviewed + other.unreviewed,
            checked=self.checked + other.checked,
            verification=self.verification + other.verification,
            problems=tuple(dict.fromkeys(self.problems + other.problems)),
            paths=self.paths + other.paths,
            reviewed=self.reviewed + other.reviewed,
            dropped=self.dropped + other.dropped,
            remarks=tuple(dict.fromkeys(self.remarks + other.remarks)),
        )


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return ``findings`` in the order of the report: blocking ones first, then the worst."""
    return tuple(sorted(findings, key=lambda f: (not f.blocking, f.severity.rank, -f.confidence, f.path, f.line)))


def combine(change: ReviewInput, reviewed: Reviewed, kept: InvariantResult) -> ReviewOutcome:
    """Return the combined outcome of checks and models on ``change``."""
    paths = [entry.path for entry in change.snapshot.change.entries]
    checked = change.checked
    unreviewed = change.unreviewed + change.refused + reviewed.unreviewed
    problems = [
        *(f"the {name} check did not finish before the deadline" for name in checked.unfinished),
        *checked.problems,
        *(item.reason for item in unreviewed if item.cause.unjudged),
        *reviewed.unconfirmed,
        *kept.problems,
    ]
    return ReviewOutcome(
        findings=in_order(checked.findings + reviewed.findings + kept.findings),
        dismissed=checked.dismissed + reviewed.dismissed + kept.dismissed,
        unreviewed=unreviewed,
        checked=tuple(CheckedFile(path, checked.looked.get(path, ())) for path in paths),
        problems=tuple(dict.fromkeys(problems)),
        paths=len(paths),
        reviewed=len(paths) - len(unreviewed),
        dropped=reviewed.dropped,
        remarks=(*checked.remarks, *reviewed.remarks),
    )


def from_commands(verification: tuple[Verification, ...]) -> ReviewOutcome:
    """Return the outcome of verify commands."""
    problems = (f"{run.command}: {run.problem}" for run in verification if run.problem)
    return ReviewOutcome(verification=verification, problems=tuple(dict.fromkeys(problems)))


def decide(outcome: ReviewOutcome) -> tuple[Verdict, str]:
    """Return the verdict and one sentence for it. A blocking finding outweighs an incomplete review."""
    blocking = sum(finding.blocking for finding in outcome.findings)
    failed = [run for run in outcome.verification if run.verdict is Verdict.FAIL]
    if blocking or failed:
        reasons = [plural(blocking, "blocking finding")] if blocking else []
        reasons += [f"`{one_line(run.command)}` fails" for run in failed]
        return Verdict.FAIL, " and ".join(reasons)
    if outcome.problems:
        return Verdict.INCONCLUSIVE, _unjudged(outcome)
    if any(item.cause is Cause.BYPASSED for item in outcome.unreviewed):
        return Verdict.PASS, "no blocking findings; models were skipped"
    if any(item.cause is Cause.NO_MODEL for item in outcome.unreviewed):
        return Verdict.PASS, "deterministic checks pass; no model is configured"
    return Verdict.PASS, "no blocking findings"


def _unjudged(outcome: ReviewOutcome) -> str:
    files = {item.path for item in outcome.unavailable}
    what = f"no model reviewed {plural(len(files), 'file')}" if files else "it could not be reviewed completely"
    if files and all(item.cause is Cause.BUDGET for item in outcome.unavailable):
        what = f"the budget is reached, so {what}"
    return f"{what}: {'; '.join(outcome.problems)}"


def keyless(outcome: ReviewOutcome) -> bool:
    """Return True if only missing keys kept the change from being reviewed."""
    missing = [item for item in outcome.unavailable if item.cause is Cause.NO_KEY]
    return bool(missing) and set(outcome.problems) <= {item.reason for item in missing}


def policy_for(outcome: ReviewOutcome, limits: GateSettings) -> Policy:
    """Return the policy for a change that could not be reviewed."""
    return limits.when_no_key if keyless(outcome) else limits.when_unavailable


def exit_code(verdict: Verdict, on_failure: OnFailure, policy: Policy) -> ExitCode:
    """Return the exit code for the verdict under the user's policies."""
    if verdict is Verdict.FAIL:
        return ExitCode.PASS if on_failure is OnFailure.WARN else ExitCode.REJECTED
    if verdict is Verdict.INCONCLUSIVE:
        return ExitCode.PASS if policy is Policy.OPEN else ExitCode.UNJUDGED
    return ExitCode.PASS


POLICY = {
    Policy.OPEN: 'not blocked, because when-unavailable is "open"',
    Policy.CLOSED: 'blocked, because when-unavailable is "closed"',
}
"""Message of a hook about a change that could not be reviewed."""


_REMEDIES = "set the key, or in your own config.toml choose a model that you have a key for (`ralph-hooks init` helps)"
NO_KEY = {
    Policy.OPEN: f'not blocked, because when-no-key is "open": {_REMEDIES}',
    Policy.CLOSED: f'blocked, because when-no-key is "closed": {_REMEDIES}',
}
"""Message of a hook about a change that could not be reviewed for lack of a key."""


def notices(outcome: ReviewOutcome, verdict: Verdict, on_failure: OnFailure, policy: Policy) -> tuple[str, ...]:
    """Return the notices besides the verdict: unreviewed parts and why, and a policy that let the change pass."""
    told = [*outcome.remarks]
    if outcome.problems and verdict is not Verdict.INCONCLUSIVE:  # there it is the verdict's own reason
        told.append(_unjudged(outcome))
    if verdict is Verdict.INCONCLUSIVE:
        told.append(NO_KEY[policy] if keyless(outcome) else POLICY[policy])
    if verdict is Verdict.FAIL and on_failure is OnFailure.WARN:
        told.append('not blocked, because on-failure is "warn"')
    return tuple(told)
