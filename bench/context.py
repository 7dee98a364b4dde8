"""CPU and tokens of the context of a review, on real commits of flask: signatures of what the change calls."""

from __future__ import annotations

import os
import resource
import statistics
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import cast

from bench.figures import Figure, NotMeasured
from ralph_hooks.checks.secrets import Secrets
from ralph_hooks.config import Settings
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.prompt_diff import render
from ralph_hooks.core.usage import estimate_tokens
from ralph_hooks.engine.models.access import ModelAccess, withheld
from ralph_hooks.engine.review.context import CodeContext
from ralph_hooks.engine.review.review_input import ReviewInput, prepare
from ralph_hooks.git.history.log import commits
from ralph_hooks.git.snapshot import Repository, commit, open_repository

CLONE = "RALPH_HOOKS_BENCH_FLASK"
"""The environment variable with the folder of a clone of https://github.com/pallets/flask."""
COMMITS = 40
_LOOKED_AT = 600
_DEADLINE = 600.0  # seconds


class _Memory:
    """A cache that forgets nothing."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def get(self, keys: Iterable[str]) -> dict[str, bytes]:
        return {key: self.kept[key] for key in keys if key in self.kept}

    def put(self, items: Mapping[str, bytes], ttl: float | None = None) -> None:  # noqa: ARG002 - as the others
        self.kept.update(items)

    def for_new_trees(self) -> _Memory:
        """Return a copy that has outlines of files alone, not the result for a whole tree."""
        copy = _Memory()
        copy.kept = {key: value for key, value in self.kept.items() if value.startswith(b"[")}
        return copy


def measure() -> Iterator[Figure]:
    folder = os.environ.get(CLONE)
    if not folder:
        raise NotMeasured(f"set {CLONE} to the folder of a clone of https://github.com/pallets/flask")
    repository = open_repository(Path(folder))
    newest = commits(repository, "HEAD", max_count=_LOOKED_AT, no_merges=True)
    oids = [oid for oid in (each.commit.oid for each in newest) if _touches_code(repository, oid)][:COMMITS]
    Secrets().masked("password = 'correct-horse-91-battery'")  # every review has loaded the secret scan by now
    cold = [_cost(repository, oid, _Memory()) for oid in oids]
    warm = _Memory()
    for oid in oids:
        _cost(repository, oid, warm)
    later = [_cost(repository, oid, warm.for_new_trees()) for oid in oids]
    how = f"{len(oids)} commits that touch a Python file in src, each with an empty cache"
    yield Figure(what="CPU with an empty cache, median", value=_median(cold), unit="ms", how=how)
    yield Figure(what="the same, the slowest", value=max(cold), unit="ms", at_most=300)
    how = "the same commits once the files are in the index, as if their trees were new"
    yield Figure(what="CPU afterwards, median", value=_median(later), unit="ms", at_most=30, how=how)
    yield Figure(what="the same, the slowest", value=max(later), unit="ms")
    shown, changed = (sum(column) for column in zip(*(_tokens(repository, oid, warm) for oid in oids), strict=True))
    how = f"{shown:,.0f} tokens of signatures beside {changed:,.0f} of changes"
    yield Figure(what="tokens of signatures against those of the change", value=shown / changed, how=how)


def _touches_code(repository: Repository, oid: str) -> bool:
    entries = commit(repository, oid).change.entries
    return any(entry.path.startswith("src/") and entry.path.endswith(".py") for entry in entries)


def _median(values: Sequence[float]) -> float:
    return statistics.median(values)


def _cost(repository: Repository, oid: str, cache: _Memory) -> float:
    """Return the CPU time of the context of a commit, in milliseconds, with git's."""
    change, context = _context(repository, oid, cache)
    before = _cpu()
    context.digests(change.open_to_models)
    return (_cpu() - before) * 1000


def _tokens(repository: Repository, oid: str, cache: _Memory) -> tuple[float, float]:
    change, context = _context(repository, oid, cache)
    sources = change.sources(change.open_to_models)
    parts = [part for each in sources for part in render(each.entry, each.content, each.hunks, 16_000, 60)]
    signatures = context.signatures(change.open_to_models).values()
    texts = {signature.text for every in signatures for signature in every}
    return sum(map(estimate_tokens, texts)), sum(part.tokens for part in parts)


def _context(repository: Repository, oid: str, cache: _Memory) -> tuple[ReviewInput, CodeContext]:
    settings = Settings()
    models = SimpleNamespace(
        settings=settings,
        limits=settings.gate,
        caller=SimpleNamespace(deadline=Deadline(_DEADLINE, time.monotonic)),
        withheld=partial(withheld, settings, settings.gate.exclude),
    )
    change = prepare(commit(repository, oid), settings, settings.gate.exclude, cache)
    change.sources(change.open_to_models)  # every review reads them
    return change, CodeContext(cast("ModelAccess", models), change, cache, Secrets())


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)
