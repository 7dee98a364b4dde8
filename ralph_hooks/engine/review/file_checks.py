"""Run the checks that review one file at a time in parallel, each once per content."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import msgspec
from msgspec import Struct

from ralph_hooks.core.change import Entry
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.ports.change import Source
from ralph_hooks.core.ports.checks import Check, CheckResult, Hint
from ralph_hooks.core.ports.store import Cache
from ralph_hooks.engine.cache_keys import content_key, read_back
from ralph_hooks.engine.review import anchors
from ralph_hooks.engine.review.review_input import Checked, ReviewInput
from ralph_hooks.engine.worker_pool import run_all
from ralph_hooks.errors import RalphError


class _Job(Struct, frozen=True):
    check: Check
    keys: Mapping[str, str]
    missing: tuple[Entry, ...]


class _Tally:
    """Results as they come in, each under its check and path."""

    def __init__(self) -> None:
        self._results: list[tuple[str, str, CheckResult]] = []

    def take(self, check: Check, path: str, result: CheckResult) -> None:
        self._results.append((check.name, path, result))

    def checked(self, names: Sequence[str], unfinished: tuple[str, ...]) -> Checked:
        """Everything that was taken; the checks of a path in the order of ``names``."""
        hints: dict[str, list[Hint]] = {}
        looked: dict[str, set[str]] = {}
        for name, path, result in self._results:
            hints.setdefault(path, []).extend(result.hints)
            if result.looked:
                looked.setdefault(path, set()).add(name)
        return Checked(
            tuple(finding for _, _, result in self._results for finding in result.findings),
            {path: tuple(items) for path, items in hints.items()},
            unfinished,
            {path: tuple(name for name in names if name in found) for path, found in looked.items()},
        )


def run_file_checks(
    checks: Sequence[Check],
    change: ReviewInput,
    store: Cache,
    deadline: Deadline,
    begin: Callable[[], None] = lambda: None,
) -> Checked:
    """Return findings and hints of ``checks``; content that was checked before comes from the cache.

    ``begin`` is called before the first check runs, and not at all if every file is cached.
    """
    plans = [(check, _entries(check, change)) for check in checks]
    keys = [_keys(check, entries) for check, entries in plans]
    known = store.get([name for names in keys for name in names.values()])
    tally = _Tally()
    jobs: list[_Job] = []
    for (check, entries), names in zip(plans, keys, strict=True):
        recalled = {path: read_back(known.get(name), CheckResult) for path, name in names.items()}
        for path, result in recalled.items():
            if result is not None:
                tally.take(check, path, placed(result, path))
        missing = tuple(entry for entry in entries if recalled[entry.path] is None)
        if missing:
            jobs.append(_Job(check, names, missing))
    if jobs and not deadline.passed:
        begin()
        needed = {entry.path: entry for job in jobs for entry in job.missing}
        change.sources(list(needed.values()))  # read once, before the checks start side by side
    answers = run_all([partial(_run, job, change, deadline) for job in jobs], workers=len(jobs), deadline=deadline)
    fresh: dict[str, bytes] = {}
    for job, answer in zip(jobs, answers, strict=True):
        for path, result in (answer or {}).items():
            tally.take(job.check, path, result)
            fresh[job.keys[path]] = msgspec.json.encode(placed(result, ""))
    if fresh:
        store.put(fresh)
    unfinished = tuple(job.check.name for job, answer in zip(jobs, answers, strict=True) if not _is_whole(job, answer))
    return tally.checked([check.name for check in checks], unfinished)


def check_ahead(check: Check, sources: Sequence[Source], store: Cache, deadline: Deadline) -> None:
    """Cache the results of ``check`` for ``sources``, which may be versions of one path from many changes.

    A check that starts a process takes as long for thirty files as for one. Raises RalphError if it cannot run.
    """
    version = check.version
    missing = {result_key(check.name, version, each.entry): each for each in sources if check.applies(each.entry)}
    for key in store.get(missing):
        del missing[key]
    while missing:
        turn = {source.path: key for key, source in missing.items()}  # a check answers by path: one version at a time
        versions = [missing[key] for key in turn.values()]
        results = anchors.anchored_results(check.run(versions, deadline), versions)
        store.put({turn[path]: msgspec.json.encode(placed(result, "")) for path, result in results.items()})
        for key in turn.values():
            del missing[key]


def _is_whole(job: _Job, answer: Mapping[str, CheckResult] | None) -> bool:
    return answer is not None and all(entry.path in answer for entry in job.missing)


def _keys(check: Check, entries: Sequence[Entry]) -> dict[str, str]:
    if not entries:  # avoids computing the version for nothing
        return {}
    version = check.version  # once: to find it out takes longer than a key
    return {entry.path: result_key(check.name, version, entry) for entry in entries}


def result_key(check: str, version: str, entry: Entry) -> str:
    """Return the cache key of the result of this ``version`` of a check for ``entry``."""
    return content_key(f"check/{check}/anchors-{anchors.VERSION}", version, entry)


def placed(result: CheckResult, path: str) -> CheckResult:
    """Return ``result`` with its findings at ``path``, which is not stored: it may hold bytes that JSON cannot."""
    findings = tuple(msgspec.structs.replace(finding, path=path) for finding in result.findings)
    return msgspec.structs.replace(result, findings=findings)


def _entries(check: Check, change: ReviewInput) -> list[Entry]:
    candidates = change.review if check.source_only else change.review + change.scan
    return [entry for entry in candidates if check.applies(entry)]


def _run(job: _Job, change: ReviewInput, deadline: Deadline) -> Mapping[str, CheckResult] | None:
    """None if the deadline was too early for the check: that is for the user's policy, not an error."""
    try:
        sources = change.sources(job.missing)
        return anchors.anchored_results(job.check.run(sources, deadline), sources)
    except RalphError:
        if deadline.passed:
            return None
        raise
