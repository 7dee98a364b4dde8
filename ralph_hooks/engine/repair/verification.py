"""Verification of a repair: rules, checks, tests, the old findings again, the repaired change through the gate.

Free steps come first, and any rejection ends the verification. No model can excuse a repair from a check or a test: a
check's finding is gone when the check says so, a failing test when it passes.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from functools import partial

from msgspec import Struct

from ralph_hooks.core.change import decode
from ralph_hooks.core.command import Command, concerned
from ralph_hooks.core.finding import Finding
from ralph_hooks.core.model_errors import TooLarge
from ralph_hooks.core.ports.change import Snapshot
from ralph_hooks.core.ports.sandbox import Workbench
from ralph_hooks.core.prompt_diff import excerpt, render
from ralph_hooks.core.proof import Evidence, ProofOutcome
from ralph_hooks.core.report import Verdict, Verification
from ralph_hooks.core.route import Chain, Phase
from ralph_hooks.core.text import one_line, path_line, plural
from ralph_hooks.engine.models.access import ModelAccess
from ralph_hooks.engine.models.caller import Unanswered
from ralph_hooks.engine.review import prove
from ralph_hooks.engine.review.gate import Gate, Scope
from ralph_hooks.engine.review.review_input import ReviewInput
from ralph_hooks.errors import RepairRefused
from ralph_hooks.languages.test_files import decides_tests
from ralph_hooks.phases import verify
from ralph_hooks.phases.problem import Problem, described, failing

_CODE_TOKENS = 6_000  # about how much of a repair goes with each claim
_NAMED = 3  # failing tests or findings in a sentence

_ABOUT_TESTS = re.compile(r"(?i)\b(?:tests?|specs?|fixtures?)\b|\btest_|_test\b")


class VerificationResult(Struct, frozen=True, kw_only=True):
    """Result of verifying a repair."""

    told: str
    """One sentence for people."""
    wrong: tuple[str, ...] = ()
    """Problems, for the model that corrects it; empty if it is right or could not be verified."""
    verified: bool = False
    """True if verify commands ran on it and passed."""
    untried: tuple[str, ...] = ()
    """Tests that failed with the repair and without it, but not when the change was reviewed: most need a network."""
    reproduced: bool = False
    """True if reproducers of the findings ran on it, and pass."""
    unable: bool = False
    """True if it could not be verified; neither could another repair."""
    findings: tuple[Finding, ...] = ()
    """Findings of checks or models about the repair."""
    failures: tuple[Verification, ...] = ()
    """Verify commands that fail."""

    @property
    def passed(self) -> bool:
        """True if it may be kept."""
        return not self.wrong and not self.unable


class _Ended(Exception):
    """The verification ended before its last step."""

    def __init__(self, tried: VerificationResult) -> None:
        super().__init__(tried.told)
        self.tried = tried


def _refuse(told: str, *wrong: str) -> _Ended:
    return _Ended(VerificationResult(told=told, wrong=wrong or (told,)))


def _unable(why: str) -> _Ended:
    return _Ended(VerificationResult(told=f"could not be reviewed: {why}", unable=True))


class RepairVerifier:
    """Verification of the workbench's content.

    ``problem`` is to be fixed. Other problems of the reviewed change may remain: the findings ``spared``, and verify
    commands that failed or could not run (``failing_before``). ``judged`` holds the results of all commands on it.
    """

    def __init__(
        self,
        gate: Gate,
        models: ModelAccess,
        bench: Workbench,
        problem: Problem,
        *,
        spared: Sequence[Finding] = (),
        failing_before: Sequence[Verification] = (),
        judged: Sequence[Verification] = (),
    ) -> None:
        self._gate = gate
        self._models = models
        self._bench = bench
        self._problem = problem
        self._spared = frozenset(map(identity, spared))
        self._before = {item.command: item for item in failing_before}
        self._judged = {item.command: item for item in judged}
        self._untried: dict[str, None] = {}
        self._commands: Sequence[Command] = ()

    def run(self) -> VerificationResult:
        """Verify the content. Raises RalphError if only the user can help."""
        try:
            repair, repaired = self._bench.repair(), self._bench.repaired()
            if not repair.change.entries:
                raise _refuse("it changes nothing", "The files are as they were before the repair.")
            change = self._gate.examine(repaired, Scope.REVIEW)
            self._check(change)
            entries = (*repair.change.entries, *repaired.change.entries)
            self._commands = concerned(self._models.settings.verify.command_list, entries)
            reproduced = self._reproduce(repaired)
            verified = self._test(repair)
            self._ask_again(repair, repaired)
            self._review(change)
        except RepairRefused as refused:
            return VerificationResult(told=f"it breaks a rule for repairs: {refused}", wrong=(str(refused),))
        except _Ended as ended:
            return ended.tried
        return VerificationResult(
            told=self._pass_summary(verified=verified, reproduced=reproduced),
            verified=verified,
            reproduced=reproduced > 0,
            untried=tuple(self._untried),
        )

    def _pass_summary(self, *, verified: bool, reproduced: int) -> str:
        commands = len(self._commands)
        tests = f"{plural(commands, 'verify command')} pass{'es' * (commands == 1)}" if verified else ""
        claims = len(self._claimed)
        gone = f"{plural(claims, 'finding')} confirmed gone" if claims else ""
        proofs = f"{plural(reproduced, 'reproducer')} pass{'es' * (reproduced == 1)}" if reproduced else ""
        return ", ".join(filter(None, ("checks and models accept it", proofs, tests, gone)))

    def _check(self, change: ReviewInput) -> None:
        """Run the deterministic checks: none of them may block, neither a new finding nor one to be fixed."""
        blocking = self._blocking(change.checked.findings)
        if blocking:
            raise _objected(blocking)
        if change.checked.unfinished:
            raise _unable(f"the {change.checked.unfinished[0]} check did not end before the deadline")
        if change.checked.problems:
            raise _unable(change.checked.problems[0])

    def _reproduce(self, repaired: Snapshot) -> int:
        """Run the reproducer of each finding that has one on the repaired tree; return their number.

        It failed three times of three before: if it still fails, the repair has not fixed the finding.
        """
        shown = [f for f in self._problem.findings if f.proof and f.evidence in {Evidence.PROVED, Evidence.SHOWN}]
        if not shown or self._gate.prover is None:
            return 0
        deadline = self._models.caller.deadline
        prover = self._gate.prover(repaired.change)
        wrong: list[str] = []
        for finding in shown:
            assert finding.proof is not None  # those alone were taken
            runs = prove.run_again(
                prover, finding.proof, repaired.change.tree, self._models.settings.proof.timeout, deadline
            )
            failed = next((run for run in runs if run.outcome is not ProofOutcome.PASSED), None)
            if failed is None:
                continue
            if failed.outcome is ProofOutcome.NOT_RUN:
                raise _unable(f"the reproducer could not be run: {one_line(failed.tail)}")
            wrong.append(
                f"The test that shows the defect in {path_line(finding.path)} still fails "
                f"({failed.outcome.value}):\n{finding.proof.test.rstrip()}\n{failed.tail}"
            )
        if wrong:
            raise _refuse(f"{plural(len(wrong), 'reproducer')} still fail{'s' * (len(wrong) == 1)}", *wrong)
        return len(shown)

    def _test(self, repair: Snapshot) -> bool:
        """Run the verify commands; if the repair edited tests, run them with the original tests first.

        Most such repairs fail the first run, so that the whole takes the time of one run.
        """
        if not self._commands:
            return False
        undone = self._tests_undone(repair)
        if undone:
            held = {path: self._bench.read(path) for path in undone}
            self._bench.write(undone)
            try:
                self._run("with the tests as they were before the repair, ")
            finally:
                self._bench.write(held)
        return self._run("")

    def _run(self, how: str) -> bool:
        judged = tuple(self._judged.values())
        outcomes = self._models.pool.alone(
            "verify commands", partial(self._bench.verify, self._commands, self._models.caller.deadline, judged)
        )
        failed = tuple(item for item in outcomes if item.verdict is Verdict.FAIL and not self._failed_before(item))
        if failed:
            told = f"{how}{' and '.join(map(_fails, failed))}"
            raise _Ended(
                VerificationResult(told=told, wrong=tuple(f"{how}{failing(item)}" for item in failed), failures=failed)
            )
        for item in outcomes:
            if item.problem and item.command not in self._before:
                raise _unable(f"`{one_line(item.command)}`: {item.problem}")
            if gone := self._removed(item):
                raise _refuse(f"{how}it removes or skips failing tests instead of making them pass: {gone}")
            if lost := self._lost(item):
                raise _unable(f"`{one_line(item.command)}`: {lost}")
            self._untried |= dict.fromkeys(self._only_here(item))
        return all(item.verdict is Verdict.PASS for item in outcomes)

    def _removed(self, item: Verification) -> str:
        """Return a failing test that the repair has removed, although the task is not about tests."""
        if _ABOUT_TESTS.search(self._problem.instruction):
            return ""
        wanted = {name for failure in self._problem.failures for name in failure.new_failures}
        return one_line(next((name for name in item.removed_tests if name in wanted), ""))

    def _lost(self, item: Verification) -> str:
        """Return a test that is to be fixed, and now fails on the base as well: it shows nothing about the repair."""
        wanted = {name for failure in self._problem.failures for name in failure.new_failures}
        name = next((name for name in item.known_failures if name in wanted), "")
        if not name:
            return ""
        return (
            f"{one_line(name)} fails, and now on the base too, where it passed before: it is flaky, or needs the"
            " network, which repairs only have with `fix.network = true`"
        )

    def _only_here(self, item: Verification) -> list[str]:
        """Return old failures that passed when the change was reviewed: at that time a network was available."""
        judged = self._judged.get(item.command)
        known = frozenset(judged.known_failures if judged else item.known_failures)
        return [name for name in item.known_failures if name not in known]

    def _failed_before(self, item: Verification) -> bool:
        """Return True if the command failed on the reviewed change already, in the same way."""
        before = self._before.get(item.command)
        if before is None or before.verdict is not Verdict.FAIL:
            return False
        now, then = ({*each.new_failures, *each.missing_tests} for each in (item, before))
        return now <= then and bool(now) == bool(then)

    def _tests_undone(self, repair: Snapshot) -> dict[str, bytes | None]:
        """Return the original tests that the repair edited although it is not about tests: edits cannot excuse it."""
        if _ABOUT_TESTS.search(self._problem.instruction):
            return {}
        paths = self._problem.paths
        touched = [e for e in repair.change.entries if not {e.path, e.old_path} & {*paths}]
        touched = [e for e in touched if decides_tests(e.path) or decides_tests(e.old_path)]
        before = repair.contents(touched)
        undone: dict[str, bytes | None] = {entry.path: None for entry in touched}
        return undone | {entry.old_path: before[entry.path].old for entry in touched}

    @property
    def _claimed(self) -> list[Finding]:
        """Findings of models, which a model may withdraw; the project's rules are checked in any case."""
        return [f for f in self._problem.findings if "/" in f.source and f.category != "invariant"]

    def _ask_again(self, repair: Snapshot, repaired: Snapshot) -> None:
        """Send each finding of a model as a claim: does it still hold?"""
        there = {entry.path for entry in repaired.change.entries}
        by_chain: dict[Chain, list[Finding]] = defaultdict(list)
        for finding in self._claimed:
            route = self._models.settings.route(finding.path)
            if finding.path in there:  # else the file is as before the change
                by_chain[route.chain(Phase.VERIFY) or route.chain(Phase.ANALYZE)].append(finding)
        code = _Code(self._models, self._bench, repair)
        jobs = [
            partial(self._ask, findings[start : start + verify.MOST_CLAIMS], chain, code)
            for chain, findings in by_chain.items()
            for start in range(0, len(findings), verify.MOST_CLAIMS)
        ]
        kept: list[str] = []
        for answer in self._models.pool.run("findings checked again", jobs):
            if answer is None:
                raise _unable("the deadline was reached")
            kept += answer
        if kept:
            raise _refuse(f"{plural(len(kept), 'finding')} remaining: {kept[0]}", *kept)

    def _ask(self, findings: Sequence[Finding], chain: Chain, code: _Code) -> list[str]:
        claims = [verify.Claim(_still(finding), code.of(finding)) for finding in findings]
        try:
            verdicts, _ = self._models.caller.ask(verify.question(claims, self._models.caller.marker()), chain)
        except TooLarge:
            middle = len(findings) // 2
            return [kept for half in (findings[:middle], findings[middle:]) for kept in self._ask(half, chain, code)]
        except Unanswered as fault:
            raise _unable(str(fault)) from fault
        return [
            f"{path_line(finding.path)}: {finding.message} The verify model: {verdict.reason}"
            for finding, verdict in zip(findings, verdicts, strict=True)
            if verdict.holds
        ]

    def _review(self, change: ReviewInput) -> None:
        """Review the repaired change with the models, as the next commit will: their answers are cached for it."""
        reviewed = self._gate.review(change)
        kept = self._gate.keeps(change)
        blocking = self._blocking(reviewed.findings + kept.findings)
        if blocking:
            raise _objected(blocking)
        missing = [item.reason for item in reviewed.unreviewed if item.cause.unjudged]
        problems = [*missing, *reviewed.unconfirmed, *kept.problems]
        if problems:
            raise _unable(problems[0])

    def _blocking(self, findings: Sequence[Finding]) -> list[Finding]:
        return [finding for finding in findings if finding.blocking and identity(finding) not in self._spared]


class _Code:
    """The code that a claim about a repaired file needs."""

    def __init__(self, models: ModelAccess, bench: Workbench, repair: Snapshot) -> None:
        self._models = models
        self._bench = bench
        readable = tuple(e for e in repair.change.entries if e.unreadable() is None and not models.withheld(e.path))
        self._sources = ReviewInput(snapshot=repair, review=readable).sources(readable)

    def of(self, finding: Finding) -> str:
        """Return the repair of the file, or all of it if it is elsewhere, and the current file around the place."""
        near = [source for source in self._sources if source.path == finding.path] or self._sources
        parts = [p for s in near for p in render(s.entry, s.content, s.hunks, _CODE_TOKENS)[:1]]
        text = "The repair:\n" + "\n".join(part.text for part in parts)
        now = self._bench.read(finding.path)
        if now is not None and not self._models.withheld(finding.path, now):
            text += "\nThe file around the place, after the repair:\n"
            text += excerpt(decode(now).splitlines(), finding.line)
        return text


def _still(finding: Finding) -> str:
    where = f"{path_line(finding.path)}, line {finding.line} before the repair (`{finding.quote}`)"
    return f"After the repair this is still wrong: {where}: {finding.message}"


def identity(finding: Finding) -> tuple[str, str, str]:
    """Return an identifier of a finding across runs: a model's by the line it is about, because its wording changes."""
    certain = finding.category if "/" not in finding.source else ""
    return finding.path, certain, "".join((finding.context or finding.quote).split())


def _objected(findings: Sequence[Finding]) -> _Ended:
    named = "; ".join(f"{path_line(f.path)}:{f.line}: {one_line(f.message)}" for f in findings[:_NAMED])
    more = f"; and {len(findings) - _NAMED} more" if len(findings) > _NAMED else ""
    found = tuple(findings)
    told = f"{plural(len(found), 'blocking finding')}: {named}{more}"
    return _Ended(
        VerificationResult(told=told, wrong=tuple(described(Problem(findings=found), mark="N")), findings=found)
    )


def _fails(item: Verification) -> str:
    wrong = (*item.new_failures, *(f"{name} no longer runs" for name in item.missing_tests))
    names = ", ".join(map(one_line, wrong[:_NAMED]))
    more = f" and {len(wrong) - _NAMED} more" if len(wrong) > _NAMED else ""
    return f"`{one_line(item.command)}` fails{f': {names}{more}' if names else ''}"
