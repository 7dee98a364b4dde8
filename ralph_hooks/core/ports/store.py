"""State kept between runs: caches, reports and receipts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol

from ralph_hooks.core.change import Change
from ralph_hooks.core.push import Commit
from ralph_hooks.core.report import Receipt, Report


class Cache(Protocol):
    """Bytes by key, shared by all runs of this user. Safe from several threads and processes."""

    def get(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return those of ``keys`` that are cached and have not expired."""
        ...

    def put(self, items: Mapping[str, bytes], ttl: float | None = None) -> None:
        """Keep ``items``, for ``ttl`` seconds or until they are pruned."""
        ...


class ModelCache(Cache, Protocol):
    """Cache of models' answers: each was paid for, and may be shared with a team."""

    @property
    def notices(self) -> tuple[str, ...]:
        """Notices for the report, such as that the team's part of the cache could not be reached."""
        ...


class History(Protocol):
    """Reports of past runs."""

    def add(self, report: Report) -> None:
        """Keep ``report`` for `show`."""
        ...


class Labels(Protocol):
    """Outcomes of the findings that were shown."""

    def add(self, report: Report, change: Change, trees: Collection[str] = ()) -> None:
        """Keep what ``report`` on ``change`` shows, and decide about what was shown before.

        ``trees`` are those of the commits that are pushed.
        """
        ...


class Receipts(Protocol):
    """Record of the changes reviewed so far."""

    def add(self, receipt: Receipt) -> None:
        """Keep ``receipt``."""
        ...

    def skipped(self, commits: Sequence[Commit]) -> Mapping[str, str]:
        """Return what the user skipped when each of ``commits`` was last reviewed, by object id.

        Commits without a skip are left out.
        """
        ...

    def passed(self, settings: str, commits: Sequence[Commit]) -> frozenset[str]:
        """Return those of ``commits`` that an earlier run with the same ``settings`` has passed, by object id."""
        ...
