"""Judges a change: deterministic checks, then the cheap models, then the verify commands, then one verdict."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from enum import Flag, auto

import msgspec
from msgspec import Struct

from ralph_hooks.config import GateSettings, Settings
from ralph_hooks.core.change import Change, Entry
from ralph_hooks.core.own_settings import holding, settings_changed
from ralph_hooks.core.ports.change import Snapshot
from ralph_hooks.core.ports.checks import Check
from ralph_hooks.core.ports.models import Prices
from ralph_hooks.core.ports.sandbox import Verifier
from ralph_hooks.core.ports.store import Cache, History, ModelCache, Receipts
from ralph_hooks.core.push import Commit
from ralph_hooks.core.report import Cause, Receipt, Report, Unreviewed, Verification
from ralph_hooks.core.route import Phase
from ralph_hooks.core.text import one_line
from ralph_hooks.core.usage import Call, Usage
from ralph_hooks.engine.cache_keys import settings_digest
from ralph_hooks.engine.models.caller import Caller
from ralph_hooks.engine.review.invariants import Invariants, Kept
from ralph_hooks.engine.review.reviewer import Reviewed, Reviewer
from ralph_hooks.engine.review.run_checks import Checked, run_checks
from ralph_hooks.engine.review.sources import SourceCache, parts
from ralph_hooks.engine.review.triage import Triage, triage
from ralph_hooks.engine.review.verdict import ReviewOutcome, combine, decide, exit_code, from_commands, notices
from ralph_hooks.engine.review.verify_commands import Commands
from ralph_hooks.engine.worker_pool import WorkerPool


class Scope(Flag):
    """What a command judges with."""

    REVIEW = auto()
    """Deterministic checks and the analyze phase."""
    COMMANDS = auto()
    """Verify commands and invariants."""


class Examined(Struct, frozen=True):
    """A change that is sorted and through the deterministic checks."""

    snapshot: Snapshot
    material: SourceCache
    triaged: Triage
    checked: Checked

    @property
    def open_to_models(self) -> tuple[Entry, ...]:
        """What may be sent: no check refuses it."""
        return tuple(entry for entry in self.triaged.review if entry.path not in self.checked.refused)


class Gate(Struct, frozen=True, kw_only=True):
    """Everything a judgement needs, put together in `app.wiring`."""

    settings: Settings
    limits: GateSettings
    checks: tuple[Check, ...]
    store: Cache
    """What was found out on this machine for nothing."""
    answers: ModelCache
    caller: Caller
    pool: WorkerPool
    verifier: Verifier
    prices: Prices
    history: History
    receipts: Receipts

    def judge(self, command: str, snapshot: Snapshot, scope: Scope) -> Report:
        """The report on ``snapshot``, kept for `show`.

        Raises RalphError where only the user can help; an outage is a verdict.
        """
        report = self.assess(command, snapshot, scope)
        self.keep(report, snapshot.change, scope)
        return report

    def keep(self, report: Report, change: Change, scope: Scope, commits: Sequence[Commit] = ()) -> None:
        """Keep ``report`` for `show`, and a receipt for ``change`` (that of ``commits``)."""
        self.history.add(report)
        self.receipts.add(self.receipt(report, change, scope, commits))

    def receipt(self, report: Report, change: Change, scope: Scope, commits: Sequence[Commit]) -> Receipt:
        """What the push gate and `show --commits` need to know of a judgement later."""
        return Receipt(
            tree=change.tree,
            base=change.base,
            settings=self.digest() if Scope.REVIEW in scope else "",
            command=report.command,
            verdict=report.verdict,
            models=tuple(dict.fromkeys(call.model for call in report.calls if call.outcome == "ok")),
            cost_usd=report.cost_usd,
            commits=tuple(commit.oid for commit in commits),
        )

    def digest(self) -> str:
        """Names everything but the change that a review depends on."""
        return settings_digest(self.settings, self.limits, self.checks)

    def assess(self, command: str, snapshot: Snapshot, scope: Scope, *, final: bool = True) -> Report:
        """As `judge`, without keeping the report: for a command that has more to add. ``final`` as in `report`."""
        started = self.caller.deadline.clock()
        change = snapshot.change
        outcome = self.outcome(snapshot, scope)
        report = self.report(command, change.title, change.tree, outcome, started, final=final)
        return msgspec.structs.replace(report, notices=report.notices + self.idle(scope))

    def outcome(self, snapshot: Snapshot, scope: Scope) -> ReviewOutcome:
        """What checks, models and commands make of ``snapshot``."""
        total = ReviewOutcome()
        for part in parts(snapshot):
            total += self._files(part, scope)
        if Scope.COMMANDS in scope and snapshot.change.entries:
            total += from_commands(self._verified(snapshot.change, afresh=Scope.REVIEW not in scope))
        return total

    def _files(self, snapshot: Snapshot, scope: Scope) -> ReviewOutcome:
        """What can be said of files without running anything of the project."""
        examined = self.examine(snapshot, scope)
        reviewed = self.review(examined) if Scope.REVIEW in scope else _not_asked(examined)
        kept = self.keeps(examined) if Scope.COMMANDS in scope and snapshot.change.entries else Kept()
        unreviewed = examined.triaged.unreviewed + _refused(examined.triaged, examined.checked) + reviewed.unreviewed
        outcome = combine(len(snapshot.change.entries), examined.checked, reviewed, kept, unreviewed)
        return outcome + ReviewOutcome(remarks=_rewritten(examined))

    def report(
        self, command: str, title: str, tree: str, outcome: ReviewOutcome, started: float, *, final: bool = True
    ) -> Report:
        """The report on ``outcome``. Where it is ``final``, nothing is asked afterwards and the books are closed.

        ``started`` is by the deadline's clock.
        """
        if final:
            self.caller.close()
        calls = self.caller.calls
        cost, baseline = self.money(calls)
        verdict, reason = decide(outcome)
        return Report(
            command=command,
            verdict=verdict,
            reason=reason,
            tree=tree,
            title=title,
            findings=outcome.findings,
            unreviewed=outcome.unreviewed,
            verification=outcome.verification,
            calls=calls,
            cost_usd=cost,
            baseline_usd=baseline,
            reviewed=outcome.reviewed,
            paths=outcome.paths,
            dropped=outcome.dropped,
            notices=(
                *self.answers.notices,
                *self.caller.stand_ins,
                *notices(outcome, verdict, self.settings.on_failure, self.limits.when_unavailable),
                *self.verifier.caveats(),
            ),
            seconds=round(self.caller.deadline.clock() - started, 3),
            exit_code=exit_code(verdict, self.settings.on_failure, self.limits.when_unavailable),
        )

    def examine(self, snapshot: Snapshot, scope: Scope) -> Examined:
        """``snapshot`` through the deterministic checks, which cost nothing."""
        material = SourceCache(snapshot)
        triaged = triage(snapshot, self.limits.exclude, self.store)
        return Examined(snapshot, material, triaged, self._checked(triaged, material, scope))

    def review(self, examined: Examined) -> Reviewed:
        """What the models say of what the checks let through."""
        reviewer = Reviewer(
            settings=self.settings, gate=self.limits, caller=self.caller, store=self.answers, pool=self.pool
        )
        return reviewer.review(examined.open_to_models, examined.material, examined.checked.hints)

    def keeps(self, examined: Examined) -> Kept:
        """Whether the change keeps the project's rules."""
        invariants = Invariants(self.settings, self.limits, caller=self.caller, store=self.answers, pool=self.pool)
        return invariants.check(examined.open_to_models, examined.material)

    def _checked(self, triaged: Triage, material: SourceCache, scope: Scope) -> Checked:
        """Without a review only the secret scan is of use: nothing may be sent unseen."""
        checks = self.checks if Scope.REVIEW in scope else tuple(c for c in self.checks if not c.source_only)
        return run_checks(checks, triaged, material, self.store, self.caller.deadline)

    def _verified(self, change: Change, *, afresh: bool) -> tuple[Verification, ...]:
        """Who asks for nothing but the commands (`ralph-hooks verify`) wants to see them run."""
        commands = Commands(self.verifier, self.store, self.caller.deadline, self.pool.progress)
        return commands.run(change.tree, change.base, self.settings.verify.commands, afresh=afresh)

    def idle(self, scope: Scope) -> tuple[str, ...]:
        """Said where a command has nothing at all to judge with."""
        if Scope.REVIEW in scope or self.settings.verify.commands or self.settings.verify.invariants:
            return ()
        return ("nothing was verified: neither verify.commands nor verify.invariants is configured",)

    def money(self, calls: Sequence[Call]) -> tuple[Decimal | None, Decimal | None]:
        """What ``calls`` cost, and what the same tokens cost on the expensive model; None where that is not known."""
        paid = [call for call in calls if not call.from_store]
        costs = [call.cost_usd for call in paid if call.cost_usd is not None]
        total = sum(costs, Decimal(0)) if len(costs) == len(paid) else None
        expensive = self.settings.models.get(Phase.IMPLEMENT, ())
        if not paid:
            return total, Decimal(0) if expensive else None
        price = self.prices.price(expensive[0]) if expensive else None
        if price is None:
            return total, None
        used = Usage(
            input_tokens=sum(call.input_tokens for call in paid),
            output_tokens=sum(call.output_tokens for call in paid),
        )
        return total, price.cost(used)


def _not_asked(examined: Examined) -> Reviewed:
    reason = "no review was asked for: commands and invariants alone"
    return Reviewed(unreviewed=tuple(Unreviewed(e.path, reason, Cause.NOT_ASKED) for e in examined.open_to_models))


def _rewritten(examined: Examined) -> tuple[str, ...]:
    """Said where a change brings along the rules that it is judged by: it could let itself through."""
    own = examined.material.sources(holding(examined.snapshot.change.entries))
    changed = [name for source in own for name in settings_changed(source.entry, source.content)]
    named = one_line(", ".join(dict.fromkeys(changed)))
    return (f"this change sets the rules that it is judged by itself: {named}",) if changed else ()


def _refused(triaged: Triage, checked: Checked) -> tuple[Unreviewed, ...]:
    reason = dict.fromkeys(checked.withheld, "withheld: it holds a secret")
    return tuple(
        Unreviewed(
            entry.path,
            reason.get(entry.path, "refused by a check: a model is asked once that is mended"),
            Cause.SECRET if entry.path in reason else Cause.REFUSED,
        )
        for entry in triaged.review
        if entry.path in checked.refused
    )
