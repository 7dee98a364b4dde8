"""Labels from a repository's own history: commits that introduced a bug, and commits that stayed untouched.

The SZZ method (Sliwerski, Zimmermann, Zeller: When do changes induce fixes?, MSR 2005): the lines that a fix removed
are blamed, and the commits that wrote them introduced the bug. Known limits:

- a fix that only adds lines blames no commit; a fix that also tidies up blames too many
- only its message identifies a fix
- a moved line is blamed on the commit that moved it (``blame -w`` only ignores white space)
- merges are left out
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from ralph_hooks.core.backtest import ChangeLabel, Example, Lines
from ralph_hooks.core.change import Entry
from ralph_hooks.core.change_kind import Kind
from ralph_hooks.errors import GitError
from ralph_hooks.git.diff_parser import read_history, unquoted
from ralph_hooks.git.history.log import Logged, commits
from ralph_hooks.git.repo import opened
from ralph_hooks.git.run import git
from ralph_hooks.git.snapshot import RAW, Repository
from ralph_hooks.languages.change_kind import kind_of_path

PATIENCE = 540
"""The age in days at which a commit without a fix counts as clean."""
_DAY = 86_400
_AT_ONCE = 250  # commits whose changes are listed by one git
_FIX = re.compile(r"(?i)\b(?:fix(?:e[sd]|ing)?|bug|defect|regression|repair(?:s|ed)?|crash(?:es|ed)?|broken)\b")
_NO_FIX = re.compile(
    r"(?i)\b(?:typo|lint|flake8|mypy|ruff|format(?:ting)?|docs?|changelog|readme|ci|spelling|warnings?)\b"
)
_TEST = re.compile(r"(?:^|/)(?:tests?|testing|docs?|examples?)(?:/|$)|(?:^|/)(?:test_[^/]*|[^/]*_test|conftest)\.\w+$")
_HUNK = re.compile(rb"^@@ -(\d+)(?:,(\d+))? \+")
_COMMENT = re.compile(rb"^\s*(?:#|//|\*|/\*|\"\"\"|'''|$)")


def is_fix(subject: str) -> bool:
    """Return True if the commit's subject says that it fixes a bug of the program."""
    return _FIX.search(subject) is not None and _NO_FIX.search(subject) is None


def history(repository: Repository, revisions: str) -> tuple[Logged, ...]:
    """Return the commits of ``revisions`` (``main``, ``v1.0..main``) that have one parent, newest first.

    Raises GitError for a range that is not there.
    """
    if repository.object_format != "sha1":
        raise GitError("a SHA-256 repository cannot be labelled: GitPython supports only SHA-1", "use --dataset FILE")
    return commits(repository, revisions, no_merges=True, min_parents=1)


def examples(
    repository: Repository,
    history: Sequence[Logged],
    *,
    patience: int = PATIENCE,
    done: Callable[[], None] = lambda: None,
) -> tuple[Example, ...]:
    """Return commits that introduced a bug, with the lines, and commits older than ``patience`` that no fix touched.

    ``patience`` is in days; ``done`` is called after each fix that was looked at.
    """
    guilty: dict[str, dict[str, set[int]]] = {}
    for found_by_fix in _blamed_by(repository, [each for each in history if is_fix(each.subject)]):
        for oid, path, line in found_by_fix:
            guilty.setdefault(oid, {}).setdefault(path, set()).add(line)
        done()
    latest = max((each.time for each in history), default=0)

    def survived(each: Logged) -> bool:
        return latest - each.time >= patience * _DAY and not is_fix(each.subject)

    chosen = {each.commit.oid: each for each in history if each.commit.oid in guilty or survived(each)}
    found = (_example(chosen[oid], each, guilty.get(oid, {})) for oid, each in _entries(repository, list(chosen)))
    return tuple(example for example in found if example.entries)


def _blamed_by(repository: Repository, fixes: Sequence[Logged]) -> Iterator[list[tuple[str, str, int]]]:
    """Yield the result of `blamed` for each of ``fixes``, in their order.

    Several run concurrently, since git is slow here.
    """
    from concurrent.futures import ThreadPoolExecutor

    pool = ThreadPoolExecutor(os.cpu_count())
    try:
        yield from pool.map(lambda fix: list(blamed(repository, fix)), fixes)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def blamed(repository: Repository, fix: Logged) -> Iterator[tuple[str, str, int]]:
    """Yield commit, path and line of each line that ``fix`` removed, as the commit wrote it.

    Tests, documents and comments do not count.
    """
    for path, spans in _removed(repository, fix).items():
        ranges = [f"{first},{last}" for first, last in spans]
        with contextlib.suppress(GitError), opened(repository) as repo:  # not there by this name, or a submodule
            for entry in repo.blame_incremental(fix.parent, path, w=True, L=ranges, no_textconv=True):
                name = unquoted(os.fsencode(entry.orig_path or path))
                yield from ((entry.commit.hexsha, name, line) for line in entry.orig_linenos)


def _removed(repository: Repository, fix: Logged) -> Mapping[str, list[tuple[int, int]]]:
    """Return the first and last line of each run of code that ``fix`` takes out, by path."""
    patch = git(
        ["diff-tree", "-p", "-U0", "--no-ext-diff", "--no-textconv", "--no-color", "--no-renames", "--src-prefix=a/",
         "--dst-prefix=b/", fix.parent, fix.commit.oid, "--"],
        cwd=repository.top, env=repository.environment,
    )  # fmt: skip
    found: dict[str, list[tuple[int, int]]] = {}
    path, number, left = "", 0, 0
    for line in patch.split(b"\n"):
        if left and line.startswith(b"-"):
            if _counts(path) and not _COMMENT.match(line[1:]):
                spans = found.setdefault(path, [])
                first = spans.pop()[0] if spans and spans[-1][1] == number - 1 else number
                spans.append((first, number))
            number, left = number + 1, left - 1
        elif line.startswith(b"--- "):
            path = unquoted(line[4:].rstrip(b"\t")).removeprefix("a/")
        elif hunk := _HUNK.match(line):
            number, left = int(hunk[1]), int(hunk[2] or 1)
    return found


def _counts(path: str) -> bool:
    return kind_of_path(path) is Kind.LOGIC and bool(PurePosixPath(path).suffix) and _TEST.search(path) is None


def _entries(repository: Repository, oids: Sequence[str]) -> Iterator[tuple[str, tuple[Entry, ...]]]:
    """Yield what each of the commits did to each path; one that did nothing is left out."""
    for start in range(0, len(oids), _AT_ONCE):
        names = "".join(f"{oid}\n" for oid in oids[start : start + _AT_ONCE]).encode("ascii")
        args = ["diff-tree", "--stdin", "-r", *RAW]
        listed = git(args, cwd=repository.top, stdin=names, env=repository.environment)
        for oid, rows in itertools.groupby(read_history(listed), lambda row: row[0]):
            yield oid, tuple(entry for _, entries in rows for entry in entries)


def _example(logged: Logged, entries: tuple[Entry, ...], wrong: Mapping[str, set[int]]) -> Example:
    return Example(
        id=logged.commit.oid,
        label=ChangeLabel.BUGGY if wrong else ChangeLabel.CLEAN,
        tree=logged.commit.tree,
        base=logged.commit.base,
        entries=entries if wrong else tuple(entry for entry in entries if _counts(entry.path)),
        wrong={path: Lines(frozenset(lines)) for path, lines in wrong.items()},
    )
