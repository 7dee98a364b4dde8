"""A complete repair: judge (from the cache if possible), try the repair steps in order, store the report."""

from __future__ import annotations

import time
from collections.abc import Sequence

import msgspec

from ralph_hooks.app.context import Context
from ralph_hooks.app.wiring import build_gate, open_fixer
from ralph_hooks.config import OnFailure
from ralph_hooks.core.change import Change
from ralph_hooks.core.ports.change import Snapshot
from ralph_hooks.core.ports.progress import Progress
from ralph_hooks.core.report import Report, Verdict
from ralph_hooks.core.text import one_line, path_line
from ralph_hooks.engine.review.gate import Scope
from ralph_hooks.engine.review.verdict import POLICY
from ralph_hooks.engine.review.verify_commands import Remembering
from ralph_hooks.errors import ExitCode, RalphError
from ralph_hooks.git.fixes import store as fixes
from ralph_hooks.store.reports import Reports
from ralph_hooks.store.state import State

_LOOKED_AT = 5  # reports
_MOMENT = 3600.0  # seconds


def repair(
    context: Context,
    state: State,
    snapshot: Snapshot,
    *,
    instruction: str = "",
    wanted: Sequence[str] = (),
    again: bool = False,
    notices: Sequence[str] = (),
    shown: Progress | None = None,
) -> Report:
    """Judge ``snapshot``, repair its problems, and store the report with the result.

    ``wanted`` are findings by number or fingerprint; a stored fix is reused unless ``again`` is set; ``notices`` are
    shown first; ``shown`` receives the progress. Raises RalphError if only the user can help.
    """
    settings = msgspec.structs.replace(context.settings, on_failure=OnFailure.BLOCK)  # a repair lets no change through
    context = msgspec.structs.replace(context, settings=settings)
    limits = msgspec.structs.replace(settings.gate, deadline=settings.fix.deadline)
    gate = build_gate(context, state, "fix", limits, snapshot, shown)
    refused = None if again else _just_refused(context, state, snapshot.change)
    if refused is not None:
        gate = msgspec.structs.replace(gate, verifier=Remembering(gate.verifier, refused))
    try:
        report = gate.assess("fix", snapshot, Scope.REVIEW | Scope.COMMANDS, final=False)
        findings = _fingerprints(report, wanted)
        asked = bool(instruction or findings)
        known = None if asked or again else fixes.newest_for(context.repository, snapshot.change.tree)
        if known is not None and report.verdict is Verdict.FAIL:
            report = msgspec.structs.replace(report, fix=known.summarised())
            notices = (*notices, "this fix was already stored and cost nothing; --again makes another")
        elif asked or report.verdict is Verdict.FAIL:
            with open_fixer(context, gate, snapshot) as fixer:
                report = fixer.repair(report, snapshot, instruction=instruction, chosen=findings)
    finally:
        gate.models.caller.close()
    report = _closed(report, notices)
    gate.history.add(report)
    return report


def _just_refused(context: Context, state: State, change: Change) -> Report | None:
    """Return the report that just rejected ``change``, so that its failed commands need not run again."""
    recent = Reports(state.database, context.known_as()).recent(_LOOKED_AT)
    for kept in recent:
        same = (kept.report.tree, kept.report.base) == (change.tree, change.base)
        if same and kept.report.verification and time.time() - kept.time < _MOMENT:
            return kept.report
    return None


def _fingerprints(report: Report, wanted: Sequence[str]) -> tuple[str, ...]:
    """Return the fingerprints of the findings that the user names. Raises RalphError for an unknown one."""
    known = [finding.fingerprint for finding in report.findings]
    found: list[str] = []
    for name in wanted:
        if name.isdigit() and 0 < int(name) <= len(known):
            found.append(known[int(name) - 1])
            continue
        same = [each for each in dict.fromkeys(known) if each.startswith(name.lower())]
        if len(same) != 1:
            what = "more than one finding has" if same else "no finding has"
            listed = "; ".join(
                f"{number}: {path_line(finding.path)}:{finding.line} {finding.fingerprint}"
                for number, finding in enumerate(report.findings, start=1)
            )
            raise RalphError(f"{what} the number or fingerprint {one_line(name)!r}", listed or "there are no findings")
        found += same
    return tuple(found)


def _closed(report: Report, notices: Sequence[str]) -> Report:
    """Return ``report`` with this command's exit code, and without notices about changes that a hook would pass."""
    if report.fix is not None:
        code = ExitCode.PASS
    elif report.rungs or report.verdict is Verdict.FAIL:
        code = ExitCode.REJECTED
    else:
        code = ExitCode.UNJUDGED if report.verdict is Verdict.INCONCLUSIVE else ExitCode.PASS
    kept = [notice for notice in report.notices if notice not in POLICY.values()]
    return msgspec.structs.replace(report, exit_code=code, notices=(*notices, *kept))
