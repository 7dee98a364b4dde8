"""The follow-up to a rejected change: a repair, in the foreground or in the background."""

from __future__ import annotations

import os

import msgspec

from ralph_hooks.app.context import Context, has_jobs, open_state
from ralph_hooks.app.jobs import jobs_of
from ralph_hooks.app.repair import background
from ralph_hooks.app.repair.job_lock import hold_job_lock
from ralph_hooks.app.repair.repair import repair
from ralph_hooks.config import InHook, OnFailure, Unpriced
from ralph_hooks.core.job import Job, JobState
from ralph_hooks.core.ports.change import Push, Snapshot
from ralph_hooks.core.report import Report, Verdict
from ralph_hooks.core.route import Chain, Model, Phase, Wire
from ralph_hooks.core.text import one_line
from ralph_hooks.core.usage import total_cost
from ralph_hooks.git.fixes import store as fixes
from ralph_hooks.languages.change_kind import kind_of_path
from ralph_hooks.providers import registry
from ralph_hooks.reports.wording import blockers, has_secret
from ralph_hooks.store.ledger import UNPRICED_AGENT

_MORE = "only {first} of the rejected refs is repaired; push {others} again for its own repair"
_NO = ("", "0", "false", "no")


def handle_failure(context: Context, report: Report, snapshot: Snapshot) -> Report:
    """Return ``report`` with the follow-up to it. A repair that is already stored is not made again."""
    if not _wanted(context, report):
        return report
    stored = fixes.newest_for(context.repository, report.tree)
    if stored is not None:
        return msgspec.structs.replace(report, fix=stored.summarised())
    implementers = _implementers(context, report, snapshot)
    obstacles = [_obstacle(context, model) for model in implementers]
    if all(obstacles):  # also if no model is configured: then there is no message
        return _noting(report, *(f"no repair was started: {reason}" for reason in obstacles[:1]))
    if job := _known(context, report.tree):
        return msgspec.structs.replace(report, job=job.summarised())
    if context.settings.fix.in_hook is InHook.FOREGROUND or in_ci():
        with open_state(context.home, context.settings) as state:
            made = hold_job_lock(
                context, snapshot.change, report.command, lambda shown: repair(context, state, snapshot, shown=shown)
            )
            return _added(report, made)
    job = background.start(context, snapshot.change, report.command)
    return msgspec.structs.replace(report, job=job.summarised()) if job is not None else report


def follow_up_push(context: Context, report: Report, pushed: Push) -> Report:
    """Follow up on a push as `handle_failure`; of several refs one is repaired, since others may be built on it."""
    if len(pushed.targets) == 1:
        return handle_failure(context, report, pushed.targets[0].snapshot)
    verdicts = {(ref.tree, ref.base): ref.verdict for ref in report.refs}
    trees = [(portion, portion.snapshot.change) for portion in pushed.targets if portion.commits]
    refused = [portion for portion, it in trees if verdicts.get((it.tree, it.base)) is Verdict.FAIL]
    if not refused:
        return report
    first, *others = (", ".join(portion.refs) for portion in refused)
    own = msgspec.structs.replace(
        report,
        findings=tuple(finding for finding in report.findings if finding.ref == first),
        verification=tuple(run for run in report.verification if run.ref == first),
    )
    followed = handle_failure(context, own, refused[0].snapshot)
    told = _MORE.format(first=first, others=", ".join(others))
    begun = bool(others) and (followed.fix is not None or followed.job is not None)
    followed = msgspec.structs.replace(followed, findings=report.findings, verification=report.verification)
    return _noting(followed, told) if begun else followed


def in_ci() -> bool:
    """Return True in CI, where no one at a terminal could apply a repair later."""
    return os.environ.get("CI", "").lower() not in _NO


def _wanted(context: Context, report: Report) -> bool:
    """Return True if the change is rejected for a reason that a model may repair.

    A committed secret has to be revoked by hand.
    """
    by_change = bool(blockers(report)) or any(item.to_repair for item in report.verification)
    held = report.verdict is Verdict.FAIL and bool(report.exit_code) and by_change
    return held and context.settings.on_failure is OnFailure.FIX and not has_secret(report)


def _known(context: Context, tree: str) -> Job | None:
    """Return the running job for ``tree``, or one that would fail again; None if a repair is worth trying."""
    if not has_jobs(context.home):
        return None
    jobs = jobs_of(context.home, context.repository)
    job = jobs.get(tree)
    if job is None or job.state is JobState.FINISHED:  # its fix was removed
        return None
    return job if (jobs.runs(job) if job.state is JobState.RUNNING else job.settled) else None


def _implementers(context: Context, report: Report, snapshot: Snapshot) -> Chain:
    """Return every model that may be asked for the repair."""
    paths = [finding.path for finding in blockers(report)] or [entry.path for entry in snapshot.change.entries]
    settings = context.settings
    # Decided by path only: a file that its content may make boilerplate has the models for logic as well.
    chains = (
        chain
        for path in paths
        for chain in (settings.implementers(path, kind_of_path(path))[0], settings.route(path).chain(Phase.IMPLEMENT))
    )
    return tuple(dict.fromkeys(model for chain in chains for model in chain))


def _obstacle(context: Context, model: Model) -> str:
    """Return the reason why ``model`` cannot be asked for a repair; empty if it can."""
    if model.provider.wire is Wire.AGENT and context.settings.budget.unpriced is Unpriced.REFUSE:
        return UNPRICED_AGENT.format(model=model.id)
    return registry.obstacle(model, os.environ)


def _noting(report: Report, *notices: str) -> Report:
    return msgspec.structs.replace(report, notices=(*report.notices, *map(one_line, notices)))


def _added(report: Report, made: Report) -> Report:
    """Return ``report`` with the repair in ``made`` and its additional cost."""
    told = tuple(notice for notice in made.notices if notice not in report.notices)
    return msgspec.structs.replace(
        report,
        fix=made.fix,
        rungs=made.rungs,
        calls=report.calls + made.calls,
        cost_usd=total_cost((report.cost_usd, made.cost_usd)),
        baseline_usd=total_cost((report.baseline_usd, made.baseline_usd)),
        seconds=round(report.seconds + made.seconds, 3),
        notices=report.notices + told,
    )
