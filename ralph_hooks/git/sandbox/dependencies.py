"""Installed dependencies of the project in a scratch copy, so that no command installs them for every commit.

A scratch copy has only tracked files, which dependencies are not. They are shared if the copy's lock file is the one
they were installed from. Files that a command adds, removes or replaces do not affect the user's:

- a folder is copied with reflinks if the file system supports them, else with hard links
- build output is copied byte by byte
- a virtual environment, which cannot be moved, is a link

The caches of Maven, Gradle, Go, npm and others are in the user's home folder, and are found there as usual.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

_NODE_LOCKS = ("package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "yarn.lock", "bun.lock", "bun.lockb")
_NODE_MARKS = (".package-lock.json", ".modules.yaml", ".yarn-state.yml", ".yarn-integrity")
"""Files that npm, pnpm and yarn write to node_modules after installing."""
_NODE_KEPT = frozenset((".bin", ".pnpm", *_NODE_MARKS))
"""Names that begin with a dot and are not caches."""
_PYTHON_LOCKS = ("uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock")
_BUILT = tuple(
    f"target/{profile}/{name}" for profile in ("debug", "release") for name in (".fingerprint", "build", "deps")
)
"""Build output that cargo keeps for the project's dependencies."""
_ENVIRONMENTS = (".venv", "venv")
_FICLONE = 0x40049409  # ioctl_ficlone(2)
_MOST_FILES = 200_000
_MOST_BYTES = 1_000_000_000  # of build output, which is copied
_DEEPEST = 4


class _Folder(Struct, frozen=True):
    """A folder to share, relative to the top."""

    path: str
    linked: bool = True
    """True if files may be hard links: programs replace them and never write into them."""
    caches: bool = False
    """True if names that begin with a dot are caches, which are not copied."""


def share(project: Path, copy: Path) -> tuple[str, ...]:
    """Share the dependencies of ``project`` with ``copy`` and return their folders.

    Dependencies that cannot be shared are left out.
    """
    shared = []
    for folder in _folders(project, copy):
        target = copy / folder.path
        try:
            _Tree(folder).copy(project / folder.path, target)
        except OSError:
            shutil.rmtree(target, ignore_errors=True)
            continue
        shared.append(folder.path)
    for name in _ENVIRONMENTS:
        there = (project / name / "pyvenv.cfg").is_file() and not os.path.lexists(copy / name)
        if there and _same(project, copy, _PYTHON_LOCKS):
            (copy / name).symlink_to(project / name, target_is_directory=True)
            shared.append(name)
    if shared:
        with contextlib.suppress(OSError):
            (copy / ".git/info").mkdir(exist_ok=True)
            with (copy / ".git/info/exclude").open("a", encoding="utf-8") as exclude:
                exclude.writelines(f"/{path}\n" for path in shared)
    return tuple(shared)


def state(project: Path) -> Iterator[str]:
    """Yield values that change when other dependencies are installed in ``project``."""
    for name in (*(f"node_modules/{mark}" for mark in _NODE_MARKS), "node_modules", "vendor", *_ENVIRONMENTS):
        with contextlib.suppress(OSError):
            yield f"{name} {(project / name).stat().st_mtime_ns}"


def _folders(project: Path, copy: Path) -> Iterator[_Folder]:
    for package in _packages(copy):
        name = (package / "node_modules").as_posix()
        if _only_there(project, copy, name) and _installed(project, copy, package):
            yield _Folder(name, caches=True)
    for name, lock in (("vendor", "composer.lock"), ("vendor/bundle", "Gemfile.lock")):
        if _only_there(project, copy, name) and _locked(project, copy, lock):
            yield _Folder(name)
    if _only_there(project, copy, "target") and _locked(project, copy, "Cargo.lock"):
        for name in _BUILT:
            if (project / name).is_dir():
                yield _Folder(name, linked=False)


def _only_there(project: Path, copy: Path, name: str) -> bool:
    return (project / name).is_dir() and not (project / name).is_symlink() and not os.path.lexists(copy / name)


def _locked(project: Path, copy: Path, lock: str) -> bool:
    return (copy / lock).is_file() and _same(project, copy, (lock,))


def _packages(copy: Path) -> Iterator[Path]:
    """Yield the folders with a package.json, relative to the top, outermost first."""
    level = [copy]
    for _ in range(_DEEPEST):
        below: list[Path] = []
        for folder in level:
            if (folder / "package.json").is_file():
                yield folder.relative_to(copy)
            with contextlib.suppress(OSError), os.scandir(folder) as entries:
                below += [
                    Path(entry.path)
                    for entry in entries
                    if entry.is_dir(follow_symlinks=False) and entry.name not in {".git", "node_modules"}
                ]
        level = sorted(below)


def _installed(project: Path, copy: Path, package: Path) -> bool:
    """Return True if node_modules match the lock file of ``copy``, beside the package or above it."""
    modules = project / package / "node_modules"
    for folder in (package, *package.parents):
        for name in _NODE_LOCKS:
            lock = project / folder / name
            if not (copy / folder / name).is_file():
                continue
            places = (modules, project / folder / "node_modules")
            marks = [place / mark for place in places for mark in _NODE_MARKS]
            newest = max((_time(mark) for mark in (*marks, modules)), default=0)
            return _same(project, copy, ((folder / name).as_posix(),)) and newest >= _time(lock)
    return _same(project, copy, ((package / "package.json").as_posix(),))


def _same(project: Path, copy: Path, names: tuple[str, ...]) -> bool:
    """Return True if the files ``names`` are identical on both sides, or missing on both."""
    return all(_content(project / name) == _content(copy / name) for name in names)


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _time(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


class _Tree:
    """A copier of one folder, by the cheapest method of the file system."""

    def __init__(self, folder: _Folder) -> None:
        self._folder = folder
        self._clones = sys.platform == "linux"
        self._links = folder.linked
        self._files = 0
        self._bytes = 0

    def copy(self, source: Path, target: Path) -> None:
        """Copy the folder. Raises OSError if a file cannot be copied, or the folder is too large."""
        target.mkdir(parents=True)
        with os.scandir(source) as entries:
            for entry in entries:
                dotted = entry.name.startswith(".") and entry.name not in _NODE_KEPT
                if not (self._folder.caches and dotted and source.name == "node_modules"):
                    self._entry(entry, target / entry.name)

    def _entry(self, entry: os.DirEntry[str], target: Path) -> None:
        if entry.is_symlink():
            target.symlink_to(Path(entry.path).readlink())
        elif entry.is_dir():
            self.copy(Path(entry.path), target)
        elif entry.is_file():
            self._count(entry.stat().st_size)
            self._file(entry.path, target)

    def _count(self, size: int) -> None:
        self._files += 1
        self._bytes += size
        if self._files > _MOST_FILES or (not self._folder.linked and not self._clones and self._bytes > _MOST_BYTES):
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(self._folder.path))

    def _file(self, source: str, target: Path) -> None:
        if self._clones:
            try:
                _clone(source, target)
            except OSError:  # not supported by the file system, or the copy is on another one
                self._clones = False
                target.unlink(missing_ok=True)
            else:
                return
        if self._links:
            try:
                os.link(source, target)
            except OSError:
                self._links = False
            else:
                return
        shutil.copy2(source, target)


def _clone(source: str, target: Path) -> None:
    import fcntl

    with open(source, "rb") as old, target.open("xb") as new:  # noqa: PTH123 - tens of thousands of files
        fcntl.ioctl(new.fileno(), _FICLONE, old.fileno())
    shutil.copystat(source, target)
