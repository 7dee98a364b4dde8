"""Reading dismissed findings from git and the working tree, and writing them."""

from __future__ import annotations

import os
import stat

from ralph_hooks.core import dismissal
from ralph_hooks.core.change import REGULAR_MODES, Change, Status
from ralph_hooks.core.dismissal import DISMISSED, Dismissal, Dismissals
from ralph_hooks.core.finding import Finding
from ralph_hooks.errors import RalphError
from ralph_hooks.git.objects import read_blobs
from ralph_hooks.git.run import git
from ralph_hooks.git.secrets_baseline import GitBaseline
from ralph_hooks.git.snapshot import Repository


class GitDismissals:
    """A lazy reader. Implements `core.ports.dismissals.DismissalReader`."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._baseline = GitBaseline(repository)

    def read(self, change: Change) -> Dismissals:
        """Return the entries of the base, of the change and of the author's working tree."""
        unreadable: list[str] = []

        def entries(data: bytes | None, where: str) -> dict[str, Dismissal]:
            try:
                return {entry.id: entry for entry in dismissal.read(data)} if data is not None else {}
            except ValueError as error:
                unreadable.append(f"{DISMISSED} {where} cannot be read, so its dismissals do not apply: {error}")
                return {}

        base = entries(self._blob(_in_tree(self._list(change.base))), "of the base")
        new = next((entry for entry in change.entries if entry.path == DISMISSED), None)
        added = base
        if new is not None:
            added = entries(self._blob(new.new_oid if new.new_mode in REGULAR_MODES else None), "of the change")
        own = entries(read_file(self._repository), "in the working tree")
        return Dismissals(
            base=tuple(base.values()),
            change=tuple(entry for id_, entry in added.items() if base.get(id_) != entry),
            own=tuple(entry for id_, entry in own.items() if entry not in (base.get(id_), added.get(id_))),
            unreadable=tuple(dict.fromkeys(unreadable)),
        )

    def in_baseline(self, change: Change, finding: Finding) -> bool | None:
        """Return None for a secret in no `.secrets.baseline`, True if only the change's own one lists it."""
        return self._baseline.lists(change, finding)

    def added_to_baseline(self, change: Change) -> int:
        """Return the number of entries that the change adds to `.secrets.baseline`."""
        base, new = self._baseline.both(change)
        return new.without(base).count()

    def holds(self, change: Change, path: str) -> bool:
        """Return True if the judged tree has ``path``."""
        for entry in change.entries:
            if entry.path == path:
                return entry.new_oid is not None
            if entry.old_path == path and entry.status is Status.RENAMED:
                return False
        return bool(self._list(change.base, path))

    def _list(self, tree: str, path: str = DISMISSED) -> bytes:
        if not tree:  # of a tag alone, which changes no file
            return b""
        args = ["--literal-pathspecs", "ls-tree", "-z", tree, "--", path]
        return git(args, cwd=self._repository.top, env=self._repository.environment)

    def _blob(self, oid: str | None) -> bytes | None:
        if oid is None:
            return None
        return read_blobs([oid], cwd=self._repository.top, env=self._repository.environment)[oid]


def _in_tree(listed: bytes) -> str | None:
    """Return the id of the one regular file in the output of ``git ls-tree -z``."""
    mode, _, rest = listed.partition(b"\t")[0].decode("ascii").partition(" ")
    return rest.removeprefix("blob ") if mode in REGULAR_MODES else None


def read_file(repository: Repository) -> bytes | None:
    """Return the content of the working tree's file; None if there is none, or no regular file."""
    path = repository.top / DISMISSED
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode) or path.parent.is_symlink():
            return None
        with path.open("rb") as file:
            return file.read(dismissal.MAX_BYTES + 1)
    except OSError:
        return None


def entries_of(repository: Repository) -> tuple[Dismissal, ...]:
    """Return the entries in the working tree. Raises RalphError for an unreadable file."""
    data = read_file(repository)
    if data is None:
        path = repository.top / DISMISSED
        if path.is_symlink() or path.parent.is_symlink() or path.exists():
            raise RalphError(f"{DISMISSED} is not a regular file", "remove it, or restore it from git")
        return ()
    try:
        return dismissal.read(data)
    except ValueError as error:
        raise RalphError(f"cannot read {DISMISSED}: {error}", "fix the file, or restore it from git") from error


def write_file(repository: Repository, entries: tuple[Dismissal, ...]) -> None:
    """Replace the working tree's file atomically. Raises RalphError if that fails."""
    path = repository.top / DISMISSED
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(exist_ok=True)
        fresh.write_bytes(dismissal.write(entries))
        fresh.replace(path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise RalphError(
            f"cannot write {DISMISSED}: {error.strerror}", "check the permissions of the folder"
        ) from error


def author(repository: Repository) -> str:
    """Return name and address of this repository's user: ``Ada <ada@example.com>``."""
    said = git(["var", "GIT_AUTHOR_IDENT"], cwd=repository.top, env=repository.environment)
    return said.decode("utf-8", "replace").rpartition(">")[0] + ">"
