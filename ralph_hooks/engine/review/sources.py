"""Content and changed lines of a change's files, read from git once and only when somebody asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from ralph_hooks.core.change import Content, Entry, Hunk
from ralph_hooks.core.ports.change import Snapshot, Source

_AT_ONCE = 1_000  # files: their lines take about ten times their size in memory, so a push of thousands comes in parts


class SourceCache:
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


def parts(snapshot: Snapshot) -> Iterator[Snapshot]:
    """``snapshot`` in parts of as many files as are held in memory at once; most changes are one."""
    entries = snapshot.change.entries
    if len(entries) <= _AT_ONCE:
        yield snapshot
        return
    for start in range(0, len(entries), _AT_ONCE):
        yield _Part(snapshot, entries[start : start + _AT_ONCE])


class _Part:
    """Some files of a change, as a snapshot of their own."""

    def __init__(self, whole: Snapshot, entries: tuple[Entry, ...]) -> None:
        self.change = msgspec.structs.replace(whole.change, entries=entries)
        self._whole = whole

    def sizes(self, entries: Sequence[Entry]) -> Mapping[str, int]:
        return self._whole.sizes(entries)

    def contents(self, entries: Sequence[Entry]) -> Mapping[str, Content]:
        return self._whole.contents(entries)

    def hunks(self, entries: Sequence[Entry]) -> Mapping[str, tuple[Hunk, ...]]:
        return self._whole.hunks(entries)
