"""Our own commits, under ``refs/ralph/`` of a bare repository inside the user's ``.git``.

Listings of the user's refs, pushes and clones do not include them. The repository borrows the user's objects, and
copies those that its commits need: `git gc` in the user's repository cannot remove them.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from ralph_hooks.core.change import SUBMODULE_MODE, decode
from ralph_hooks.errors import GitError
from ralph_hooks.git.objects import DURABLE
from ralph_hooks.git.repo import opened
from ralph_hooks.git.run import NO_HOOKS, Environment, git, sealed
from ralph_hooks.git.snapshot import Repository

FOLDER = "ralph-hooks"
"""The name of our folder inside a git folder."""
_QUIET = (
    *NO_HOOKS,
    "-c", "core.logAllRefUpdates=false",
    "-c", "core.filesRefLockTimeout=1000",  # milliseconds
)  # fmt: skip
_NAME = "store.git"
_OURS = "refs/ralph/"
_CONFIG = "[core]\n\trepositoryformatversion = 1\n\tbare = true\n[extensions]\n\tobjectformat = {}\n"
_KEEP = 50
_KEEP_SECONDS = 30 * 86_400.0
_IDS = slice(2, 4)  # of a `--raw` line: two modes, two object ids, a status
_SUBMODULE = SUBMODULE_MODE.encode("ascii")


def store(repository: Repository) -> Repository:
    """Return the repository that holds our commits, creating it if needed. Raises GitError."""
    ours = _at(repository)
    try:
        _prepare(ours, repository)
    except OSError as error:
        raise GitError(f"cannot write to {ours.top}: {error.strerror}", "check its owner and permissions") from error
    if _has_old(repository):
        _take_over(repository)
    return ours


def store_folder(repository: Repository) -> Path:
    """Return the path of that repository, which may not exist yet."""
    return repository.common_dir / FOLDER / _NAME


def _at(repository: Repository) -> Repository:
    folder = store_folder(repository)
    return Repository(
        top=folder,
        git_dir=folder,
        common_dir=folder,
        index=folder / "index",
        object_format=repository.object_format,
        head_tree=None,
        fetches=False,
        seal=sealed(folder),
    )


def _prepare(ours: Repository, repository: Repository) -> None:
    """Initialise the folder as a repository, and rewrite its configuration if it was modified."""
    ours.top.parent.mkdir(mode=0o700, exist_ok=True)
    for folder in (ours.objects / "info", ours.objects / "pack", ours.top / "refs"):
        folder.mkdir(parents=True, exist_ok=True)
    borrowed = os.path.relpath(repository.common_dir / "objects", ours.objects)
    for path, content in (
        (ours.objects / "info/alternates", os.fsencode(borrowed) + b"\n"),
        (ours.top / "config", _CONFIG.format(ours.object_format).encode("ascii")),
        (ours.top / "HEAD", b"ref: refs/heads/none\n"),
    ):
        if not path.is_file() or path.is_symlink() or path.read_bytes() != content:
            draft = path.with_name(f"{path.name}.{os.getpid()}.new")
            draft.write_bytes(content)
            draft.replace(path)


def _has_old(repository: Repository) -> bool:
    """Return True if an earlier release may have left refs in the user's repository."""
    if (repository.common_dir / _OURS).is_dir() or (repository.common_dir / "reftable").is_dir():
        return True
    try:
        return f" {_OURS}".encode() in (repository.common_dir / "packed-refs").read_bytes()
    except OSError:
        return False


def _take_over(repository: Repository) -> None:
    """Move the refs that an earlier release wrote to the user's repository."""
    top, env = repository.top, repository.environment
    told = git(["for-each-ref", "--format=%(refname) %(objectname)", _OURS], cwd=top, env=env)
    for ref, commit in (line.split(" ") for line in os.fsdecode(told).splitlines()):
        with contextlib.suppress(GitError):  # refs that cannot be moved stay
            keep(repository, commit, env=env)
            put(repository, ref, commit)
            git([*_QUIET, "update-ref", "-d", ref, commit], cwd=top, env=env)
    with contextlib.suppress(OSError):
        (repository.common_dir / _OURS).rmdir()


def keep(repository: Repository, commit: str, *, env: Environment, whole: bool = False) -> None:
    """Copy ``commit`` into our repository, with its parent and the difference of their trees. No ref names it yet.

    ``env`` is that of a git which has these objects; an object that it lacks, as in a partial clone, is left out. With
    ``whole``, all objects of both trees that HEAD lacks are copied: trees of an index are stored nowhere else.
    """
    ours = _at(repository)
    args = ["diff-tree", "-r", "-t", "-z", "--raw", "--root", "--no-commit-id", "--no-abbrev", "--no-renames", commit]
    rows = [row[1:].split(b" ") for row in git(args, cwd=ours.top, env=env).split(b"\0")[:-1:2]]
    tops = [commit, f"{commit}^{{tree}}", f"{commit}^1", f"{commit}^1^{{tree}}"]
    inside = [oid for row in rows for mode, oid in zip(row, row[_IDS], strict=False) if mode != _SUBMODULE]
    if whole:
        known = [f"^{repository.head_tree}"] if repository.head_tree else []
        listing = ["rev-list", "--objects", "--no-object-names", "--missing=allow-any", commit, *known]
        inside += git(listing, cwd=ours.top, env=env).split()
    names = "".join(f"{name}\n" for name in (*tops, *map(os.fsdecode, inside)))
    there = git(["cat-file", "--batch-check=%(objectname)"], cwd=ours.top, stdin=names.encode("ascii"), env=env)
    wanted = b"".join(b"%s\n" % line for line in dict.fromkeys(there.splitlines()) if b" " not in line)
    pack = git(["pack-objects", "--stdout", "-q"], cwd=ours.top, stdin=wanted, env=env)
    # The name of the commit in the .keep file tells which pack goes with its ref.
    git([*DURABLE, "index-pack", "--stdin", f"--keep={commit}"], cwd=ours.top, stdin=pack, env=ours.environment)


def create(repository: Repository, ref: str, commit: str) -> None:
    """Create ``ref`` naming ``commit``. Raises GitError if the ref exists."""
    _update(repository, f"create {ref} {commit}\n")


def put(repository: Repository, ref: str, commit: str) -> None:
    """Make ``ref`` name ``commit``, replacing any previous value.

    A killed git may have left a lock on this ref. The caller has exclusive use of the ref, and git has already waited
    for the lock: it has no owner.
    """
    try:
        _update(repository, f"update {ref} {commit}\n")
    except GitError:
        lock = _at(repository).common_dir / f"{ref}.lock"
        if not lock.exists():
            raise
        lock.unlink(missing_ok=True)
        _update(repository, f"update {ref} {commit}\n")


def delete(repository: Repository, ref: str) -> None:
    """Remove ``ref`` and its pack, if it exists."""
    commits = [commit for _, commit in listed(repository, ref, "%(objectname)")]
    _update(repository, f"delete {ref}\n")
    _discard(repository, commits)


def prune(repository: Repository, older: Sequence[tuple[str, str, float]]) -> None:
    """Remove the oldest of ``older`` (ref, commit and time, newest first), counting one newer entry as kept."""
    oldest = time.time() - _KEEP_SECONDS
    gone = [(ref, oid) for number, (ref, oid, at) in enumerate(older, 2) if number > _KEEP or at < oldest]
    if gone:
        _update(repository, "".join(f"delete {ref} {oid}\n" for ref, oid in gone))
    _discard(repository, [commit for _, commit in gone])


def listed(repository: Repository, pattern: str, *fields: str) -> list[tuple[str, ...]]:
    """Return name and ``fields`` (git-for-each-ref(1)) of each of our refs that match ``pattern``."""
    if not (store_folder(repository) / "HEAD").exists() and not _has_old(repository):
        return []  # the common case, without the 70 ms import of GitPython
    with opened(store(repository)) as repo:
        form = "".join(f"{field}%00" for field in ("%(refname)", *fields))
        answer = repo.git.for_each_ref(pattern, format=form, stdout_as_string=False)
    words = iter(decode(answer).split("\0")[:-1])
    rows = zip(*[words] * (1 + len(fields)), strict=True)
    return [(row[0].lstrip("\n"), *row[1:]) for row in rows]


def _update(repository: Repository, lines: str) -> None:
    ours = _at(repository)
    args = [*_QUIET, *DURABLE, "update-ref", "--stdin"]
    git(args, cwd=ours.top, stdin=lines.encode("ascii"), env=ours.environment)


def _discard(repository: Repository, commits: Collection[str]) -> None:
    """Remove the packs of ``commits``, which no ref names any more, and old ones left by killed runs."""
    named = {commit for _, commit in listed(repository, _OURS, "%(objectname)")}
    for note in _packs(repository):
        with contextlib.suppress(OSError):  # another process was faster, or Windows has the file open
            commit = note.read_text(encoding="ascii").strip()
            old = note.stat().st_mtime < time.time() - _KEEP_SECONDS
            if commit not in named and (commit in commits or old):
                for ending in (".idx", ".rev", ".pack", ".keep"):  # in the order in which git stops reading them
                    note.with_suffix(ending).unlink(missing_ok=True)


def _packs(repository: Repository) -> Iterator[Path]:
    return (_at(repository).objects / "pack").glob("pack-*.keep")
