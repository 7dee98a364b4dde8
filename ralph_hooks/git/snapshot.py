"""The change that git handed over, or one from history, read by plumbing and without writing a byte.

GitPython would cost 70 ms to import and ignores GIT_INDEX_FILE, which is what a commit hook is about.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from ralph_hooks.core.change import Change, Content, Entry, Hunk, Status
from ralph_hooks.errors import GitError
from ralph_hooks.git.patch import read_hunks, read_raw
from ralph_hooks.git.run import failure, git, try_git

_EMPTY_TREE = {
    "sha1": "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    "sha256": "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
}
_DIFF = ("-M", "--no-ext-diff", "--no-textconv", "--no-color", "--no-relative", "--ignore-submodules=none")
_PATCH = ("-p", "--text", "-U2", "--full-index", "--src-prefix=a/", "--dst-prefix=b/", "--inter-hunk-context=0")
_MAX_PATHS = 100_000  # bytes of arguments, well below every system's limit


class Repository(Struct, frozen=True):
    """Where a repository keeps its things. All paths are absolute."""

    top: Path
    git_dir: Path
    common_dir: Path
    index: Path
    """The index git handed to the hook (GIT_INDEX_FILE), else the repository's own."""
    object_format: str
    head: str | None
    """The commit that HEAD names; None before the first one."""

    @property
    def empty_tree(self) -> str:
        """The id of the tree without files, which git knows without storing it."""
        return _EMPTY_TREE[self.object_format]


def open_repository(cwd: Path) -> Repository:
    """The repository around ``cwd``. Raises GitError where there is none that can be judged."""
    args = ("rev-parse", "--is-bare-repository", "--show-object-format", "--absolute-git-dir", "--git-common-dir",
            "--git-path", "index", "--show-toplevel", "--revs-only", "HEAD")  # fmt: skip
    done = try_git(args, cwd=cwd)
    lines = [os.fsdecode(line) for line in done.stdout.split(b"\n")[:-1]]
    if lines[:1] == ["true"]:
        raise GitError("this is a bare repository: nothing is committed in it", "run ralph-hooks in a clone of it")
    if done.returncode:
        raise failure(args, done)
    _, object_format, git_dir, common_dir, index, top = lines[:6]
    return Repository(
        top=Path(top),
        git_dir=Path(git_dir),
        common_dir=(cwd / common_dir).resolve(),
        index=_index(cwd, Path(top), index),
        object_format=object_format,
        head=lines[6] if len(lines) > 6 else None,  # noqa: PLR2004 - HEAD is the seventh answer, if there is one
    )


def _index(cwd: Path, top: Path, told: str) -> Path:
    """GIT_INDEX_FILE is relative to the top of the work tree, where hooks run; git's own answer to ``cwd``."""
    given = os.environ.get("GIT_INDEX_FILE")
    return top / given if given else cwd / told


class GitSnapshot:
    """A change and the way to its content; satisfies `core.ports.Snapshot`."""

    def __init__(self, repository: Repository, change: Change, diff: Sequence[str]) -> None:
        self.repository = repository
        self.change = change
        self._diff = tuple(diff)

    def sizes(self, entries: Sequence[Entry]) -> Mapping[str, int]:
        """Bytes of the larger side of each entry, by path."""
        oids = _oids(entries)
        query = "".join(f"{oid}\n" for oid in oids).encode("ascii")
        answer = git(["cat-file", "--batch-check=%(objecttype) %(objectsize)"], cwd=self.repository.top, stdin=query)
        by_oid: dict[str, int] = {}
        for oid, line in zip(oids, answer.split(b"\n"), strict=False):
            kind, _, size = line.partition(b" ")
            if kind != b"blob":
                raise _missing(oid)
            by_oid[oid] = int(size)
        return {e.path: max(by_oid[oid] for oid in (e.old_oid, e.new_oid) if oid) for e in entries}

    def contents(self, entries: Sequence[Entry]) -> Mapping[str, Content]:
        """Both sides of each entry, byte for byte."""
        oids = _oids(entries)
        query = "".join(f"{oid}\n" for oid in oids).encode("ascii")
        answer = git(["cat-file", "--batch"], cwd=self.repository.top, stdin=query)
        blobs: dict[str, bytes] = {}
        position = 0
        for oid in oids:
            end = answer.index(b"\n", position)
            head = answer[position:end].split(b" ")
            if head[1] != b"blob":
                raise _missing(oid)
            size = int(head[2])
            blobs[oid] = answer[end + 1 : end + 1 + size]
            position = end + 1 + size + 1
        return {
            e.path: Content(blobs[e.old_oid] if e.old_oid else None, blobs[e.new_oid] if e.new_oid else None)
            for e in entries
        }

    def hunks(self, entries: Sequence[Entry]) -> Mapping[str, tuple[Hunk, ...]]:
        """The changed lines of each entry, whatever attributes and configuration say of it."""
        wanted = {entry.path for entry in entries}
        unwanted = [entry for entry in self.change.entries if entry.path not in wanted]
        left_out = _excluding(unwanted)
        asked = [entry for entry in self.change.entries if not left_out or entry.path in wanted]
        command, *arguments = self._diff
        patch = git([command, *_DIFF, *_PATCH, *arguments, "--", *left_out], cwd=self.repository.top)
        sections = read_hunks(patch)
        found: dict[str, tuple[Hunk, ...]] = {}
        for entry in asked:
            hunks = next(sections, ())
            if entry.status is Status.TYPE_CHANGED:  # git prints a deletion and then a creation
                hunks += next(sections, ())
            if entry.path in wanted:
                found[entry.path] = hunks
        return found


def _oids(entries: Iterable[Entry]) -> list[str]:
    return list(dict.fromkeys(oid for entry in entries for oid in (entry.old_oid, entry.new_oid) if oid))


def _missing(oid: str) -> GitError:
    return GitError(
        f"the object {oid[:12]} is not in this clone", "a partial or shallow clone may lack it: git fetch --refetch"
    )


def _excluding(entries: Sequence[Entry]) -> list[str]:
    """Pathspecs that keep ``entries`` (large or binary files, mostly) from being diffed; none if they are too many."""
    if not entries:
        return []
    names = {name for entry in entries for name in (entry.path, entry.old_path)}
    specs = [":/", *(f":(top,literal,exclude){name}" for name in sorted(names))]
    return specs if sum(map(len, specs)) < _MAX_PATHS else []


def staged(repository: Repository) -> GitSnapshot:
    """What `git commit` would commit: the index that git handed over, against HEAD."""
    base = repository.head or repository.empty_tree
    diff = ("diff-index", "--cached", base)
    entries = _entries(repository, diff)
    change = Change(tree=_staged_tree(repository), base=base, entries=entries, title="staged change")
    return GitSnapshot(repository, change, diff)


def between(repository: Repository, from_ref: str, to_ref: str) -> GitSnapshot:
    """What ``to_ref`` adds to ``from_ref``: from their merge base, as a pull request shows it."""
    old, new = (_commit(repository, ref) for ref in (from_ref, to_ref))
    merge_base = try_git(["merge-base", old, new], cwd=repository.top)
    base = merge_base.stdout.decode("ascii").strip() or old
    return _historical(repository, base, new, f"{from_ref}..{to_ref}")


def commit(repository: Repository, rev: str) -> GitSnapshot:
    """One commit against its first parent, or against nothing where it has none."""
    oid = _commit(repository, rev)
    parents = git(["rev-list", "--parents", "-n1", oid], cwd=repository.top).decode("ascii").split()[1:]
    return _historical(repository, parents[0] if parents else repository.empty_tree, oid, f"commit {oid[:10]}")


def _commit(repository: Repository, ref: str) -> str:
    args = ["rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}"]
    done = try_git(args, cwd=repository.top)
    if done.returncode:
        raise GitError(
            f"there is no commit {ref!r} here",
            "check the spelling; a shallow clone may lack it: git fetch --unshallow",
        )
    return done.stdout.decode("ascii").strip()


def _historical(repository: Repository, base: str, new: str, title: str) -> GitSnapshot:
    diff = ("diff-tree", "-r", base, new)
    tree = git(["rev-parse", f"{new}^{{tree}}"], cwd=repository.top).decode("ascii").strip()
    return GitSnapshot(repository, Change(tree, base, _entries(repository, diff), title), diff)


def _entries(repository: Repository, diff: Sequence[str]) -> tuple[Entry, ...]:
    command, *arguments = diff
    output = git([command, "--raw", "-z", *_DIFF, "--abbrev=64", *arguments, "--"], cwd=repository.top)
    if any(field.startswith(b":") and field.endswith(b" U") for field in output.split(b"\0")):
        raise GitError("the index has unmerged paths", "resolve the conflicts and `git add` them first")
    return read_raw(output)


def _staged_tree(repository: Repository) -> str:
    """The id of the tree that the index holds.

    `git write-tree` refreshes the index it is given and stores trees, so it gets a copy and a folder of its own.
    """
    with tempfile.TemporaryDirectory(prefix="ralph-hooks-tree-") as folder:
        copy = Path(folder) / "index"
        if repository.index.exists():
            shutil.copyfile(repository.index, copy)
        alternates = [str(repository.common_dir / "objects"), os.environ.get("GIT_ALTERNATE_OBJECT_DIRECTORIES", "")]
        if "GIT_OBJECT_DIRECTORY" in os.environ:
            alternates.insert(0, str(repository.top / os.environ["GIT_OBJECT_DIRECTORY"]))
        env = {
            "GIT_INDEX_FILE": str(copy),
            "GIT_OBJECT_DIRECTORY": folder,
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": os.pathsep.join(filter(None, alternates)),
        }
        return git(["write-tree"], cwd=repository.top, env=env).decode("ascii").strip()
