"""A scratch copy: a folder with the files of one tree, written from git's objects, that commands may modify.

It has its own repository, which borrows the user's objects but has no refs, configuration, stash or hooks of theirs.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from ralph_hooks.core.change import Change
from ralph_hooks.errors import GitError
from ralph_hooks.git.refs import store_folder
from ralph_hooks.git.run import git, sealed, try_git
from ralph_hooks.git.sandbox.editable_installs import installed
from ralph_hooks.git.snapshot import Repository, build_tree
from ralph_hooks.locks import Lock, acquire
from ralph_hooks.process import OURS, TEMPORARY, allowed_environment

PREFIX = f"{OURS}scratch-"
_LOCK = "ralph-hooks.lock"  # beside the copy, which has the project's name
_ABANDONED = 3600.0  # seconds after which a folder that is normally used for milliseconds is orphaned


@contextlib.contextmanager
def scratch(repository: Repository, tree: str, change: Change | None = None) -> Iterator[Path]:
    """Yield a temporary folder with the files of ``tree``; the folder around it is private to the caller too.

    git has not always stored the tree of an index: ``change`` then defines it relative to its base. Leftovers of
    killed runs are also removed. Raises GitError if an object is missing, OSError if the disk is full.
    """
    with private_folder(repository) as folder:
        yield _Copy(repository, folder).fill(tree, change)


def program_environment(copy: Path, project: Path, program: str = "") -> dict[str, str]:
    """Return the environment of ``program`` in a copy of ``project``: the allow-list, with the copy's code first.

    The copy precedes the user's editable installs; PYTHONPATH entries inside the user's tree are mapped into the copy.
    """
    env = allowed_environment()
    inherited = [entry for entry in env.get("PYTHONPATH", "").split(os.pathsep) if entry]
    moved = [str(copy / Path(e).relative_to(project)) if Path(e).is_relative_to(project) else e for e in inherited]
    local = [project / name / "bin" for name in (".venv", "venv")]
    own = [str(copy / root) for root in installed(project, [*_folders(env, program), *local]).roots]
    env["PYTHONPATH"] = os.pathsep.join(dict.fromkeys([str(copy), str(copy / "src"), *own, *moved]))
    env["PYTHONDONTWRITEBYTECODE"] = "1"
    if (copy / ".venv").is_symlink():  # the user's own, which must not be redirected into the copy
        env["UV_NO_SYNC"] = "1"
    return env


def stubborn_loaders(project: Path, program: str) -> tuple[str, ...]:
    """Return the loaders of ``project``'s editable installs that no environment variable can override."""
    return installed(project, _folders(allowed_environment(), program)).stubborn


def _folders(env: Mapping[str, str], program: str) -> list[Path]:
    """Return the folders of programs, and that of ``program``."""
    own = [Path(program).parent] if Path(program).is_absolute() else []
    return own + [Path(entry) for entry in env.get("PATH", "").split(os.pathsep) if entry]


class _Copy:
    """A new repository in ``folder`` and the steps that fill it."""

    def __init__(self, repository: Repository, folder: Path) -> None:
        self._repository = repository
        self._path = folder / repository.top.name
        self._env = sealed(folder)

    def fill(self, tree: str, change: Change | None) -> Path:
        """Borrow the objects, write the files, and commit them as HEAD for tools that use git."""
        self._path.mkdir()
        self._git("init", "--quiet", "--template=", f"--object-format={self._repository.object_format}")
        with (self._path / ".git/config").open("a", encoding="utf-8") as config:
            # A commit in the copy, as by coding agents, must not start the user's hooks, which include ours.
            config.write(f"[core]\n\thooksPath = {os.devnull}\n")
            config.write("[checkout]\n\tworkers = 0\n")  # one per processor
        information = self._path / ".git/objects/info"
        information.mkdir(exist_ok=True)
        lenders = (self._repository.objects, store_folder(self._repository) / "objects")
        lines = [os.fsencode(folder) + b"\n" for folder in lenders if folder.is_dir()]
        (information / "alternates").write_bytes(b"".join(lines))
        if change is not None and change.tree == tree and not self._has(tree):
            build_tree(change, self._git)
            self._git("checkout-index", "--all", "--index")
        else:
            self._git("read-tree", "-u", "--reset", tree)
        head = self._git("commit-tree", "-m", "scratch copy", tree).decode("ascii").strip()
        self._git("update-ref", "HEAD", head)
        return self._path

    def _has(self, oid: str) -> bool:
        return try_git(["cat-file", "-e", oid], cwd=self._path, env=self._env).returncode == 0

    def _git(self, *args: str, stdin: bytes = b"") -> bytes:
        return git(args, cwd=self._path, stdin=stdin, env=self._env)


@contextlib.contextmanager
def private_folder(repository: Repository | None = None) -> Iterator[Path]:
    """Yield an owner-only folder outside ``repository``, with a file locked while we live. Raises GitError."""
    parent = Path(tempfile.gettempdir()).resolve()
    if repository is not None and parent.is_relative_to(repository.top):
        # Tools search parent folders for their configuration, and would find the user's.
        raise GitError(f"the temporary folder {parent} is inside the repository", "set TMPDIR to a folder outside it")
    sweep()
    folder, lock = _claim(parent)
    try:
        yield folder
    finally:
        _discard(folder, lock)


def _claim(parent: Path) -> tuple[Path, Lock]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        lock = acquire(folder / _LOCK)
        if lock is not None:
            return folder, lock  # otherwise it was swept before it was locked


def sweep() -> None:
    """Remove leftovers of this user's killed runs: the system releases a lock whenever its holder dies."""
    parent = Path(tempfile.gettempdir()).resolve()
    for folder in parent.glob(f"{PREFIX}*"):
        lock = acquire(folder / _LOCK) if _ours(folder) else None
        if lock is not None:
            _discard(folder, lock)
    for folder in parent.glob(f"{TEMPORARY}*"):
        found = _ours(folder)
        if found and time.time() - found.st_mtime > _ABANDONED:
            _remove(folder)


def _ours(folder: Path) -> os.stat_result | None:
    """Return the status of a folder owned by this user; None for anything else."""
    try:
        found = folder.lstat()
    except FileNotFoundError:  # removed by its owner
        return None
    return found if stat.S_ISDIR(found.st_mode) and (sys.platform == "win32" or found.st_uid == os.getuid()) else None


def _discard(folder: Path, lock: Lock) -> None:
    """Remove ``folder``, then release the lock; Windows does not remove open files."""
    if sys.platform == "win32":
        lock.release()
    _remove(folder)
    lock.release()


def _remove(folder: Path) -> None:
    """Remove ``folder`` as far as permitted: tests leave folders without permissions behind."""
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        for parent, folders, files in os.walk(folder):
            # A file may be a hard link to the user's and share its mode; only Windows needs the change.
            for path in (Path(parent, name) for name in (*folders, *(files if sys.platform == "win32" else ()))):
                if not path.is_symlink():  # its target is not ours
                    with contextlib.suppress(OSError):
                        path.chmod(0o700)
        shutil.rmtree(folder, ignore_errors=True)
