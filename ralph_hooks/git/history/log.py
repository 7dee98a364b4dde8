"""Past commits, newest first, for `show --commits` and backtest."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from ralph_hooks.core.change import decode
from ralph_hooks.core.push import Commit
from ralph_hooks.errors import GitError
from ralph_hooks.git.repo import opened
from ralph_hooks.git.snapshot import Repository, resolve

# git decodes the messages: GitPython's own reader fails on a commit whose encoding Python does not know.
_FORMAT = "%H%x00%T%x00%P%x00%ct%x00%s"


class Logged(Struct, frozen=True):
    """A commit with its trees and author."""

    commit: Commit
    parent: str
    """The id of its first parent; empty if it has none."""
    time: int
    """Seconds since 1970."""
    subject: str


def commits(repository: Repository, revisions: str, **options: int | bool) -> tuple[Logged, ...]:
    """Return the commits of ``revisions`` (``main..topic``, ``HEAD~3``), with options of git-rev-list(1) as keywords.

    Raises GitError if git does not know them.
    """
    if any(word.startswith("-") for word in revisions.split()):
        raise GitError(f"{revisions!r} is not a range of commits", "give a range such as v1.0..main")
    with opened(repository) as repo:
        answer = repo.git.rev_list(
            *revisions.split(), "--", encoding="UTF-8", format=_FORMAT, stdout_as_string=False, **options
        )
    rows = [row.split("\0") for row in decode(answer).split("\n")[1::2]]
    bases = resolve(repository, [f"{row[0]}^1^{{tree}}" for row in rows])
    return tuple(_logged(repository, rows, bases))


def _logged(repository: Repository, rows: list[list[str]], bases: list[str | None]) -> Iterator[Logged]:
    for (oid, tree, parents, time, subject), base in zip(rows, bases, strict=True):
        yield Logged(
            Commit(oid, tree, base or repository.empty_tree),
            parents.partition(" ")[0],
            int(time),
            subject,
        )
