"""A staged or historical change, read by git plumbing without writing a byte.

GitPython would cost 70 ms to import and ignores GIT_INDEX_FILE, which is what a commit hook is about.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from ralph_hooks.core.change import SUBMODULE_MODE, Change, Content, Entry, Hunk, Status
from ralph_hooks.errors import GitError
from ralph_hooks.git.diff_parser import read_hunks, read_raw
from ralph_hooks.git.objects import missing, read_blobs, stream_blob
from ralph_hooks.git.run import NO_FETCH, NO_HOOKS, OLDEST, Environment, begin, failure, git, output, try_git
from ralph_hooks.git.unchanged import GitUnchanged
from ralph_hooks.process import Finished, temporary_folder

_EMPTY_TREE = {
    "sha1": "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    "sha256": "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
}
RAW = (
    "--raw", "-z", "--no-abbrev", "--no-ext-diff", "--no-relative", "--ignore-submodules=none",
    "-M", "-l400",  # above 400 files on either side only exact renames are detected: the search is quadratic
)  # fmt: skip
_PATCH = (
    "-p", "--text", "--no-ext-diff", "--no-textconv", "--no-color", "--no-renames", "--no-relative", "--full-index",
    "--diff-algorithm=myers", "--indent-heuristic", "-U2",
    "--src-prefix=a/", "--dst-prefix=b/",
)  # fmt: skip
_FULL_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_ELSEWHERE = "give a commit that this clone has, such as the merge base (`git merge-base origin/main HEAD`)"
DEEPEN = "fetch the missing commits: git fetch --unshallow (in CI: a checkout with fetch-depth: 0)"


class Repository(Struct, frozen=True):
    """The paths of a repository, all absolute."""

    top: Path
    git_dir: Path
    common_dir: Path
    """The same as ``git_dir``, except in a linked worktree."""
    index: Path
    """The index git handed to the hook (GIT_INDEX_FILE), else the repository's own."""
    object_format: str
    """``sha1`` or ``sha256``."""
    head_tree: str | None
    """The tree of the commit that HEAD names; None before the first commit."""
    fetches: bool = True
    """True if git may fetch objects that a partial clone lacks."""
    seal: Environment | None = None
    """The environment that isolates our own repository from the caller's variables and configuration (`run.sealed`)."""
    own_objects: Path | None = None
    """The folder to which git writes objects instead of the repository's, from which it borrows."""

    @property
    def empty_tree(self) -> str:
        """The id of the empty tree, which git knows without storing it."""
        return _EMPTY_TREE[self.object_format]

    @property
    def environment(self) -> dict[str, str | None]:
        """The environment that binds git to this repository and index, whatever its folder and inherited variables."""
        bound = {"GIT_DIR": str(self.git_dir), "GIT_WORK_TREE": str(self.top), "GIT_INDEX_FILE": str(self.index)}
        if self.own_objects is not None:
            bound["GIT_OBJECT_DIRECTORY"] = str(self.own_objects)
        return {**({} if self.fetches else NO_FETCH), **(self.seal or {}), **bound}

    @property
    def objects(self) -> Path:
        """The folder of its objects."""
        if self.own_objects is not None:
            return self.own_objects
        given = "" if self.seal else os.environ.get("GIT_OBJECT_DIRECTORY")
        return Path(self.top, given or self.common_dir / "objects")

    @property
    def shallow(self) -> frozenset[str]:
        """The commits whose parents this clone lacks."""
        try:
            return frozenset((self.common_dir / "shallow").read_text(encoding="ascii").split())
        except FileNotFoundError:
            return frozenset()


def _quoted(folder: str) -> str:
    """Return a path for GIT_ALTERNATE_OBJECT_DIRECTORIES (git(1)), as a C string if it holds the separator."""
    if os.pathsep not in folder and not folder.startswith('"'):
        return folder
    return '"{}"'.format(folder.replace("\\", "\\\\").replace('"', '\\"'))


def open_repository(cwd: Path) -> Repository:
    """Return the repository around ``cwd``. Raises GitError if there is none that can be judged."""
    done = try_git(
        ["rev-parse", "--path-format=absolute", "--is-bare-repository", "--show-object-format", "--absolute-git-dir",
         "--git-common-dir", "--show-toplevel", "--revs-only", "HEAD^{tree}"],
        cwd=cwd, env=NO_FETCH,
    )  # fmt: skip
    lines = [os.fsdecode(line) for line in done.stdout.split(b"\n")[:-1]]
    if lines[:1] == ["--path-format=absolute"]:  # an unknown option is echoed
        raise GitError("this git is too old for ralph-hooks", f"install git {OLDEST} or newer")
    if lines[:1] == ["true"]:
        raise GitError(
            "this is a bare repository: it has no working tree, and so no configuration",
            "run ralph-hooks in a clone or a worktree of it",
        )
    if done.returncode:
        raise failure(done)
    match lines:
        case [_, object_format, git_dir, common_dir, top, *head] if object_format in _EMPTY_TREE and len(head) <= 1:
            given = os.environ.get("GIT_INDEX_FILE", "")
            return Repository(
                top=Path(top),
                git_dir=Path(git_dir),
                common_dir=Path(common_dir),
                index=Path(top, given) if given else Path(git_dir, "index"),  # git resolves it relative to the top
                object_format=object_format,
                head_tree=head[0] if head else None,
                fetches=_may_fetch(Path(common_dir)),
            )
    raise GitError("cannot read git's reply about this repository", "check that the folder's name has no line break")


_PARTIAL = (b"partialclone", b"promisor", b"include", b"worktreeconfig")
_PLAIN = (
    r"core\.(repositoryformatversion|filemode|bare|logallrefupdates|ignorecase|precomposeunicode|symlinks|autocrlf|eol"
    r"|sparsecheckout|sparsecheckoutcone)|extensions\.(partialclone|objectformat|refstorage)|index\.\w+|gc\.auto"
    r"|remote\..*\.(url|pushurl|fetch|promisor|partialclonefilter|tagopt|prune)|branch\..*|user\.\w+"
    r"|submodule\..*\.(url|active)|http\..*\.extraheader|(push|pull|rebase|init)\.\w+"
)
"""Settings with which a fetch runs no configured program."""


def _may_fetch(common_dir: Path) -> bool:
    """Return False if fetching missing objects would use settings that may name programs.

    A clone never has them: such a file came with the repository, as in an archive, and git would run its commands.
    """
    try:
        config = (common_dir / "config").read_bytes().lower()
        if not any(word in config for word in _PARTIAL):
            return True  # the common case: git fetches nothing by itself
    except OSError:
        return False
    listed = git(["config", "--local", "--name-only", "-z", "--list"], cwd=common_dir, env=NO_FETCH)
    return all(re.fullmatch(_PLAIN, os.fsdecode(name), re.IGNORECASE) for name in listed.split(b"\0") if name)


class GitSnapshot:
    """A change and access to its content; satisfies `core.ports.change.Snapshot`."""

    def __init__(self, repository: Repository, change: Change) -> None:
        self.change = change
        self._repository = repository
        self._held: dict[str, bytes] = {}

    def sizes(self, entries: Sequence[Entry]) -> Mapping[str, int]:
        """Return the size in bytes of the larger side of each entry, by path; 0 for a submodule."""
        oids = _oids(entries)
        answer = self._git("cat-file", "--batch-check=%(objecttype) %(objectsize)", stdin=_lines(oids))
        by_oid: dict[str | None, int] = {None: 0}
        for oid, line in zip(oids, answer.splitlines(), strict=True):
            kind, _, size = line.partition(b" ")
            if kind != b"blob":
                raise missing(oid)
            by_oid[oid] = int(size)
        return {entry.path: max(by_oid[oid] for oid in _blobs(entry)) for entry in entries}

    def contents(self, entries: Sequence[Entry]) -> Mapping[str, Content]:
        """Return both sides of each entry, byte for byte; a submodule has none. The latest result is cached."""
        oids = _oids(entries)
        held = {oid: self._held[oid] for oid in oids if oid in self._held}
        unread = [oid for oid in oids if oid not in held]
        if unread:
            held |= read_blobs(unread, cwd=self._repository.top, env=self._repository.environment)
        self._held = held
        return {entry.path: Content(*(held[oid] if oid else None for oid in _blobs(entry))) for entry in entries}

    def hunks(self, entries: Sequence[Entry]) -> Mapping[str, tuple[Hunk, ...]]:
        """Return the changed lines of each entry, regardless of attributes and configuration.

        The two sides are diffed as two temporary trees with a number as each name. No file name, attribute or rename
        can then affect an entry's lines, and only these entries are read.
        """
        if not entries:
            return {}
        sides = zip(*(_blobs(entry) for entry in entries), strict=True)
        with private_objects(self._repository) as (_, env):
            trees = git(["mktree", "--batch", "--missing"], cwd=self._repository.top, stdin=_numbered(sides), env=env)
            old, new = trees.decode("ascii").split()
            patch = git(["diff-tree", *_PATCH, old, new], cwd=self._repository.top, env=env)
        found = dict(read_hunks(patch))
        return {entry.path: found.get(number, ()) for number, entry in enumerate(entries)}

    def stream(self, oid: str) -> Iterator[bytes]:
        """Yield one side of an entry in pieces. Raises GitError if it is missing."""
        return stream_blob(oid, cwd=self._repository.top, env=self._repository.environment)

    def unchanged(self) -> GitUnchanged:
        """Return the files that the change does not touch."""
        return GitUnchanged(self.change, cwd=self._repository.top, env=self._repository.environment)

    def unchanged_by(self, part: Change) -> GitUnchanged | None:
        """Return the files outside of ``part`` of the change.

        None if git has not stored the tree: the files of other parts could only be read from the base.
        """
        top, env = self._repository.top, self._repository.environment
        if try_git(["cat-file", "-e", part.tree], cwd=top, env=env).returncode:
            return None
        return GitUnchanged(part, cwd=top, env=env)

    def _git(self, *args: str, stdin: bytes) -> bytes:
        return git(args, cwd=self._repository.top, stdin=stdin, env=self._repository.environment)


def _blobs(entry: Entry) -> tuple[str | None, str | None]:
    """Return the ids of both sides, None for a missing side or a submodule's commit."""
    return (
        None if entry.old_mode == SUBMODULE_MODE else entry.old_oid,
        None if entry.new_mode == SUBMODULE_MODE else entry.new_oid,
    )


def _oids(entries: Iterable[Entry]) -> list[str]:
    return list(dict.fromkeys(oid for entry in entries for oid in _blobs(entry) if oid))


def _lines(names: Iterable[str]) -> bytes:
    return "".join(f"{name}\n" for name in names).encode("utf-8", "surrogateescape")


def _numbered(sides: Iterable[Sequence[str | None]]) -> bytes:
    """Return trees in the format of git-mktree(1), one for each side, each followed by an empty line."""
    return b"".join(
        _lines(f"100644 blob {oid}\t{number}" for number, oid in enumerate(side) if oid) + b"\n" for side in sides
    )


@contextlib.contextmanager
def private_objects(repository: Repository) -> Iterator[tuple[Path, Environment]]:
    """Yield a temporary folder, and the environment for a git that writes its objects there and reads all others."""
    inherited = None if repository.seal else os.environ.get("GIT_ALTERNATE_OBJECT_DIRECTORIES")
    folders = (_quoted(str(repository.objects)), inherited)
    with temporary_folder() as folder:
        yield (
            Path(folder),
            {
                **repository.environment,
                "GIT_OBJECT_DIRECTORY": folder,
                "GIT_ALTERNATE_OBJECT_DIRECTORIES": os.pathsep.join(filter(None, folders)),
            },
        )


def staged(repository: Repository) -> GitSnapshot:
    """Return the change that `git commit` would commit: the index that git passed to the hook, against HEAD."""
    base = repository.head_tree or repository.empty_tree
    diff = begin(
        ["diff-index", "--cached", *RAW, "--ita-invisible-in-index", base, "--"],
        cwd=repository.top,
        env=repository.environment,
    )
    written = _write_tree(repository)  # concurrently: each takes time on a large index
    entries = read_raw(output(diff(b"")))
    tree = output(written).decode("ascii").strip()
    return GitSnapshot(repository, Change(tree=tree, base=base, entries=entries, title="staged change"))


def _write_tree(repository: Repository) -> Finished:
    """Ask for the tree that the index holds.

    `git write-tree` refreshes the index it is given and stores trees: it gets a copy, and a folder of its own. A blob
    that a partial clone has not fetched yet does not matter for the id.
    """
    with private_objects(repository) as (folder, env):
        copy = folder / "index"
        with contextlib.suppress(FileNotFoundError):  # nothing was ever staged
            shutil.copyfile(repository.index, copy)
        # An empty work tree: otherwise git would compare files as new as the index, through the user's filters.
        own = {**env, "GIT_INDEX_FILE": str(copy), "GIT_WORK_TREE": str(copy.parent)}
        return try_git([*NO_HOOKS, "write-tree", "--missing-ok"], cwd=copy.parent, env=own)


def build_tree(change: Change, run: Callable[..., bytes]) -> None:
    """Build index and tree of ``change``: its base with the entries on top. The tree's id proves equality.

    ``run`` is git with the index and the objects that it is made in.
    """
    none = "0" * len(change.tree)
    gone = [e.old_path for e in change.entries if e.status in {Status.DELETED, Status.RENAMED}]
    there = [e for e in change.entries if e.status is not Status.DELETED]
    lines = [f"0 {none}\t{path}" for path in gone] + [f"{e.new_mode} {e.new_oid}\t{e.path}" for e in there]
    run("read-tree", change.base)
    run("update-index", "-z", "--index-info", stdin=os.fsencode("".join(f"{line}\0" for line in lines)))
    built = run("write-tree", "--missing-ok").decode("ascii").strip()
    if built != change.tree:
        raise GitError(f"the tree {change.tree[:12]} cannot be built from its base", "stage the change again")


def between(repository: Repository, from_ref: str, to_ref: str) -> GitSnapshot:
    """Return the changes of ``to_ref`` since its merge base with ``from_ref``, as a pull request shows them."""
    refs = (from_ref, to_ref)
    found = resolve(repository, [f"{ref}^{{commit}}" for ref in refs])
    for ref, oid in zip(refs, found, strict=True):
        if oid is None:
            raise _unknown(repository, ref)
    commits = [oid for oid in found if oid]
    args = ["merge-base", *commits]
    merge_base = try_git(args, cwd=repository.top, env=repository.environment).stdout.decode("ascii").split()
    if not merge_base and repository.shallow:
        raise GitError(f"this shallow clone does not reach back to where {to_ref!r} left {from_ref!r}", DEEPEN)
    start = merge_base[0] if merge_base else commits[0]
    return _historical(repository, f"{start}^{{tree}}", commits[1], f"{from_ref}..{to_ref}")


def commit(repository: Repository, rev: str) -> GitSnapshot:
    """Return one commit against its first parent, or against the empty tree if it has none."""
    oid, parent = resolve(repository, [f"{rev}^{{commit}}", f"{rev}^{{commit}}^1"])
    if oid is None:
        raise _unknown(repository, rev)
    if oid in repository.shallow:
        raise GitError(f"this shallow clone does not have the parent of {rev!r}", DEEPEN)
    base = f"{parent}^{{tree}}" if parent else repository.empty_tree
    return _historical(repository, base, oid, f"commit {oid[:10]}")


def _historical(repository: Repository, base: str, new: str, title: str) -> GitSnapshot:
    old_tree, new_tree = resolve(repository, [base, f"{new}^{{tree}}"])
    if old_tree is None or new_tree is None:
        raise GitError(f"a tree of {title} is not in this clone", DEEPEN)
    return compare(repository, old_tree, new_tree, title)


def compare(repository: Repository, base: str, tree: str, title: str, *, renames: bool = True) -> GitSnapshot:
    """Return ``tree`` against ``base``, both trees or commits in the repository."""
    args = ["diff-tree", "-r", *RAW, *([] if renames else ["--no-renames"]), base, tree, "--"]
    entries = read_raw(git(args, cwd=repository.top, env=repository.environment))
    return GitSnapshot(repository, Change(tree=tree, base=base, entries=entries, title=title))


def resolve(repository: Repository, names: Sequence[str]) -> list[str | None]:
    """Return the object ids of ``names``, None for missing ones. On standard input no name is taken for an option."""
    if any("\n" in name for name in names):
        return [None] * len(names)
    answer = git(
        ["cat-file", "--batch-check=%(objectname)"],
        cwd=repository.top,
        stdin=_lines(names),
        env=repository.environment,
    )
    return [line if " " not in line else None for line in os.fsdecode(answer).split("\n")[:-1]]


def _unknown(repository: Repository, ref: str) -> GitError:
    full = _FULL_ID.fullmatch(ref) is not None
    if full and not ref.strip("0"):
        hint = f"CI passes this for a new branch: {_ELSEWHERE}"
    elif repository.shallow:
        hint = DEEPEN
    else:
        hint = f"a forced push may have replaced it: {_ELSEWHERE}" if full else "check the spelling"
    return GitError(f"this clone has no commit {ref!r}", hint)
