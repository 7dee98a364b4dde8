"""Labels from a repository's own history: which commits brought a bug in, and which lived untouched.

The SZZ method (Sliwerski, Zimmermann, Zeller: When do changes induce fixes?, MSR 2005): the lines that a fix removed
are blamed, and the commits that wrote them are the ones that brought the bug in. Its known limits: a fix that only adds
lines blames nobody; a fix that tidies up on the way blames too many; what says it is a fix is its message; a line that
was moved is blamed on who moved it (``blame -w`` helps with white space alone); merges are left out.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from msgspec import Struct

from ralph_hooks.core.backtest import Example, Label, Lines
from ralph_hooks.core.change_kind import Kind
from ralph_hooks.errors import GitError, RalphError
from ralph_hooks.git.diff_parser import read_raw
from ralph_hooks.git.run import git
from ralph_hooks.git.snapshot import RAW, Repository
from ralph_hooks.languages.change_kind import kind_of_path

PATIENCE = 540
"""Days that a commit has to have lived without a fix to count as clean."""
_DAY = 86_400
_FIX = re.compile(r"(?i)\b(?:fix(?:e[sd]|ing)?|bug|defect|regression|repair(?:s|ed)?|crash(?:es|ed)?|broken)\b")
_NO_FIX = re.compile(
    r"(?i)\b(?:typo|lint|flake8|mypy|ruff|format(?:ting)?|docs?|changelog|readme|ci|spelling|warnings?)\b"
)
_TEST = re.compile(r"(?:^|/)(?:tests?|testing|docs?|examples?)(?:/|$)|(?:^|/)(?:test_[^/]*|[^/]*_test|conftest)\.\w+$")
_HUNK = re.compile(rb"^@@ -(\d+)(?:,(\d+))? \+")
_BLAMED = re.compile(rb"^([0-9a-f]{40,64}) (\d+) \d+")
_COMMENT = re.compile(rb"^\s*(?:#|//|\*|/\*|\"\"\"|'''|$)")


class Commit(Struct, frozen=True):
    """One commit of the history that is looked at."""

    oid: str
    parent: str
    time: int
    """Seconds since 1970."""
    subject: str

    @property
    def is_fix(self) -> bool:
        """True where its subject says that it mends a bug of the program."""
        return _FIX.search(self.subject) is not None and _NO_FIX.search(self.subject) is None


def commits(repository: Repository, revisions: str) -> tuple[Commit, ...]:
    """The commits of ``revisions`` (``main``, ``v1.0..main``) that have one parent, the latest first."""
    if revisions.startswith("-"):
        raise RalphError(f"{revisions!r} is no range of commits", "such as v1.0..main")
    answer = _git(
        repository, "log", "--no-merges", "--min-parents=1", "--format=%H%x00%P%x00%ct%x00%s%x00", "--end-of-options",
        revisions, "--",
    )  # fmt: skip
    rows = (row.lstrip("\n").split("\0") for row in os.fsdecode(answer).split("\0\n"))
    return tuple(
        Commit(row[0], row[1], int(row[2]), row[3]) for row in rows if len(row) >= len(Commit.__struct_fields__)
    )


def examples(
    repository: Repository, revisions: str, *, patience: int = PATIENCE, done: Callable[[], None] = lambda: None
) -> tuple[Example, ...]:
    """Commits that brought a bug in, with the lines, and commits older than ``patience`` days that no fix touched.

    ``done`` is called after each fix that was looked at. Raises GitError for a range that is not there.
    """
    history = commits(repository, revisions)
    known = {commit.oid: commit for commit in history}
    guilty: dict[str, dict[str, set[int]]] = {}
    for found_by_fix in _blamed_by(repository, [commit for commit in history if commit.is_fix]):
        for oid, path, line in found_by_fix:
            guilty.setdefault(oid, {}).setdefault(path, set()).add(line)
        done()
    latest = max((commit.time for commit in history), default=0)
    found: list[Example] = []
    for commit in history:
        wrong = guilty.get(commit.oid)
        if wrong:
            found.append(_example(repository, known[commit.oid], wrong))
        elif latest - commit.time >= patience * _DAY and not commit.is_fix:
            clean = _example(repository, commit, {})
            found += [clean] if clean.entries else []
    return tuple(found)


def _blamed_by(repository: Repository, fixes: Sequence[Commit]) -> Iterator[list[tuple[str, str, int]]]:
    """What `blamed` says of each of ``fixes``, in their order; several are asked about at once, for git takes long."""
    from concurrent.futures import ThreadPoolExecutor

    pool = ThreadPoolExecutor(os.cpu_count())
    try:
        yield from pool.map(lambda fix: list(blamed(repository, fix)), fixes)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def blamed(repository: Repository, fix: Commit) -> Iterator[tuple[str, str, int]]:
    """Who wrote the lines that ``fix`` removed: commit, path and line there.

    Tests, documents and comments do not count.
    """
    for path, spans in _removed(repository, fix).items():
        ranges = [f"-L{first},+{count}" for first, count in spans]
        try:
            answer = _git(repository, "blame", "-w", "--porcelain", "-s", *ranges, fix.parent, "--", path)
        except GitError:  # a path that is not there under this name, a submodule
            continue
        yield from _read_blame(answer)


def _removed(repository: Repository, fix: Commit) -> Mapping[str, list[tuple[int, int]]]:
    patch = _git(
        repository, "-c", "core.quotePath=false", "diff-tree", "-p", "-U0", "--no-ext-diff", "--no-textconv",
        "--no-color", "--no-renames", "--src-prefix=a/", "--dst-prefix=b/", fix.parent, fix.oid, "--",
    )  # fmt: skip
    spans: dict[str, list[tuple[int, int]]] = {}
    path = ""
    for line in patch.split(b"\n"):
        if line.startswith(b"--- "):
            path = os.fsdecode(line[6:].rstrip(b"\t")) if line.startswith(b"--- a/") else ""
        elif (hunk := _HUNK.match(line)) and path and _counts(path):
            count = int(hunk[2]) if hunk[2] else 1
            if count:
                spans.setdefault(path, []).append((int(hunk[1]), count))
    return spans


def _counts(path: str) -> bool:
    return kind_of_path(path) is Kind.LOGIC and bool(PurePosixPath(path).suffix) and _TEST.search(path) is None


def _read_blame(answer: bytes) -> Iterator[tuple[str, str, int]]:
    names: dict[str, str] = {}
    oid, line = "", 0
    for row in answer.split(b"\n"):
        if row.startswith(b"\t"):
            if not _COMMENT.match(row[1:]) and oid in names:
                yield oid, names[oid], line
        elif match := _BLAMED.match(row):
            oid, line = match[1].decode("ascii"), int(match[2])
        elif row.startswith(b"filename "):
            names[oid] = os.fsdecode(row[len(b"filename ") :])


def _example(repository: Repository, commit: Commit, wrong: Mapping[str, set[int]]) -> Example:
    old, new = f"{commit.parent}^{{tree}}", f"{commit.oid}^{{tree}}"
    trees = _git(repository, "rev-parse", old, new).decode("ascii").split()
    entries = read_raw(_git(repository, "diff-tree", "-r", *RAW, *trees, "--"))
    if not wrong:
        entries = tuple(entry for entry in entries if _counts(entry.path))
    return Example(
        id=commit.oid,
        label=Label.BUGGY if wrong else Label.CLEAN,
        tree=trees[1],
        base=trees[0],
        entries=entries,
        wrong={path: Lines(frozenset(lines)) for path, lines in wrong.items()},
    )


def _git(repository: Repository, *args: str) -> bytes:
    return git(args, cwd=repository.top, env=repository.environment)
