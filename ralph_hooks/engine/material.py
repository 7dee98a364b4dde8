"""Content and changed lines of a change's files, read from git once and only when somebody asks."""

from __future__ import annotations

from collections.abc import Sequence

from ralph_hooks.core.change import Entry
from ralph_hooks.core.ports import Snapshot, Source


class Material:
    """Sources by path. A commit whose verdicts are all known never asks."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._sources: dict[str, Source] = {}

    def sources(self, entries: Sequence[Entry]) -> list[Source]:
        """The sources of ``entries``, in their order."""
        missing = [entry for entry in entries if entry.path not in self._sources]
        if missing:
            contents = self._snapshot.contents(missing)
            hunks = self._snapshot.hunks(missing)
            for entry in missing:
                self._sources[entry.path] = Source(entry, contents[entry.path], hunks.get(entry.path, ()))
        return [self._sources[entry.path] for entry in entries]
