"""Judges a change: deterministic checks, then the cheap models, then the verify commands, then one verdict."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from enum import Flag, auto

import msgspec
from msgspec import Struct

from ralph_hooks.config import GateSettings, OnFailure, Policy, Settings
from ralph_hooks.core.faults import BudgetReached, NoCredential
from ralph_hooks.core.finding import Finding
from ralph_hooks.core.ports import Check, History, Prices, Snapshot, Store, Verifier
from ralph_hooks.core.report import Cause, Report, Unreviewed, Verdict, Verification
from ralph_hooks.core.route import Phase
from ralph_hooks.core.text import plural
from ralph_hooks.core.usage import Call, Usage
from ralph_hooks.engine.caller import Caller
from ralph_hooks.engine.checking import Checked, run_checks
from ralph_hooks.engine.invariants import Invariants, Kept
from ralph_hooks.engine.material import Material
from ralph_hooks.engine.parallel import Team
from ralph_hooks.engine.review import Reviewed, Reviewer
from ralph_hooks.engine.triage import Triage, triage
from ralph_hooks.errors import ExitCode


class Scope(Flag):
    """What a command judges with."""

    REVIEW = auto()
    """Deterministic checks and the analyze phase."""
    COMMANDS = auto()
    """Verify commands and invariants."""


class Gate(Struct, frozen=True, kw_only=True):
    """Everything a judgement needs, put together in `cli.wiring`."""

    settings: Settings
    limits: GateSettings
    checks: tuple[Check, ...]
    store: Store
    caller: Caller
    team: Team
    verifier: Verifier
    prices: Prices
    history: History

    def judge(self, command: str, snapshot: Snapshot, scope: Scope) -> Report:
        """The report on ``snapshot``. Raises RalphError where only the user can help; an outage is a verdict."""
        clock = self.caller.deadline.clock
        started = clock()
        change = snapshot.change
        material = Material(snapshot)
        triaged = triage(snapshot, self.limits.exclude, self.store)
        checked = self._checked(triaged, material, scope)
        open_to_models = [entry for entry in triaged.review if entry.path not in checked.withheld]
        reviewed = self._reviewed(open_to_models, material, checked, scope)
        kept = Kept()
        verification: tuple[Verification, ...] = ()
        if Scope.COMMANDS in scope and change.entries:
            invariants = Invariants(
                self.settings.verify.invariants,
                self.settings.models.get(Phase.VERIFY, ()),
                caller=self.caller,
                store=self.store,
                team=self.team,
            )
            kept = invariants.check(open_to_models, material)
            verification = self._verified(change.tree, change.base)
        self.caller.abandon()
        report = self._report(
            command, snapshot, triaged, checked, reviewed, kept, verification
        )
        report = msgspec.structs.replace(report, seconds=round(clock() - started, 3))
        self.history.add(report)
        return report

    def _checked(self, triaged: Triage, material: Material, scope: Scope) -> Checked:
        """Without a review only the secret scan is of use: nothing may be sent unseen."""
        checks = self.checks if Scope.REVIEW in scope else tuple(c for c in self.checks if not c.source_only)
        return run_checks(checks, triaged, material, self.store, self.caller.deadline)

    def _reviewed(
        self, entries: Sequence[Entry], material: Material, checked: Checked, scope: Scope
    ) -> Reviewed:
        if Scope.REVIEW not in scope:
            return Reviewed()
        reviewer = Reviewer(
            settings=self.settings, gate=self.limits, caller=self.caller, store=self.store, team=self.team
        )
        return reviewer.review(entries, material, checked.hints)

    def _verified(self, tree: str, base: str) -> tuple[Verification, ...]:
        commands = self.settings.verify.commands
        return self.verifier.run(tree, base, commands, self.caller.deadline) if commands else ()
