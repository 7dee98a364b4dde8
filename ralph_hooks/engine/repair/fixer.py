"""Steps that repair a change which the gate refused: cheapest first, and the expensive model nowhere else.

The linter's own autofix, which is free; a plan of files to read and edits to make; the repair; its verification;
corrections by the cheap model, given the actual errors; the repair once more, with the lessons from the first. Then an
honest 'not repaired'. Every step is reported with its reason and its cost.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial

import msgspec
from msgspec import Struct

from ralph_hooks.core.command import concerned
from ralph_hooks.core.finding import Finding
from ralph_hooks.core.ports.change import Snapshot
from ralph_hooks.core.ports.checks import Autofix
from ralph_hooks.core.ports.sandbox import Workbench
from ralph_hooks.core.repair import StoredFix
from ralph_hooks.core.report import RepairStep, Report, Step
from ralph_hooks.core.text import one_line, path_line, plural
from ralph_hooks.core.usage import total_cost
from ralph_hooks.engine.models.access import ModelAccess
from ralph_hooks.engine.repair.edits import Files
from ralph_hooks.engine.repair.verification import RepairVerifier, VerificationResult, identity
from ralph_hooks.engine.repair.writers import Draft, GaveUp, NoAnswer, PlannedRepair, RepairWriters
from ralph_hooks.engine.review.gate import Gate, Scope
from ralph_hooks.engine.review.review_input import SECRET
from ralph_hooks.errors import RalphError, RepairRefused
from ralph_hooks.phases.plan import Plan
from ralph_hooks.phases.problem import Problem

_NAMED = 3  # tests that a sentence names
_UNTRIED = (
    "{tests} passed in the review, and now failed with and without the repair ({named}): they are flaky, or need the"
    " network, which `fix.network = true` allows for repairs"
)
_LEARNED = 4_000  # characters of an attempt's result that go into the next prompt


class Fixer(Struct, frozen=True, kw_only=True):
    """Dependencies of a repair, assembled in `app.wiring`: ``gate`` reviews it, ``models`` write it."""

    gate: Gate
    models: ModelAccess
    bench: Workbench
    autofix: Autofix

    def repair(
        self, report: Report, snapshot: Snapshot, *, instruction: str = "", chosen: Collection[str] = ()
    ) -> Report:
        """Return ``report`` on ``snapshot``, which the bench holds, with the result of the repair; it is not stored.

        ``chosen`` are fingerprints of the findings to fix; without them, all blocking findings and every failing
        command. A change that passes is repaired only if an ``instruction`` asks for it. Raises RalphError if only the
        user can help.
        """
        started = self.models.caller.deadline.clock()
        known = self._verified(report, snapshot)
        problem = _problem(known, instruction, chosen)
        if not problem:
            return known
        repair = _Repair(self, known, problem, snapshot)
        try:
            reason = repair.run()
        finally:
            self.models.caller.close()
        calls = self.models.caller.calls
        cost, baseline = self.models.cost(calls)
        told = (f"not repaired: {reason}",) if reason else repair.notices
        return msgspec.structs.replace(
            known,
            calls=calls,
            cost_usd=cost,
            baseline_usd=baseline,
            rungs=tuple(repair.rungs),
            fix=repair.stored.summarised() if repair.stored else None,
            notices=tuple(dict.fromkeys((*known.notices, *told, *self.bench.caveats()))),
            seconds=round(known.seconds + self.models.caller.deadline.clock() - started, 3),
        )

    def _verified(self, report: Report, snapshot: Snapshot) -> Report:
        """Return ``report`` with the verify commands run: a repair needs the failures that precede it."""
        commands = concerned(self.models.settings.verify.command_list, snapshot.change.entries)
        if report.verification or not commands or not report.paths:
            return report
        deadline = self.models.caller.deadline
        verification = self.models.pool.alone("verify commands", lambda: self.bench.verify(commands, deadline))
        return msgspec.structs.replace(report, verification=verification)


def _problem(report: Report, instruction: str, chosen: Collection[str]) -> Problem:
    if chosen:
        findings = tuple(finding for finding in report.findings if finding.fingerprint in chosen)
        return Problem(findings=findings, instruction=instruction)
    return Problem(
        findings=tuple(finding for finding in report.findings if finding.blocking),
        failures=tuple(item for item in report.verification if item.to_repair),
        instruction=instruction,
    )


class _Repair:
    """One run of the steps. ``rungs`` are the steps taken, ``stored`` is the stored repair."""

    def __init__(self, fixer: Fixer, report: Report, problem: Problem, snapshot: Snapshot) -> None:
        self.rungs: list[RepairStep] = []
        self.stored: StoredFix | None = None
        self.notices: tuple[str, ...] = ()
        self._fixer = fixer
        self._gate = fixer.gate
        self._models = fixer.models
        self._bench = fixer.bench
        self._problem = problem
        self._findings, self._failures = problem.findings, problem.failures
        self._report = report
        self._writers = RepairWriters(fixer.models, fixer.bench, fixer.gate.examine(snapshot, Scope.REVIEW))
        self._base: Files = {}  # start of every attempt: the free autofix
        self._paid = len(self._models.caller.calls)

    def run(self) -> str:
        """Return why nothing was stored, for the user; empty if something was."""
        if any(finding.category == SECRET and finding.blocking for finding in self._report.findings):
            return "the change contains a secret; nothing was sent. Revoke it, remove it from the change and try again"
        try:
            if self._autofixed():
                return ""
            return self._attempts()
        except GaveUp as reason:
            return str(reason)

    def _autofixed(self) -> bool:
        """Run the free autofix step; return True if nothing is left to fix and the verification passes."""
        mine = [finding for finding in self._problem.findings if finding.source == self._fixer.autofix.source]
        if not mine:
            return False
        names = ", ".join(dict.fromkeys(finding.category for finding in mine))
        try:
            outcome = self._mended(mine, names)
        except (RalphError, RepairRefused) as fault:
            self._bench.reset()
            outcome = f"it cannot fix {names}: {fault}"
        self._take(Step.AUTOFIX, f"free: {mine[0].source} rejects the change", outcome, succeeded=bool(self._base))
        if not self._base or self._problem:
            return False
        tried = self._tried("after the autofix")
        if tried.passed:
            self._store(f"{mine[0].source} --fix: {names}", tried)
            return True
        self._problem = Problem(findings=tried.findings, failures=tried.failures)  # seen for the first time
        return False

    def _mended(self, mine: Sequence[Finding], names: str) -> str:
        """Run the linter's autofix; return the outcome, for people. Keep it only if the checks agree."""
        paths = dict.fromkeys(finding.path for finding in mine)
        files = {path: data for path in paths if (data := self._bench.read(path)) is not None}
        mended = self._fixer.autofix.mend(mine, files, self._models.caller.deadline)
        if not mended:
            return f"there is no safe fix for {names}"
        self._bench.write(mended)
        found = self._gate.examine(self._bench.repaired(), Scope.REVIEW).checked.findings
        left = {identity(finding) for finding in found if finding.blocking}
        gone = [finding for finding in mine if identity(finding) not in left]
        if not gone or not left <= {identity(finding) for finding in self._report.findings}:
            self._bench.reset()
            return f"its fixes of {names} cause other findings"
        self._base = dict(mended)
        rest = tuple(finding for finding in self._problem.findings if finding not in gone)
        self._problem = msgspec.structs.replace(self._problem, findings=rest)
        places = ", ".join(f"{finding.category} in {path_line(finding.path)}:{finding.line}" for finding in gone)
        return f"mends {places}"

    def _attempts(self) -> str:
        """Plan once, then implement and correct as often as the settings allow; why nothing came of it."""
        if unseen := self._without_unseen():
            self.notices += (unseen,)
            if not self._problem:
                return unseen
        planned = self._planned()
        attempts = self._models.settings.fix.attempts
        learned: list[str] = []
        tried = VerificationResult(told="")
        for attempt in range(1, attempts + 1):
            if attempt > 1:
                self._start_over()
            tried, summary = self._attempt(f"attempt {attempt} of {attempts}", planned.plan, learned)
            if tried.passed:
                self._store(summary, tried)
                return ""
            learned.append(f"Attempt {attempt}: {summary}\n{chr(10).join(tried.wrong)}"[:_LEARNED])
        corrections = sum(rung.step is Step.FIX for rung in self.rungs)
        what = f"{plural(attempts, 'attempt')} and {plural(corrections, 'correction')}"
        return f"repair failed after {what}: {tried.told}"

    def _without_unseen(self) -> str:
        """Take findings out of the problem whose file no model may read: their message quotes it. Say which."""
        unseen = [finding for finding in self._problem.findings if self._models.withheld(finding.path)]
        rest = tuple(finding for finding in self._problem.findings if finding not in unseen)
        self._problem = msgspec.structs.replace(self._problem, findings=rest)
        self._findings = tuple(finding for finding in self._findings if finding not in unseen)  # they may stay
        named = ", ".join(dict.fromkeys(path_line(finding.path) for finding in unseen))
        return f"no model may read {named}: fix it yourself" if named else ""

    def _attempt(self, which: str, planned: Plan, learned: Sequence[str]) -> tuple[VerificationResult, str]:
        """Try one repair with its corrections; return the result of the last of them, and its author's summary."""
        written = self._written(
            Step.IMPLEMENT, which, partial(self._writers.implement, self._problem, planned, learned)
        )
        tried = self._judged(written, which)
        summaries = {written.repair.summary: None}
        rounds = self._models.settings.fix.rounds
        for number in range(1, rounds + 1):
            if tried.passed:
                break
            which = f"correction {number} of {rounds}"
            correct = partial(self._writers.correct, self._problem, planned, written, tried.wrong)
            try:
                written = self._written(Step.FIX, which, correct)
            except NoAnswer:
                break  # the implement phase may still find a solution
            tried = self._judged(written, which)
            summaries[written.repair.summary] = None
        return tried, "\n\n".join(filter(None, summaries))

    def _planned(self) -> PlannedRepair:
        why = f"to send fewer tokens: {self._why()}"
        try:
            planned = self._writers.plan(self._problem)
        except GaveUp as reason:
            self._take(Step.PLAN, why, str(reason), succeeded=False)
            raise
        self._take(Step.PLAN, why, planned.told, succeeded=bool(planned.model), model=planned.model)
        return planned

    def _written(self, step: Step, reason: str, write: Callable[[], Draft]) -> Draft:
        """Have a repair written. Raises GaveUp, and NoAnswer for a correction."""
        try:
            written = write()
        except (GaveUp, NoAnswer) as fault:
            self._take(step, reason, str(fault), succeeded=False)
            if step is Step.IMPLEMENT:
                raise GaveUp(str(fault)) from fault
            raise
        self._take(step, reason, written.told, succeeded=not written.refused, model=written.model)
        return written

    def _judged(self, written: Draft, which: str) -> VerificationResult:
        """Return the result of verifying ``written``. Raise GaveUp if that is impossible."""
        if written.refused:
            return VerificationResult(told=written.told, wrong=written.refused)
        return self._tried(which)

    def _tried(self, which: str) -> VerificationResult:
        """Verify the content of the workbench. Raise GaveUp if that is impossible."""
        mending = {item.command for item in self._failures}
        verifier = RepairVerifier(
            self._gate,
            self._models,
            self._bench,
            self._problem,
            spared=[f for f in self._report.findings if f.blocking and f not in self._findings],
            failing_before=[item for item in self._report.verification if item.command not in mending],
            judged=self._report.verification,
        )
        tried = verifier.run()
        self._take(Step.CHECK, which, tried.told, succeeded=tried.passed)
        if tried.unable:
            raise GaveUp(f"the repair {tried.told}")
        return tried

    def _start_over(self) -> None:
        """Reset to the reviewed tree, with the free autofix in it."""
        self._bench.reset()
        if self._base:
            self._bench.write(self._base)

    def _store(self, summary: str, tried: VerificationResult) -> None:
        undone = not self._bench.repaired().change.entries
        self.stored = self._bench.store(summary=summary, verified=tried.verified, reproduced=tried.reproduced)
        if undone:
            self.notices += ("the repair reverts the whole change: review it before you apply it",)
        if tried.untried:
            named = ", ".join(map(one_line, tried.untried[:_NAMED]))
            self.notices += (_UNTRIED.format(tests=plural(len(tried.untried), "test"), named=named),)

    def _why(self) -> str:
        count = len(self._problem.findings) + len(self._problem.failures)
        return f"{plural(count, 'problem')} to repair" if count else "requested by the user"

    def _take(self, step: Step, reason: str, outcome: str, *, succeeded: bool, model: str = "") -> None:
        """Record a step, with the cost since the last one."""
        calls = self._models.caller.calls
        total = total_cost(call.cost_usd for call in calls[self._paid :])
        self._paid = len(calls)
        self.rungs.append(
            RepairStep(step=step, reason=reason, outcome=outcome, succeeded=succeeded, model=model, cost_usd=total)
        )
