"""Files as they were before a fix came in, byte for byte as they lay in the working tree.

They are commits under ``refs/ralph/backup/`` of our own repository (`git.refs`).

The tree of a backup holds the files that the fix has touched, as they were; the tree of its parent holds them as they
are since. `git show` of it is the way back. `undo` leaves a backup too, in the place of the one that it went back to.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from ralph_hooks.core.change import REGULAR_MODES
from ralph_hooks.core.codec import from_json
from ralph_hooks.git import refs
from ralph_hooks.git.fixes.working_tree import FileStep
from ralph_hooks.git.objects import store_blobs
from ralph_hooks.git.run import IDENTITY, NO_HOOKS, Environment, git
from ralph_hooks.git.snapshot import Repository, compare, private_objects

PREFIX = "refs/ralph/backup/"
_MARK = "Ralph-Backup: "
_IDENTITY = {name: value for name, value in IDENTITY.items() if not name.endswith("DATE")}


class Backup(Struct, frozen=True):
    """One that is kept."""

    ref: str
    commit: str
    fix: str
    created: float


class _About(Struct, frozen=True, kw_only=True):
    """The last line of a backup's message."""

    fix: str
    worktree: str
    """The folder of git that belongs to the working tree: linked ones share their refs."""
    created: float
    undone: bool = False
    """True if it was made by `undo`: of the files as they were before that."""


def record(repository: Repository, steps: Sequence[FileStep], fix: str, *, undone: bool = False) -> str:
    """Put both sides of ``steps`` into our repository; the id of the commit. No ref names it yet."""
    about = _About(fix=fix, worktree=str(repository.git_dir), created=time.time(), undone=undone)
    ours = refs.store(repository)
    with private_objects(ours) as (folder, objects):
        env = {**objects, **_IDENTITY}
        before = _tree(ours, [(step, step.before) for step in steps], folder / "before", env)
        after = _tree(ours, [(step, step.after) for step in steps], folder / "after", env)
        applied = _commit(ours, after, [], f"after fix {fix}", env)
        line = msgspec.json.encode(about).decode("utf-8")
        commit = _commit(ours, before, ["-p", applied], f"before fix {fix}\n\n{_MARK}{line}", env)
        refs.keep(repository, commit, env=objects)
    return commit


def steps_of(repository: Repository, commit: str) -> tuple[FileStep, ...]:
    """The way from the tree of ``commit`` to the tree of its parent."""
    snapshot = compare(refs.store(repository), commit, f"{commit}^1", "backup", renames=False)
    entries = snapshot.change.entries
    contents = snapshot.contents(entries)
    return tuple(
        FileStep(
            path=entry.path,
            before=contents[entry.path].old,
            after=contents[entry.path].new,
            executable=REGULAR_MODES[1] in {entry.old_mode, entry.new_mode},
        )
        for entry in entries
    )


def latest(repository: Repository) -> Backup | None:
    """The newest of this working tree that was not taken back."""
    here = str(repository.git_dir)
    return next((backup for backup, about in _every(repository) if about.worktree == here and not about.undone), None)


def free_ref(repository: Repository, fix: str) -> str:
    """A ref that is not taken: of the fix's id, with a number where that has one already."""
    taken = {backup.ref for backup, _ in _every(repository)}
    names = (f"{PREFIX}{fix}{f'-{number}' if number else ''}" for number in range(len(taken) + 1))
    return next(name for name in names if name not in taken)


def forget_old(repository: Repository) -> None:
    """Remove what is kept for long enough."""
    known = [backup for backup, _ in _every(repository)]
    refs.prune(repository, [(backup.ref, backup.commit, backup.created) for backup in known[1:]])


def _every(repository: Repository) -> list[tuple[Backup, _About]]:
    """All of them, newest first."""
    found: list[tuple[Backup, _About]] = []
    for ref, commit, message in refs.listed(repository, PREFIX, "%(objectname)", "%(contents)"):
        try:
            about = from_json(message.rpartition(f"\n{_MARK}")[2], _About)
        except msgspec.DecodeError:  # none of ours
            continue
        found.append((Backup(ref, commit, about.fix, about.created), about))
    return sorted(found, key=lambda pair: pair[0].created, reverse=True)


def _tree(
    repository: Repository, sides: Sequence[tuple[FileStep, bytes | None]], folder: Path, env: Environment
) -> str:
    """A tree of those files alone, made with an index of its own."""
    there = [(step, content) for step, content in sides if content is not None]
    stored = store_blobs([content for _, content in there], folder, cwd=repository.top, env=env)
    lines = "".join(
        f"{REGULAR_MODES[step.executable]} {oid}\t{step.path}\0" for (step, _), oid in zip(there, stored, strict=True)
    )
    alone = {**env, "GIT_INDEX_FILE": str(folder / "index")}
    git([*NO_HOOKS, "update-index", "-z", "--index-info"], cwd=repository.top, stdin=os.fsencode(lines), env=alone)
    return git([*NO_HOOKS, "write-tree"], cwd=repository.top, env=alone).decode("ascii").strip()


def _commit(repository: Repository, tree: str, parents: Sequence[str], message: str, env: Environment) -> str:
    args = ["commit-tree", *parents, "-F", "-", tree]
    return git(args, cwd=repository.top, stdin=message.encode("utf-8"), env=env).decode("ascii").strip()
