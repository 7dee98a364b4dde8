"""A repair: the edits that a model proposes, the result of testing them, and the stored form."""

from __future__ import annotations

from msgspec import Struct

from ralph_hooks.core.report import FixSummary


class Edit(Struct, frozen=True):
    """Replace ``search``, which must occur exactly once in the file, by ``replace``."""

    path: str
    search: str
    replace: str


class NewFile(Struct, frozen=True):
    """A file that is not there yet."""

    path: str
    content: str


class Repair(Struct, frozen=True):
    """Answer of the implement or the fix phase."""

    summary: str
    edits: tuple[Edit, ...] = ()
    create: tuple[NewFile, ...] = ()
    delete: tuple[str, ...] = ()


class AgentRun(Struct, frozen=True):
    """Run of a coding agent in the scratch copy. Its changes are read from the copy, never from its reply."""

    exit_code: int | None
    """None if it was stopped at the deadline; 126 or 127 if it could not be started, as in a shell."""
    seconds: float
    output: bytes
    """The end of its standard output."""
    errors: bytes
    """The end of its standard error."""


class StoredFix(Struct, frozen=True, kw_only=True):
    """A repair that is kept under ``refs/ralph/fixes/`` of our own repository, for `ralph-hooks apply`."""

    id: str
    ref: str
    commit: str
    """Commit of the repaired tree; its parent has the reviewed tree, so that ``git show`` of it is the repair alone."""
    base: str
    """Object id of the reviewed tree."""
    tree: str
    """The object id of the repaired tree."""
    title: str
    """Title of the reviewed change, for people."""
    summary: str
    """Summary of the repair by its author."""
    files: int
    insertions: int
    deletions: int
    verified: bool
    """True if the verify commands ran on it and passed."""
    created: float
    """Seconds since 1970."""
    reproduced: bool = False
    """True if the reproducer of each proved finding passes with it."""

    def summarised(self) -> FixSummary:
        """Return the summary that a report contains."""
        return FixSummary(
            id=self.id,
            ref=self.ref,
            files=self.files,
            insertions=self.insertions,
            deletions=self.deletions,
            verified=self.verified,
            reproduced=self.reproduced,
        )
