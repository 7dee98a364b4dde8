"""Execution of a backtest: in threads of this process, or on the workers of a Dask cluster."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from msgspec import Struct

from ralph_hooks.app.context import Context
from ralph_hooks.app.wiring import build_batching, build_remote, build_trial
from ralph_hooks.checks.all import slow_checks
from ralph_hooks.core.backtest import Example
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.ports.change import Source
from ralph_hooks.core.ports.cluster import Cluster
from ralph_hooks.core.ports.models import ModelClient
from ralph_hooks.core.report import Report
from ralph_hooks.engine.backtest.batch import Batching
from ralph_hooks.engine.backtest.prefetch import InMemorySnapshot, Prefetcher
from ralph_hooks.engine.backtest.replay import judge
from ralph_hooks.engine.review.file_checks import check_ahead
from ralph_hooks.git.push import GitPush
from ralph_hooks.git.snapshot import Repository
from ralph_hooks.store.cache import NamespacedCache, Verdicts
from ralph_hooks.store.state import State

_AHEAD = 60.0  # seconds for a linter to check the files of some changes
AT_ONCE = 4
"""The default number of changes judged concurrently on this machine."""


class Replayer(Struct, frozen=True, kw_only=True):
    """The resources that one run of `ralph-hooks backtest` shares."""

    state: State
    repository: Repository
    client: ModelClient
    cluster: Cluster | None
    """The Dask cluster; None for this machine."""
    run: str
    """The run id, shared by all routings so that the cap covers them together."""
    proves: bool = False
    """True if reproducers are run."""

    def places(self, wanted: int | None) -> int:
        """Return the number of changes to judge concurrently, given the user's choice ``wanted``."""
        if self.cluster is None:
            return wanted or AT_ONCE
        return min(self.cluster.places, wanted or self.cluster.places)

    def batching(self, context: Context, repetition: int, tell: Callable[[str], None]) -> Batching:
        """Return the client whose requests go out as batches; repetitions share no answers."""
        return build_batching(context, self.state, self.run, f"backtest-{repetition}", tell)

    def judge(
        self, context: Context, examples: Sequence[Example], repetition: int, batch: Batching | None = None
    ) -> Callable[[Example], Report]:
        """Return a function that judges ``examples`` by the settings of ``context``; repetitions share no answers."""
        apart = f"backtest-{repetition}"
        store = NamespacedCache(Verdicts(self.state.database), apart)

        def look_ahead(sources: Sequence[Source]) -> None:
            for check in slow_checks():
                check_ahead(check, sources, store, Deadline(_AHEAD, time.monotonic))

        shelf = Prefetcher(GitPush(self.repository, "examples", ()), examples, look_ahead)
        if self.cluster is None:
            return lambda example: self._here(context, shelf.take(example), apart, batch)
        remote = build_remote(context, self.state, self.cluster, run=self.run, apart=apart)

        def there(example: Example) -> Report:
            snapshot = shelf.take(example)
            return remote.judge(snapshot, lambda: self._here(context, snapshot, apart))

        return there

    def _here(self, context: Context, snapshot: InMemorySnapshot, apart: str, batch: Batching | None = None) -> Report:
        gate = build_trial(
            context,
            self.state,
            self.repository,
            snapshot.change,
            run=self.run,
            client=self.client,
            apart=apart,
            batch=batch,
            proves=self.proves,
        )
        return judge(gate, snapshot)
