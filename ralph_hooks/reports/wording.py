"""Wording shared by all formats: selections of a report, its headline, its cost."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from posixpath import basename, splitext

from ralph_hooks.core.finding import Finding
from ralph_hooks.core.job import JobState
from ralph_hooks.core.model_errors import BudgetReached, NoCredential
from ralph_hooks.core.proof import Evidence, Proof
from ralph_hooks.core.report import Cause, CheckedFile, RepairStep, Report, Unreviewed, Verdict, Verification
from ralph_hooks.core.text import money, one_line, path_line, plural
from ralph_hooks.core.usage import Call

SHOW = "ralph-hooks show"
"""The command that shows the last report without any omissions."""

_NEVER_SENT = (BudgetReached.outcome, NoCredential.outcome)
_MINUTE = 60.0
_NAMED = 3  # kinds of files in a headline
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def blockers(report: Report) -> tuple[Finding, ...]:
    """Return the findings that block the change."""
    return tuple(finding for finding in report.findings if finding.blocking)


def advice(report: Report) -> tuple[Finding, ...]:
    """Return the findings that do not block and that the verify phase did not contradict."""
    return tuple(finding for finding in report.findings if not finding.blocking and finding.confirmed is not False)


def unconfirmed(report: Report) -> tuple[Finding, ...]:
    """Return the model findings that the verify phase did not confirm."""
    return tuple(finding for finding in report.findings if not finding.blocking and finding.confirmed is False)


def commands(report: Report, verdict: Verdict) -> tuple[Verification, ...]:
    """Return the verify commands with the outcome ``verdict``."""
    return tuple(item for item in report.verification if item.verdict is verdict)


def requests(report: Report) -> tuple[Call, ...]:
    """Return the calls that were sent to a provider."""
    return tuple(call for call in report.calls if not call.from_store and call.outcome not in _NEVER_SENT)


def place(finding: Finding) -> str:
    """Return ``path:line``, which editors and terminals turn into a link."""
    return f"{path_line(finding.path)}:{finding.line}"


def origin(finding: Finding) -> str:
    """Return the source and its confidence: ``ruff``, or ``confidence 0.92, provider/model`` for a model."""
    removed = "removed code, " if finding.removed else ""
    sure = f"confidence {finding.confidence:.2f}, " if finding.by_model else ""
    return f"{removed}{sure}{one_line(finding.source)}"


def origin_and_id(finding: Finding) -> str:
    """Return `origin` with the short id, which `ralph-hooks dismiss` takes."""
    return f"{origin(finding)}, id {finding.id}"


def evidence(finding: Finding) -> str:
    """Return the evidence for a model's finding: ``proved: ZeroDivisionError at shop.py:3``; empty for a check's."""
    if finding.evidence is Evidence.CHECK:
        return ""
    why = finding.proof.reason if finding.proof is not None else finding.note
    return f"{finding.evidence.value}: {one_line(why)}" if why else finding.evidence.value


def reproducer(finding: Finding) -> str:
    """Return the result of the reproducer of ``finding``, and the command that shows it; empty if none was run."""
    if finding.proof is None:
        return ""
    return f"reproducer: {runs(finding.proof)}: ralph-hooks show --proof {finding.id}"


def runs(proof: Proof) -> str:
    """Return the results of a reproducer: ``fails 3 of 3: TypeError (change), passes 3 of 3 (base)``."""
    on_change, on_base = (one_line(text.partition("\n")[0]) for text in (proof.on_change, proof.on_base))
    return f"{on_change} (change), {on_base} (base)"


def dismissed(report: Report) -> str:
    """Return the number of dismissed findings: ``3 dismissed, 1 of them by this change``; empty for none."""
    count = len(report.dismissed)
    brought = sum(item.in_change for item in report.dismissed)
    return f"{count:,} dismissed{f', {brought:,} of them by this change' if brought else ''}" if count else ""


def dismiss_command(report: Report) -> str:
    """Return the command that dismisses the first blocking finding; empty if none blocks."""
    found = blockers(report)
    return f"ralph-hooks dismiss {found[0].id} --reason 'why it is wrong'" if found else ""


def confirmers(report: Report) -> str:
    """Return the models that answered the verify phase, for display; empty if none did."""
    models = dict.fromkeys(call.model for call in report.calls if call.phase == "verify" and call.outcome == "ok")
    return " or ".join(one_line(model) for model in models)


def outcome(item: Verification) -> str:
    """Return the result of a verify command: ``exit 1, 12.3 s``; with its ref if several were judged."""
    where = f"{one_line(item.ref)}: " if item.ref else ""
    if item.problem:
        return where + one_line(item.problem)
    took = duration(item.seconds)
    ended = f"stopped after {took}" if item.exit_code is None else f"exit {item.exit_code}, {took}"
    return f"{where}{ended}{', in an earlier run' if item.from_store else ''}"


def tail_lines(text: str) -> list[str]:
    """Return the lines of a command's output without colours or outer blank lines, ready for `core.text.one_line`.

    Test runners print colours even without a terminal; escaped, these are noise. Other control sequences stay and are
    escaped when printed.
    """
    plain = _COLOUR.sub("", text).strip("\r\n")
    return [line.rstrip().expandtabs() for line in plain.split("\n")] if plain.strip() else []


def clip(text: str, limit: int) -> str:
    """Return ``text`` cut to ``limit`` characters, with an ellipsis if it was cut."""
    return text if len(text) <= limit else text[: max(0, limit - 3)] + "..."


def grouped(unreviewed: tuple[Unreviewed, ...]) -> str:
    """Return the reasons with their counts, most frequent first: ``lock file x2, binary``."""
    counts = Counter(one_line(item.reason) for item in unreviewed).most_common()
    if len(counts) == 1:
        return counts[0][0]
    return ", ".join(reason if count == 1 else f"{reason} x{count:,}" for reason, count in counts)


def duration(seconds: float) -> str:
    """Return ``0.14 s``, ``12.3 s``, ``2 min 5 s``."""
    if seconds < 1:
        return f"{seconds:.2f} s"
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    return f"{seconds // _MINUTE:.0f} min {seconds % _MINUTE:.0f} s"


def cost(report: Report) -> str:
    """Return the cost of the run: ``$0.0004, 2 requests, 1.3 s``."""
    sent = requests(report)
    parts = []
    if sent:
        parts += [_price(report), plural(len(sent), "request")]
        if len(sent) < len(report.calls) and any(call.from_store for call in report.calls):
            parts.append("the rest cached")
    elif report.calls and all(call.from_store for call in report.calls):
        parts.append("cached, no requests")
    else:
        parts.append("no requests")
    return ", ".join([*parts, duration(report.seconds)])


def _price(report: Report) -> str:
    if report.cost_usd is not None:
        return money(report.cost_usd)
    unpriced = dict.fromkeys(one_line(call.model) for call in requests(report) if call.cost_usd is None)
    if not unpriced:
        return "cost unknown"
    return f"cost unknown (no price for {', '.join(unpriced)}), not counted in budgets"


def headline(report: Report) -> str:
    """Return one line: the verdict in capitals and its reason; for `ralph-hooks fix`, the result of the repair."""
    if is_repair(report):
        what = "REPAIRED" if report.fix is not None else "NOT REPAIRED"
        why = failures(report) if report.verdict is Verdict.FAIL else "as you asked"
        return f"{what}: {one_line(report.title)}: {why}"
    match report.verdict:
        case Verdict.PASS:
            return f"PASS: {', '.join([*_coverage(report), cost(report)])}"
        case Verdict.INCONCLUSIVE:
            passed = commands(report, Verdict.PASS)
            beside = f"; {plural(len(passed), 'command')} passed" if passed else ""
            return f"NOT REVIEWED: {one_line(report.reason)}{beside}"
        case Verdict.FAIL:
            return f"FAIL: {one_line(report.title)}: {failures(report)}"


def failures(report: Report) -> str:
    """Return the number of blocking problems: ``2 blocking findings, 1 failing command``."""
    found, failed = len(blockers(report)), len(commands(report, Verdict.FAIL))
    parts = [plural(found, "blocking finding")] if found else []
    parts += [plural(failed, "failing command")] if failed else []
    return ", ".join(parts) or one_line(report.reason)


def _coverage(report: Report) -> list[str]:
    """Return the coverage of a pass: the number of files by reviewer (model, checks, none) and the commands run."""
    parts = [_commits(report)] if report.commits else []
    files = [f"{plural(report.reviewed, 'file')} reviewed"] if report.reviewed else []
    unread = tuple(item for item in report.unreviewed if item.cause is Cause.CONTENT)
    others = tuple(item for item in report.unreviewed if item.cause not in {Cause.CONTENT, Cause.NOT_ASKED})
    by_path = {item.path: item for item in report.checked}
    scanned = tuple(item for item in others if item.path in by_path and by_path[item.path].only_scanned)
    unseen = tuple(item for item in others if item.path in by_path and not by_path[item.path].checks)
    checked = tuple(item for item in others if item not in scanned and item not in unseen)
    for items, word in (
        (checked, "only checked"),
        (scanned, "scanned for secrets only"),
        (unseen, "not checked"),
        (unread, "not read"),
    ):
        if items:
            what = f"{len(items):,}" if files else plural(len(items), "file")
            kinds = _kinds(items) if items is scanned else ()
            lacking = f", no checker for {', '.join(kinds)}" if kinds else ""
            files.append(f"{what} {word} ({grouped(items)}{lacking})")
    parts += files
    passed = commands(report, Verdict.PASS)
    if passed:
        parts.append(f"{plural(len(passed), 'command')} passed")
    known = sum(len(item.known_failures) for item in passed)
    if known:
        parts.append(plural(known, "known failure"))
    removed = sum(len(item.removed_tests) for item in passed)
    if removed:
        parts.append(f"{plural(removed, 'test')} removed or skipped by the change")
    hints = len(advice(report))
    if hints:
        parts.append(f"advice: {hints:,} ({SHOW})")
    if report.dismissed:
        parts.append(dismissed(report))
    return parts or [one_line(report.reason) if report.paths else "nothing to review"]


def looked_at(item: CheckedFile) -> str:
    """Return the checks of one file: ``ruff, secrets``, or ``scanned for secrets only: no checker for .sql``."""
    if item.only_scanned:
        return f"scanned for secrets only: no checker for {one_line(_kind(item.path))}"
    return ", ".join(map(one_line, item.checks)) or "not checked"


def _looked(item: CheckedFile) -> str:
    return f"checked by {looked_at(item)}" if item.checks and not item.only_scanned else looked_at(item)


def left_out(report: Report) -> tuple[str, ...]:
    """Return a line for each path that no model reviewed: the reason, and its checks."""
    by_path = {item.path: item for item in report.checked}
    return tuple(
        f"{path_line(item.path)}: {one_line(item.reason)}"
        + (f" ({_looked(by_path[item.path])})" if item.path in by_path else "")
        for item in report.unreviewed
    )


def _kinds(items: Sequence[Unreviewed]) -> tuple[str, ...]:
    """Return the kinds of files without a checker; files that a rule leaves out are omitted."""
    kinds = dict.fromkeys(one_line(_kind(item.path)) for item in items if item.cause is not Cause.EXCLUDED)
    return (*list(kinds)[:_NAMED], "...") if len(kinds) > _NAMED else tuple(kinds)


def _kind(path: str) -> str:
    name = basename(path)
    return splitext(name)[1] or name


def _commits(report: Report) -> str:
    """Return the number of commits in a push or range, and how many of them bypassed every hook."""
    new = f" ({report.new_commits:,} not reviewed before)" if report.new_commits else ""
    return plural(report.commits, "commit") + new


def next_step(report: Report) -> str:
    """Return the user's next step after a run that did not pass."""
    if is_repair(report):
        return repair(report) or f"fix it by hand, {again(report)}"
    if report.verdict is Verdict.INCONCLUSIVE:
        if any(item.cause is Cause.BUDGET for item in report.unreviewed):
            return "raise the budget named above, or wait until its day or month is over"
        once = ", or set RALPH_HOOKS_WHEN_UNAVAILABLE=open for this run" if report.exit_code else ""
        return f"fix the cause above, or try again later{once}"
    return f"fix this, {again(report)}" if report.exit_code else "nothing is blocked; fix this before you continue"


def again(report: Report) -> str:
    """Return how to resubmit a repaired change to the hook that rejected it; a range in CI counts as pushed."""
    if report.title == WORKTREE:
        return "then `ralph-hooks gate --worktree --format agent`"
    pushed = report.command == "pre-push" or (report.commits and report.command != "fix")
    return "commit and push again" if pushed else "`git add` the files and commit again"


def is_repair(report: Report) -> bool:
    """Return True if the report is about a repair rather than a hook's verdict."""
    return report.command == "fix" and (bool(report.rungs) or report.verdict is Verdict.FAIL)


def rung(item: RepairStep) -> str:
    """Return one step of a repair: ``implement (attempt 1 of 2): 2 edits in 1 file; provider/model, $0.0123``."""
    facts = [one_line(item.model)] if item.model else []
    if item.cost_usd is None:
        facts.append("cost unknown")
    elif item.cost_usd or item.model:
        facts.append(money(item.cost_usd))
    said = "; ".join(filter(None, (one_line(item.outcome), ", ".join(facts))))
    return f"{item.step.value} ({one_line(item.reason)}): {said}"


WORKTREE = "uncommitted changes"
"""The title of a report on all uncommitted changes (`git.worktree`)."""
REVOKE = "revoke any secret that was ever committed or shared; removing it is not enough"
"""The advice for a blocking finding that is a secret."""


def has_secret(report: Report) -> bool:
    """Return True if a secret is among the blocking findings."""
    return any(finding.category == "secret" for finding in blockers(report))


def repair(report: Report) -> str:
    """Return the stored fix for display: ``a verified fix of 2 files (+10 -3) is stored``; empty without one."""
    if report.fix is None:
        return ""
    kind = "a verified fix" if report.fix.verified else "an unverified fix"
    size = f"{plural(report.fix.files, 'file')} (+{report.fix.insertions:,} -{report.fix.deletions:,})"
    return f"{kind} of {size} is stored: ralph-hooks apply {one_line(report.fix.id)}"


def background(report: Report) -> str:
    """Return the state of the background repair for display; empty without one."""
    job = report.job
    if job is None or job.state == JobState.FINISHED:  # then the stored fix is shown instead
        return ""
    if job.state == JobState.RUNNING:
        return "a repair is running: ralph-hooks apply waits for it, ralph-hooks show shows its progress"
    return f"an earlier repair ended: {one_line(job.outcome)}; ralph-hooks fix tries again"
