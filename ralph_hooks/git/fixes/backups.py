"""Backups of files from before a fix was applied, byte for byte as they were in the working tree.

They are commits under ``refs/ralph/backup/`` of our own repository (`git.refs`).

The tree of a backup holds the previous version of each file that the fix touched; the tree of its parent holds the
current one. `git show` of it is the reverse change. `undo` also leaves a backup, which replaces the one that it
reverted.
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
    """One stored backup."""

    ref: str
    commit: str
    fix: str
    created: float


class _About(Struct, frozen=True, kw_only=True):
    """The metadata in the last line of a backup's message."""

    fix: str
    worktree: str
    """The git folder of the working tree: linked worktrees share their refs."""
    created: float
    undone: bool = False
    """True if `undo` made it, of the files before the undo."""


def record(repository: Repository, steps: Sequence[FileStep], fix: str, *, undone: bool = False) -> str:
    """Store both sides of ``steps`` in our repository and return the commit's id. No ref names it yet."""
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
    """Return the steps from the tree of ``commit`` to the tree of its parent."""
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
    """Return the newest backup of this working tree that was not undone."""
    here = str(repository.git_dir)
    return next((backup for backup, about in _every(repository) if about.worktree == here and not about.undone), None)


def free_ref(repository: Repository, fix: str) -> str:
    """Return a free ref: the fix's id, with a number if that one is taken."""
    taken = {backup.ref for backup, _ in _every(repository)}
    names = (f"{PREFIX}{fix}{f'-{number}' if number else ''}" for number in range(len(taken) + 1))
    return next(name for name in names if name not in taken)


def forget_old(repository: Repository) -> None:
    """Remove backups past their retention."""
    known = [backup for backup, _ in _every(repository)]
    refs.prune(repository, [(backup.ref, backup.commit, backup.created) for backup in known[1:]])


def _every(repository: Repository) -> list[tuple[Backup, _About]]:
    """Return all backups, newest first."""
    found: list[tuple[Backup, _About]] = []
    for ref, commit, message in refs.listed(repository, PREFIX, "%(objectname)", "%(contents)"):
        try:
            about = from_json(message.rpartition(f"\n{_MARK}")[2], _About)
        except msgspec.DecodeError:  # not one of ours
            continue
        found.append((Backup(ref, commit, about.fix, about.created), about))
    return sorted(found, key=lambda pair: pair[0].created, reverse=True)


def _tree(
    repository: Repository, sides: Sequence[tuple[FileStep, bytes | None]], folder: Path, env: Environment
) -> str:
    """Return a tree of only those files, made with a temporary index."""
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
