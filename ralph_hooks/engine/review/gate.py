"""Judges a change: deterministic checks, then the cheap models, then the verify commands, then one verdict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Flag, auto
from functools import partial

import msgspec
from msgspec import Struct

from ralph_hooks.core.change import Change
from ralph_hooks.core.command import concerned
from ralph_hooks.core.ports.change import Snapshot
from ralph_hooks.core.ports.dismissals import DismissalReader
from ralph_hooks.core.ports.sandbox import Prover, Verifier
from ralph_hooks.core.ports.store import Cache, History, Labels, Receipts
from ralph_hooks.core.push import Commit
from ralph_hooks.core.report import Cause, Receipt, Report, Unreviewed, Verification
from ralph_hooks.core.skips import VARIABLE
from ralph_hooks.engine.cache_keys import settings_digest
from ralph_hooks.engine.models.access import ModelAccess
from ralph_hooks.engine.review.context import CodeContext
from ralph_hooks.engine.review.dismissals import DismissalFilter
from ralph_hooks.engine.review.invariants import InvariantResult, Invariants
from ralph_hooks.engine.review.name_scan import without_secret_names
from ralph_hooks.engine.review.review_input import ReviewInput, parts, prepare
from ralph_hooks.engine.review.reviewer import Reviewed, Reviewer
from ralph_hooks.engine.review.run_checks import CheckSuite
from ralph_hooks.engine.review.verdict import (
    ReviewOutcome,
    combine,
    decide,
    exit_code,
    from_commands,
    notices,
    policy_for,
)
from ralph_hooks.engine.review.verify_commands import Commands


class Scope(Flag):
    """Parts of the review that a command runs."""

    REVIEW = auto()
    """Deterministic checks and the analyze phase."""
    COMMANDS = auto()
    """Verify commands and invariants."""


class Gate(Struct, frozen=True, kw_only=True):
    """Everything a judgement needs, put together in `app.wiring`."""

    models: ModelAccess
    checks: CheckSuite
    store: Cache
    """Local results that cost nothing: of checks, triage and commands."""
    verifier: Verifier
    history: History
    receipts: Receipts
    prover: Callable[[Change], Prover] | None = None
    """Factory of the runner of reproducers; without it none can be run."""
    labels: Labels | None = None
    """Record of the outcomes of findings; without it nothing is recorded, as in a backtest."""
    dismissals: DismissalReader | None = None
    """Without one nothing is dismissed: a backtest measures the models."""

    def judge(self, command: str, snapshot: Snapshot, scope: Scope) -> Report:
        """Return the report on ``snapshot``, kept for `show`.

        Raises RalphError if only the user can help; an outage is a verdict.
        """
        report = self.assess(command, snapshot, scope)
        self.keep(report, snapshot.change, scope)
        return report

    def keep(self, report: Report, change: Change, scope: Scope, commits: Sequence[Commit] = ()) -> None:
        """Keep ``report`` for `show`, and a receipt for ``change`` (that of ``commits``)."""
        self.history.add(report)
        if self.labels is not None and Scope.REVIEW in scope:
            self.labels.add(report, change)
        self.receipts.add(self.receipt(report, change, scope, commits))

    def receipt(self, report: Report, change: Change, scope: Scope, commits: Sequence[Commit]) -> Receipt:
        """Return the facts about a review that the push gate and `show --commits` need later."""
        return Receipt(
            tree=change.tree,
            base=change.base,
            settings=self.digest() if Scope.REVIEW in scope else "",
            skipped=str(self.checks.skips),
            command=report.command,
            verdict=report.verdict,
            models=tuple(dict.fromkeys(call.model for call in report.calls if call.outcome == "ok")),
            cost_usd=report.cost_usd,
            commits=tuple(commit.oid for commit in commits),
        )

    def digest(self) -> str:
        """Return a digest of everything that a review depends on, except the change."""
        models = self.models
        return settings_digest(models.settings, models.limits, self.checks.versions, models.guidance.digest)

    def assess(self, command: str, snapshot: Snapshot, scope: Scope, *, final: bool = True) -> Report:
        """Review as `judge` does, without storing the report: a command adds to it. ``final`` as in `report`."""
        started = self.models.caller.deadline.clock()
        change = snapshot.change
        outcome = self.outcome(snapshot, scope)
        report = self.report(command, change.title, change.tree, outcome, started, final=final)
        return msgspec.structs.replace(report, base=change.base, notices=report.notices + self.idle(scope))

    def outcome(self, snapshot: Snapshot, scope: Scope) -> ReviewOutcome:
        """Return the outcome of checks, models and commands for ``snapshot``."""
        total = ReviewOutcome()
        dismissals = self.dismissals_of(snapshot.change)
        for part in parts(snapshot):
            total += self._files(part, scope, dismissals)
        total += ReviewOutcome(remarks=dismissals.remarks())
        if Scope.COMMANDS in scope and snapshot.change.entries and not self.checks.skips.commands:
            total += from_commands(self._verified(snapshot.change, afresh=Scope.REVIEW not in scope))
        return total

    def dismissals_of(self, change: Change) -> DismissalFilter:
        """Return the filter that leaves dismissed findings out of a review of ``change``."""
        return DismissalFilter(self.dismissals, change, self.models.limits.dismissals)

    def _files(self, snapshot: Snapshot, scope: Scope, dismissals: DismissalFilter) -> ReviewOutcome:
        """Return the verdicts on files that need nothing of the project to run."""
        change = self.examine(snapshot, scope, dismissals)
        asks = Scope.COMMANDS in scope and snapshot.change.entries and not self.checks.skips.models
        reviewed = self._reviewed(change, scope)
        kept = self.keeps(change) if asks else InvariantResult()
        return combine(change, reviewed, kept)

    def skipped(self) -> tuple[str, ...]:
        """Return notices about skipped parts."""
        if not self.checks.skips.names:
            return ()
        return (f"{VARIABLE}={self.checks.skips} skipped a part of this review; the next push reports it",)

    def _reviewed(self, change: ReviewInput, scope: Scope) -> Reviewed:
        if Scope.REVIEW not in scope:
            return _not_asked(
                change, "not reviewed: this command runs only verify commands and invariants", Cause.NOT_ASKED
            )
        if self.checks.skips.models:
            return _not_asked(change, f"skipped by {VARIABLE}", Cause.BYPASSED)
        return self.review(change)

    def report(
        self, command: str, title: str, tree: str, outcome: ReviewOutcome, started: float, *, final: bool = True
    ) -> Report:
        """Return the report on ``outcome``. If ``final``, no model is called afterwards and the accounting is closed.

        ``started`` is by the deadline's clock.
        """
        if final:
            self.models.caller.close()
        outcome = without_secret_names(self.checks.secrets, outcome)
        calls = self.models.caller.calls
        cost, baseline = self.models.cost(calls)
        verdict, reason = decide(outcome)
        policy = policy_for(outcome, self.models.limits)
        return Report(
            command=command,
            verdict=verdict,
            reason=reason,
            tree=tree,
            title=title,
            findings=outcome.findings,
            dismissed=outcome.dismissed,
            unreviewed=outcome.unreviewed,
            checked=outcome.checked,
            verification=outcome.verification,
            calls=calls,
            cost_usd=cost,
            baseline_usd=baseline,
            reviewed=outcome.reviewed,
            paths=outcome.paths,
            dropped=outcome.dropped,
            notices=(
                *self.models.answers.notices,
                *self.models.caller.stand_ins,
                *notices(outcome, verdict, self.models.settings.on_failure, policy),
                *self.skipped(),
                *self.models.guidance.notices,
                *self.verifier.caveats(),
            ),
            seconds=round(self.models.caller.deadline.clock() - started, 3),
            exit_code=exit_code(verdict, self.models.settings.on_failure, policy),
        )

    def sort(self, snapshot: Snapshot) -> ReviewInput:
        """Return the entries of ``snapshot`` that would be reviewed, before any check has run."""
        return prepare(snapshot, self.models.settings, self.models.limits.exclude, self.store)

    def examine(self, snapshot: Snapshot, scope: Scope, dismissals: DismissalFilter | None = None) -> ReviewInput:
        """Sort ``snapshot`` and run the deterministic checks, which cost nothing."""
        models = self.models
        change = self.sort(snapshot)
        reviewed = Scope.REVIEW in scope
        begin = partial(models.prepare, [entry.path for entry in change.review] if reviewed else [])
        checked = self.checks.run(
            change, self.store, models.caller.deadline, models.settings, reviewed=reviewed, begin=begin
        )
        dismissals = dismissals or self.dismissals_of(snapshot.change)
        findings, dismissed = dismissals.split(checked.findings)
        checked = msgspec.structs.replace(checked, findings=findings, dismissed=dismissed)
        return msgspec.structs.replace(change, checked=checked, dismissals=dismissals)

    def context(self, change: ReviewInput) -> CodeContext:
        """Return the code around ``change`` that models may see."""
        return CodeContext(self.models, change, self.store, self.checks.secrets)

    def review(self, change: ReviewInput) -> Reviewed:
        """Review with models the files that the checks accept, and try to prove findings that would block."""
        reviewed = Reviewer(self.models, self.context(change)).review(change)
        if not any(finding.blocking for finding in reviewed.findings):
            return reviewed
        from ralph_hooks.engine.review import prove  # a change that passes does without

        return prove.proved(self.models, self.prover, self.store, reviewed, change, self.models.guidance.intent)

    def keeps(self, change: ReviewInput) -> InvariantResult:
        """Check that the change keeps the project's rules."""
        return Invariants(self.models).check(change)

    def _verified(self, change: Change, *, afresh: bool) -> tuple[Verification, ...]:
        """Run the verify commands; ``afresh`` ignores cached passes, for `ralph-hooks verify` alone."""
        commands = Commands(self.verifier, self.store, self.models.caller.deadline, self.models.pool.progress)
        wanted = concerned(self.models.settings.verify.command_list, change.entries)
        return commands.run(change.tree, change.base, wanted, afresh=afresh)

    def idle(self, scope: Scope) -> tuple[str, ...]:
        """Return a notice if a command has nothing configured to run."""
        if Scope.REVIEW in scope or self.models.settings.verify.commands or self.models.settings.verify.invariants:
            return ()
        return ("nothing was verified: neither verify.commands nor verify.invariants is configured",)


def _not_asked(change: ReviewInput, reason: str, cause: Cause) -> Reviewed:
    return Reviewed(unreviewed=tuple(Unreviewed(entry.path, reason, cause) for entry in change.open_to_models))
