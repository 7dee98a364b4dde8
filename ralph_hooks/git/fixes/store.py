"""Stored repairs: commits under ``refs/ralph/fixes/`` of our own repository (`git.refs`).

A fix is a commit of the repaired tree; its parent is a commit of exactly the judged tree, so `git show` prints only the
repair. The commit's message holds the other data.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from ralph_hooks.core.change import Change, decode
from ralph_hooks.core.codec import from_json
from ralph_hooks.core.repair import StoredFix
from ralph_hooks.core.text import visible
from ralph_hooks.errors import RalphError
from ralph_hooks.git import refs
from ralph_hooks.git.run import git
from ralph_hooks.git.snapshot import Repository

PREFIX = "refs/ralph/fixes/"
_MARK = "Ralph-Fix: "
_ID_LENGTH = 8
_HEX = frozenset("0123456789abcdef")


class About(Struct, frozen=True, kw_only=True):
    """Facts that only the maker of a fix knows."""

    title: str
    summary: str
    verified: bool
    reproduced: bool = False


class _Kept(Struct, frozen=True, kw_only=True):
    """The metadata in the last line of a fix's message."""

    base: str
    title: str
    verified: bool
    files: int
    insertions: int
    deletions: int
    created: float
    reproduced: bool = False


def store(repository: Repository, scratch: Repository, repair: Change, about: About) -> StoredFix:
    """Store ``repair``, whose trees are in ``scratch``, a repository that borrows the objects of ``repository``.

    The objects come first and the ref last: a killed process leaves nothing visible. Raises GitError if git cannot
    write.
    """
    created = time.time()
    files, insertions, deletions = _count(scratch, repair)
    kept = _Kept(
        base=repair.base,
        title=visible(about.title),
        verified=about.verified,
        reproduced=about.reproduced,
        files=files,
        insertions=insertions,
        deletions=deletions,
        created=created,
    )
    judged = _commit(scratch, repair.base, None, f"judged: {kept.title}", created)
    summary = visible(about.summary).strip() or f"repair of {kept.title}"
    commit = _commit(scratch, repair.tree, judged, f"{summary}\n\n{_MARK}{_line(kept)}", created)
    refs.store(repository)
    refs.keep(repository, commit, env=scratch.environment, whole=True)
    known = every(repository)
    id_ = _short(commit, [fix.id for fix in known])
    refs.create(repository, PREFIX + id_, commit)
    refs.prune(repository, [(fix.ref, fix.commit, fix.created) for fix in known])
    return _stored(PREFIX + id_, commit, repair.tree, summary, kept)


def every(repository: Repository) -> tuple[StoredFix, ...]:
    """Return all stored fixes, newest first."""
    return _read(repository, PREFIX)


def find(repository: Repository, prefix: str) -> StoredFix:
    """Return the one fix whose id starts with ``prefix``, or whose ref it is. Raises RalphError for none or several."""
    name = prefix.strip().lower().removeprefix(PREFIX)
    found = starting_with(repository, name)
    exact = [fix for fix in found if fix.id == name]
    if not found:
        raise RalphError(f"no stored fix has the id '{prefix}'", "`ralph-hooks show --list` lists the stored fixes")
    if len(found) > 1 and not exact:
        ids = ", ".join(fix.id for fix in found)
        raise RalphError(f"more than one stored fix has an id that begins with '{prefix}'", f"choose one: {ids}")
    return (exact or found)[0]


def starting_with(repository: Repository, prefix: str) -> tuple[StoredFix, ...]:
    """Return the fixes whose ids start with ``prefix``, which may also be a whole ref."""
    name = prefix.strip().lower().removeprefix(PREFIX)
    return _read(repository, f"{PREFIX}{name}*") if name and _HEX.issuperset(name) else ()


def newest_for(repository: Repository, tree: str) -> StoredFix | None:
    """Return the newest fix of exactly ``tree``."""
    return next((fix for fix in every(repository) if fix.base == tree), None)


def patch(repository: Repository, fix: StoredFix) -> str:
    """Return the fix as a unified diff for display."""
    args = ["diff-tree", "-p", "-M", "--no-color", "--no-ext-diff", "--no-textconv", "--src-prefix=a/",
            "--dst-prefix=b/", fix.base, fix.tree, "--"]  # fmt: skip
    ours = refs.store(repository)
    return decode(git(args, cwd=ours.top, env=ours.environment))


def _commit(scratch: Repository, tree: str, parent: str | None, message: str, created: float) -> str:
    date = f"{created:.0f} +0000"
    args = ["commit-tree", *(["-p", parent] if parent else []), "-F", "-", tree]
    env = {**scratch.environment, "GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
    return git(args, cwd=scratch.top, stdin=message.encode("utf-8"), env=env).decode("ascii").strip()


def _count(scratch: Repository, repair: Change) -> tuple[int, int, int]:
    """Return the number of files, inserted lines and deleted lines; a binary file has no lines."""
    args = ["diff-tree", "-r", "-z", "--numstat", "--no-renames", "--no-ext-diff", "--no-textconv",
            repair.base, repair.tree, "--"]  # fmt: skip
    answer = git(args, cwd=scratch.top, env=scratch.environment)
    rows = [decode(row).split("\t", 2) for row in answer.split(b"\0") if row]
    inserted, deleted = (sum(int(row[n]) for row in rows if row[n] != "-") for n in (0, 1))
    return len(rows), inserted, deleted


def _short(commit: str, taken: Sequence[str]) -> str:
    """Return the shortest prefix of ``commit`` that neither starts a known id nor starts with one."""
    for length in range(_ID_LENGTH, len(commit)):
        id_ = commit[:length]
        if not any(id_.startswith(other) or other.startswith(id_) for other in taken):
            return id_
    return commit


def _read(repository: Repository, pattern: str) -> tuple[StoredFix, ...]:
    records = refs.listed(repository, pattern, "%(objectname)", "%(tree)", "%(contents)")
    found = [fix for record in records if (fix := _parsed(*record))]
    return tuple(sorted(found, key=lambda fix: fix.created, reverse=True))


def _parsed(ref: str, commit: str, tree: str, message: str) -> StoredFix | None:
    """Return the fix in a commit; None if ralph-hooks did not make the commit."""
    summary, mark, line = message.rstrip("\n").rpartition(f"\n{_MARK}")
    try:
        kept = from_json(line, _Kept)
    except msgspec.DecodeError:
        return None
    return _stored(ref, commit, tree, summary.strip(), kept) if mark else None


def _stored(ref: str, commit: str, tree: str, summary: str, kept: _Kept) -> StoredFix:
    return StoredFix(
        id=ref.removeprefix(PREFIX),
        ref=ref,
        commit=commit,
        base=kept.base,
        tree=tree,
        title=kept.title,
        summary=summary,
        files=kept.files,
        insertions=kept.insertions,
        deletions=kept.deletions,
        verified=kept.verified,
        created=kept.created,
        reproduced=kept.reproduced,
    )


def _line(kept: _Kept) -> str:
    return msgspec.json.encode(kept).decode("utf-8")
