"""Judges a push or a range: the net change by the gate, every single commit and its message by the secret scan."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import msgspec
from msgspec import Struct

from ralph_hooks.core.change import Change, decode
from ralph_hooks.core.finding import Finding
from ralph_hooks.core.guidance import MAX_INTENT
from ralph_hooks.core.ports.change import Push, PushTarget
from ralph_hooks.core.ports.checks import SecretCheck
from ralph_hooks.core.push import Commit, short
from ralph_hooks.core.report import PushedRef, Report, Verdict
from ralph_hooks.core.skips import VARIABLE
from ralph_hooks.core.text import beginning
from ralph_hooks.engine.review.gate import Gate, Scope
from ralph_hooks.engine.review.history_scan import HistoryScan, Leaks
from ralph_hooks.engine.review.message_scan import MessageScan
from ralph_hooks.engine.review.verdict import ReviewOutcome, decide

_SHOWN = 5
_MESSAGES = 20  # of the latest commits


class PushGate(Struct, frozen=True, kw_only=True):
    """The gate for a push. ``secrets`` is the check that every single commit must pass."""

    gate: Gate
    secrets: SecretCheck
    at_base: Callable[[Gate, Change], Gate] = lambda gate, _: gate
    """Return the gate with the guidelines and check settings that the base of a change has."""

    def judge(self, command: str, pushed: Push, scope: Scope, notices: Sequence[str] = ()) -> Report:
        """Return one report for everything that is pushed, kept for `show`, with a receipt for each portion.

        Raises RalphError if only the user can help; an outage is a verdict. ``notices`` are said first.
        """
        gate = self.gate
        started = gate.models.caller.deadline.clock()
        commits = [commit for portion in pushed.targets for commit in portion.commits]
        gates = [self.at_base(gate, portion.snapshot.change) for portion in pushed.targets]
        passed = frozenset(
            oid
            for portion, own in zip(pushed.targets, gates, strict=True)
            for oid in gate.receipts.passed(own.digest(), portion.commits)
        )
        scan = HistoryScan(
            self.secrets, store=gate.store, deadline=gate.models.caller.deadline, progress=gate.models.pool.progress
        )
        written = MessageScan(self.secrets, store=gate.store, deadline=gate.models.caller.deadline)
        verdicts: dict[tuple[str, str], Verdict] = {}
        reviewed = Scope.REVIEW in scope
        scans = reviewed and not gate.checks.skips.secrets
        tags, total = self._standing(pushed, written.tags(pushed)) if scans else (Leaks(), ReviewOutcome())
        named, dismissed = self._standing(pushed, written.refs(pushed)) if scans else (Leaks(), ReviewOutcome())
        total += dismissed
        for portion, own in zip(pushed.targets, gates, strict=True):
            leaks = scan.scan(pushed, portion) if scans else Leaks()
            messages = written.messages(pushed, portion.commits) if scans else Leaks()
            intent = self._intent(pushed, portion) if reviewed and portion.snapshot.change.entries else ""
            outcome = self._outcome(intending(own, intent), portion, leaks, messages, scope)
            change = portion.snapshot.change
            verdicts[change.tree, change.base], _ = decide(outcome)
            total += _named(outcome, ", ".join(portion.refs)) if len(pushed.targets) > 1 else outcome
        refused = (tree for (tree, _), verdict in verdicts.items() if verdict is Verdict.FAIL)
        report = _telling(gate, gates).report(command, pushed.title, next(refused, _first_tree(pushed)), total, started)
        report = msgspec.structs.replace(
            report,
            title=self.secrets.masked(pushed.title) if named.findings else pushed.title,
            refs=tuple(
                self._judged(ref, verdicts.get((ref.tree, ref.base)), (*tags.findings, *named.findings))
                for ref in pushed.refs
            ),
            base=pushed.targets[0].snapshot.change.base if len(pushed.targets) == 1 else "",
            commits=len(commits),
            new_commits=len(commits) - len(passed),
            notices=(*notices, *_skipped(gate, commits, passed), *report.notices, *gate.idle(scope)),
        )
        gate.history.add(report)
        for portion, own in zip(pushed.targets, gates, strict=True):
            if gate.labels is not None and reviewed:
                gate.labels.add(report, portion.snapshot.change, {commit.tree for commit in portion.commits})
            gate.receipts.add(own.receipt(report, portion.snapshot.change, scope, portion.commits))
        return report

    def _intent(self, pushed: Push, portion: PushTarget) -> str:
        """Return the messages of the latest commits."""
        if not self.gate.models.settings.models:  # no model would read it
            return ""
        oids = [commit.oid for commit in portion.commits[-_MESSAGES:]]
        texts = [message.text or b"" for message in pushed.messages(oids, MAX_INTENT)]
        return beginning("\n".join(decode(text).strip() for text in texts), MAX_INTENT)

    def _judged(self, ref: PushedRef, verdict: Verdict | None, found: Sequence[Finding]) -> PushedRef:
        """Return ``ref`` with its ``verdict``; secrets in its name or the text of a tag make it worse."""
        masked = self.secrets.masked(short(ref.ref)) if found else ""
        if not any(finding.path in {masked, short(ref.ref)} for finding in found):
            return msgspec.structs.replace(ref, verdict=verdict)
        names = {"ref": self.secrets.masked(ref.ref), "local_ref": self.secrets.masked(ref.local_ref)}
        return msgspec.structs.replace(ref, verdict=Verdict.FAIL, **names)

    def _standing(self, pushed: Push, found: Leaks) -> tuple[Leaks, ReviewOutcome]:
        """Return the findings of ``found`` in names and tags that are not dismissed, and their outcome."""
        changes = [portion.snapshot.change for portion in pushed.targets]
        change = changes[0] if changes else Change(tree="", base="", entries=(), title="")
        findings, dismissed = self.gate.dismissals_of(change).split(found.findings)
        standing = msgspec.structs.replace(found, findings=findings)
        return standing, _of(standing) + ReviewOutcome(dismissed=dismissed)

    def _outcome(self, gate: Gate, portion: PushTarget, leaks: Leaks, messages: Leaks, scope: Scope) -> ReviewOutcome:
        """Return the net change and its history in one. Findings of both count once, placed in the net change."""
        if not portion.commits:  # a tag of a tree or a blob: there is no project in it to run commands in
            scope &= ~Scope.COMMANDS
        net = gate.outcome(portion.snapshot, scope)
        known = {finding.place for finding in (*net.findings, *(item.finding for item in net.dismissed))}
        there = {entry.path for entry in portion.snapshot.change.entries}
        unscanned = tuple(item for item in leaks.unscanned if item.path not in there)
        new = tuple(finding for finding in leaks.findings if finding.place not in known)
        dismissals = gate.dismissals_of(portion.snapshot.change)
        total = net
        for found in (Leaks(new, unscanned, leaks.problem), messages):
            standing, dismissed = dismissals.split(found.findings)
            total += _of(msgspec.structs.replace(found, findings=standing)) + ReviewOutcome(dismissed=dismissed)
        return total


def _telling(gate: Gate, gates: Sequence[Gate]) -> Gate:
    """Return ``gate`` with the notices of all ``gates`` about their guidelines."""
    notices = tuple(dict.fromkeys(notice for each in gates for notice in each.models.guidance.notices))
    guidance = msgspec.structs.replace(gate.models.guidance, notices=notices)
    return msgspec.structs.replace(gate, models=msgspec.structs.replace(gate.models, guidance=guidance))


def intending(gate: Gate, intent: str) -> Gate:
    """Return ``gate`` for a change whose author means ``intent``; an intent from the command line takes precedence."""
    guidance = gate.models.guidance
    if not intent or guidance.intent:
        return gate
    models = msgspec.structs.replace(
        gate.models, guidance=msgspec.structs.replace(guidance, intent=intent, from_messages=True)
    )
    return msgspec.structs.replace(gate, models=models)


def _skipped(gate: Gate, commits: Sequence[Commit], passed: Collection[str]) -> tuple[str, ...]:
    """Name the commits that came past a part of the commit hook: `RALPH_HOOKS_SKIP`."""
    skipped = gate.receipts.skipped([commit for commit in commits if commit.oid not in passed])
    named = [f"{oid[:10]} ({names})" for oid, names in skipped.items()]
    if not named:
        return ()
    more = f" and {len(named) - _SHOWN:,} more" if len(named) > _SHOWN else ""
    return (f"committed with {VARIABLE}: {', '.join(named[:_SHOWN])}{more}; this push is reviewed as a whole",)


def _of(leaks: Leaks) -> ReviewOutcome:
    """Return what ``leaks`` add to a verdict."""
    return ReviewOutcome(
        findings=leaks.findings,
        unreviewed=leaks.unscanned,
        problems=(leaks.problem,) if leaks.problem else (),
        paths=len(leaks.unscanned),
    )


def _first_tree(pushed: Push) -> str:
    return pushed.targets[0].snapshot.change.tree if pushed.targets else ""


def _named(outcome: ReviewOutcome, refs: str) -> ReviewOutcome:
    """Return ``outcome`` with the refs it is about, for a report on several."""
    return msgspec.structs.replace(
        outcome,
        findings=tuple(_in(finding, refs) for finding in outcome.findings),
        verification=tuple(msgspec.structs.replace(run, ref=refs) for run in outcome.verification),
    )


def _in(finding: Finding, refs: str) -> Finding:
    return msgspec.structs.replace(finding, message=f"{finding.message} (in {refs})", ref=refs)
