"""Changes held in memory: read from git in batches, or received from another machine.

Reading one change from git starts four processes and takes 10 ms of CPU; in batches of about 32, half a millisecond
each. A linter is a process as well, so changes may be linted in advance.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from ralph_hooks.core.backtest import Example
from ralph_hooks.core.change import Change, Content, Entry, Hunk
from ralph_hooks.core.ports.change import Source
from ralph_hooks.core.review_rules import MAX_BYTES, content_reason, is_text

_AT_ONCE = 32  # changes
_MOST_BYTES = 16_000_000  # of files at once, for lines take several times their size
_MOST_HELD = 4 * _AT_ONCE  # changes


class LoadedFile(Struct, frozen=True):
    """Content and size of one file in a snapshot."""

    size: int
    """Bytes of the larger side."""
    content: Content | None = None
    """None if the content is not read: it is too large."""
    hunks: tuple[Hunk, ...] = ()


class InMemorySnapshot:
    """A change in memory; satisfies `core.ports.change.Snapshot`."""

    def __init__(self, change: Change, files: Mapping[str, LoadedFile]) -> None:
        """Create a snapshot. ``files`` are those with text to review, by path."""
        self.change = change
        self._files = files

    def sizes(self, entries: Sequence[Entry]) -> Mapping[str, int]:
        """Return the size in bytes of the larger side of each entry."""
        return {entry.path: self._files[entry.path].size for entry in entries}

    def contents(self, entries: Sequence[Entry]) -> Mapping[str, Content]:
        """Both sides of each entry."""
        found = ((entry.path, self._files[entry.path].content) for entry in entries)
        return {path: content for path, content in found if content is not None}

    def hunks(self, entries: Sequence[Entry]) -> Mapping[str, tuple[Hunk, ...]]:
        """Return the changed lines of each entry."""
        return {entry.path: self._files[entry.path].hunks for entry in entries}

    def stream(self, oid: str) -> Iterator[bytes]:
        """Return nothing: files that are too large are not in memory, and no backtest blocks a change for them."""
        del oid
        return iter(())

    def unchanged(self) -> None:
        """The rest of the project is not in memory."""

    def unchanged_by(self, part: Change) -> None:
        """As `unchanged`."""


class Blobs(Protocol):
    """Reader of the files of many changes at once; several may be of the same path."""

    def sizes(self, entries: Sequence[Entry]) -> Sequence[int]:
        """Return the size in bytes of the larger side of each entry, in their order."""
        ...

    def contents(self, entries: Sequence[Entry]) -> Sequence[Content]:
        """Both sides of each entry, in their order."""
        ...

    def hunks(self, entries: Sequence[Entry]) -> Sequence[tuple[Hunk, ...]]:
        """Return the changed lines of each entry, in their order."""
        ...


class Prefetcher:
    """Hands out ``examples`` about in their order, and reads the next ones when it has none. Safe from several threads.

    Another order is right as well, and slower. ``ahead`` is shown the text files of those that are read together.
    """

    def __init__(
        self, blobs: Blobs, examples: Sequence[Example], ahead: Callable[[Sequence[Source]], None] = lambda _: None
    ) -> None:
        self._blobs = blobs
        self._ahead = ahead
        self._examples = examples
        self._places = {_name(example): place for place, example in enumerate(examples)}
        self._lock = threading.Lock()
        self._held: dict[tuple[str, ...], InMemorySnapshot] = {}

    def take(self, example: Example) -> InMemorySnapshot:
        """Return the change of ``example``. Raises GitError if git lacks something of it, or of the next ones."""
        name = _name(example)
        with self._lock:
            if name not in self._held:
                if len(self._held) > _MOST_HELD:  # their trials are cached, so nothing takes them
                    self._held.clear()
                place = self._places[name]
                self._held |= self._read(self._examples[place : place + _AT_ONCE])
            return self._held.pop(name)

    def _read(self, examples: Sequence[Example]) -> dict[tuple[str, ...], InMemorySnapshot]:
        """Read the first of ``examples``, and as many more as fit in memory."""
        listed = [(number, entry) for number, each in enumerate(examples) for entry in _readable(each)]
        sizes = self._blobs.sizes([entry for _, entry in listed])
        files: list[dict[str, LoadedFile]] = [{} for _ in examples]
        wanted: list[tuple[int, Entry]] = []
        count, total = len(examples), 0
        for (number, entry), size in zip(listed, sizes, strict=True):
            files[number][entry.path] = LoadedFile(size)
            if size <= MAX_BYTES:
                wanted.append((number, entry))
                total += size
            if total > _MOST_BYTES and number:
                count = number
                break
        wanted = [each for each in wanted if each[0] < count]
        self._fill(wanted, files)
        return {
            _name(each): InMemorySnapshot(change_of(each), held)
            for each, held in zip(examples[:count], files, strict=False)
        }

    def _fill(self, wanted: Sequence[tuple[int, Entry]], files: Sequence[dict[str, LoadedFile]]) -> None:
        """Put contents, and for text changed lines, into ``files``."""
        contents = self._blobs.contents([entry for _, entry in wanted])
        both = list(zip(wanted, contents, strict=True))
        text = [(*each, content) for each, content in both if is_text(content_reason(content))]
        hunks = self._blobs.hunks([entry for _, entry, _ in text])
        sources = [Source(entry, content, lines) for (_, entry, content), lines in zip(text, hunks, strict=True)]
        self._ahead(sources)
        for (number, entry), content in both:
            files[number][entry.path] = LoadedFile(files[number][entry.path].size, content)
        for (number, entry, content), source in zip(text, sources, strict=True):
            files[number][entry.path] = LoadedFile(files[number][entry.path].size, content, source.hunks)


def change_of(example: Example) -> Change:
    """Return the change that ``example`` is."""
    return Change(tree=example.tree, base=example.base, entries=example.entries, title=example.id)


def _name(example: Example) -> tuple[str, ...]:
    return example.id, example.tree, example.base


def _readable(example: Example) -> list[Entry]:
    return [entry for entry in example.entries if entry.unreadable() is None]
