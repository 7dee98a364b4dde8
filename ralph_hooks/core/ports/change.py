"""Changes as git hands them over, and the access to their content."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Protocol

from msgspec import Struct

from ralph_hooks.core.change import Change, Content, Entry, Hunk
from ralph_hooks.core.push import Commit, Message
from ralph_hooks.core.report import PushedRef


class Snapshot(Protocol):
    """A change that git handed over, with access to its content. Everything is read on demand."""

    change: Change

    def sizes(self, entries: Sequence[Entry]) -> Mapping[str, int]:
        """Return the size in bytes of the larger side of each entry, by path."""
        ...

    def contents(self, entries: Sequence[Entry]) -> Mapping[str, Content]:
        """Both sides of each entry, by path."""
        ...

    def hunks(self, entries: Sequence[Entry]) -> Mapping[str, tuple[Hunk, ...]]:
        """Return the changed lines of each entry, by path, regardless of .gitattributes."""
        ...

    def stream(self, oid: str) -> Iterator[bytes]:
        """Yield one side of an entry in pieces, for files that are too large to be held."""
        ...

    def unchanged(self) -> Unchanged | None:
        """Return the files that the change leaves alone; None if only the change itself is available."""
        ...

    def unchanged_by(self, part: Change) -> Unchanged | None:
        """Return the files outside of ``part`` of the change, as they are after all of it; None as `unchanged`."""
        ...


class Unchanged(Protocol):
    """The files of the project that a change leaves alone, read on demand."""

    def paths(self) -> AbstractSet[str]:
        """Return the paths of all of them."""
        ...

    def holding(self, words: Sequence[str], suffix: str, seconds: float) -> Mapping[str, bytes] | None:
        """Return the files with this suffix that contain any of the words, by path.

        None if the search takes more than ``seconds``.
        """
        ...

    def occurrences(
        self, words: Sequence[str], suffixes: Sequence[str], seconds: float
    ) -> Mapping[str, AbstractSet[str]] | None:
        """Return the paths of the files with one of these suffixes that contain each whole word, by word.

        None if that takes more than ``seconds``, or there are too many places.
        """
        ...

    def oids(self, paths: Sequence[str]) -> Mapping[str, str]:
        """Return the object ids of ``paths``, by path."""
        ...

    def read(self, paths: Sequence[str], most: int) -> Mapping[str, bytes]:
        """Return the content of ``paths`` in their order, as many as have ``most`` bytes together, by path."""
        ...


class Source(Struct, frozen=True):
    """One file of a change as a check sees it."""

    entry: Entry
    content: Content
    hunks: tuple[Hunk, ...]

    @property
    def path(self) -> str:
        """The path after the change."""
        return self.entry.path


class CommitChange(Struct, frozen=True):
    """Change of one path by one commit, against each parent: one entry, or for a merge as many as it has parents.

    A path that a merge took from a parent as it was there is not among them.
    """

    commit: str
    entries: tuple[Entry, ...]


class PushTarget(Struct, frozen=True):
    """The part of one pushed object that the remote does not have: reviewed once, however many refs point to it."""

    refs: tuple[str, ...]
    """The remote's refs, for people; empty for a range that is not pushed."""
    snapshot: Snapshot
    """The net change."""
    commits: tuple[Commit, ...]
    """Those that are new, parents first; none for a tag of a tree or a blob."""


class Push(Protocol):
    """Everything that a push or a range adds, with access to the changes of its single commits."""

    title: str
    refs: tuple[PushedRef, ...]
    targets: tuple[PushTarget, ...]
    tags: Mapping[str, str]
    """The annotated tags that are pushed: their names by their object ids."""

    def messages(self, oids: Sequence[str], most: int) -> Iterator[Message]:
        """Return the messages of ``oids``, commits and annotated tags, in their order; at most ``most`` bytes of each.

        Reads as it goes.
        """
        ...

    def history(self, commits: Sequence[str]) -> Iterator[CommitChange]:
        """Return what each of ``commits`` did to each path, in their order. Reads as it goes."""
        ...

    def sizes(self, entries: Sequence[Entry]) -> Sequence[int]:
        """Return the size in bytes of the larger side of each entry, in their order."""
        ...

    def stream(self, oid: str) -> Iterator[bytes]:
        """Yield one side of an entry in pieces, for files that are too large to be held."""
        ...

    def sources(self, entries: Sequence[Entry]) -> Sequence[Source]:
        """Content and changed lines of each entry, in their order; several may be of the same path."""
        ...
