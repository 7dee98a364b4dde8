"""Run the project's own linters on a change, once for the same change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct

from ralph_hooks.config import Settings
from ralph_hooks.core.change import Entry
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.linter import BlockAt, Linter
from ralph_hooks.core.ports.checks import LinterResult, Linters
from ralph_hooks.core.ports.store import Cache
from ralph_hooks.core.route import Phase
from ralph_hooks.core.skips import Skips
from ralph_hooks.engine.cache_keys import content_key, key, read_back
from ralph_hooks.engine.review import anchors
from ralph_hooks.engine.review.review_input import Checked, ReviewInput

_DAY = 86_400.0  # seconds: a linter depends on more than we can see


class _Job(Struct, frozen=True):
    linter: Linter
    entries: tuple[Entry, ...]
    key: str


def run_linters(
    linters: Linters, change: ReviewInput, cache: Cache, deadline: Deadline, settings: Settings, skips: Skips
) -> Checked:
    """Return the findings and hints of ``linters`` on ``change``."""
    jobs = [_job(linters, linter, entries, change) for linter, entries in _wanted(linters, change, settings, skips)]
    known = cache.get([job.key for job in jobs]) if jobs else {}
    results = [_placed(read_back(known.get(job.key), LinterResult), job) for job in jobs]
    missing = [index for index, result in enumerate(results) if result is None]
    checked = Checked()
    if missing and deadline.passed:
        names = tuple(jobs[index].linter.name for index in missing)
        checked += Checked(unfinished=names)
    elif missing:
        asked = [(jobs[index].linter, change.sources(jobs[index].entries)) for index in missing]
        answers = linters.run(asked, change.snapshot.change, deadline)
        for index, (_, sources), answer in zip(missing, asked, answers, strict=True):
            found = anchors.anchored_all(answer.findings, sources)
            fresh = results[index] = msgspec.structs.replace(answer, findings=found)
            if not fresh.problem and not fresh.remark:
                cache.put({jobs[index].key: msgspec.json.encode(_numbered(fresh, jobs[index]))}, ttl=_DAY)
        checked += Checked(remarks=tuple(linters.caveats()))
    for job, result in zip(jobs, results, strict=True):
        if result is not None:
            checked += _checked(job, result)
    return checked


def _wanted(
    linters: Linters, change: ReviewInput, settings: Settings, skips: Skips
) -> list[tuple[Linter, tuple[Entry, ...]]]:
    """Return the linters with a file to check and a use for the result."""
    wanted = []
    for linter in linters.linters:
        entries = tuple(entry for entry in change.review if linter.covers(entry))
        if linter.block_at is BlockAt.HINT and (skips.models or not _read_by_models(entries, settings)):
            continue
        if entries and not skips.check(linter.name):
            wanted.append((linter, entries))
    return wanted


def _read_by_models(entries: Sequence[Entry], settings: Settings) -> bool:
    return any(settings.route(entry.path).chain(Phase.ANALYZE) for entry in entries)


def _job(linters: Linters, linter: Linter, entries: tuple[Entry, ...], change: ReviewInput) -> _Job:
    whole = change.snapshot.change
    contents = (content_key("", "", entry) for entry in entries)
    name = key("linter", anchors.VERSION, linters.version(linter), whole.base, whole.tree, *contents)
    return _Job(linter, entries, name)


def _numbered(result: LinterResult, job: _Job) -> LinterResult:
    """Return ``result`` as it is stored, a number for each path: one may hold bytes that JSON cannot."""
    return _renamed(result, {entry.path: str(number) for number, entry in enumerate(job.entries)})


def _placed(result: LinterResult | None, job: _Job) -> LinterResult | None:
    if result is None:
        return None
    return _renamed(result, {str(number): entry.path for number, entry in enumerate(job.entries)})


def _renamed(result: LinterResult, names: Mapping[str, str]) -> LinterResult:
    return msgspec.structs.replace(
        result,
        findings=tuple(msgspec.structs.replace(finding, path=names[finding.path]) for finding in result.findings),
        hints={names[path]: hints for path, hints in result.hints.items()},
    )


def _checked(job: _Job, result: LinterResult) -> Checked:
    return Checked(
        result.findings,
        {path: tuple(hints) for path, hints in result.hints.items()},
        looked={} if result.problem else {entry.path: (job.linter.name,) for entry in job.entries},
        problems=tuple(filter(None, [result.problem])),
        remarks=tuple(filter(None, [result.remark])),
    )
