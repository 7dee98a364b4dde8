"""Commits for people: what `ralph-hooks show --commits` lists."""

from __future__ import annotations

from msgspec import Struct

from ralph_hooks.core.change import decode
from ralph_hooks.core.push import Commit
from ralph_hooks.git.run import git
from ralph_hooks.git.snapshot import Repository, resolve


class Logged(Struct, frozen=True):
    """A commit with its subject."""

    commit: Commit
    subject: str


def newest(repository: Repository, revisions: str, limit: int) -> tuple[Logged, ...]:
    """At most ``limit`` commits of ``revisions`` (``main..topic``, ``HEAD~3``), newest first.

    Raises GitError where git does not know them.
    """
    args = [
        "rev-list", "--encoding=UTF-8", "--format=%H %T %s", f"--max-count={limit}", "--end-of-options",
        *revisions.split(), "--",
    ]  # fmt: skip
    lines = decode(git(args, cwd=repository.top, env=repository.environment)).split("\n")[1::2]
    rows = [line.split(" ", 2) for line in lines if line]
    bases = resolve(repository, [f"{oid}^1^{{tree}}" for oid, *_ in rows])
    return tuple(
        Logged(Commit(oid, tree, base or repository.empty_tree), subject)
        for (oid, tree, subject), base in zip(rows, bases, strict=True)
    )
