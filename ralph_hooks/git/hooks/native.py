"""Native hooks in git's hooks folder, alongside existing hooks of other programs.

Nothing is ever lost: a previous hook is kept unchanged (`hook_script.KEPT`) and restored by `uninstall`. If a file was
modified since, nothing is done and the error shows the difference.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from ralph_hooks.errors import GitError
from ralph_hooks.git.hooks import managers
from ralph_hooks.git.hooks.script import (
    BESIDE,
    BY_NAME,
    KEPT,
    Found,
    KeptHook,
    Script,
    digest,
    reads_itself,
    recognise,
    shell_of,
)
from ralph_hooks.git.run import failure, try_git
from ralph_hooks.git.snapshot import Repository

TRACKED = "the repository tracks it, so everybody with a clone would get the hook"
OUTSIDE = "it is outside this repository, so its hooks run in other repositories too"
_EXECUTABLE = 0o777
_LONGEST = 1 << 20  # bytes of a hook that are read; a larger file is a program of its own


class Folder(Struct, frozen=True):
    """The folder in which git looks for hooks."""

    path: Path
    """The absolute path. It need not exist."""
    setting: str = ""
    """The value of ``core.hooksPath`` and the file that sets it, for display; empty if it is not set."""
    shared: str = ""
    """The reason why others share the folder, for display; empty if it belongs to this repository."""


class HookState(Struct, frozen=True):
    """The state of one hook."""

    hook: str
    path: Path
    """The path at which git looks."""
    ours: Path | None = None
    """The path of our script: ``path``, or the one under which a manager keeps and runs it."""
    found: Found | None = None
    """The data embedded in our script."""
    other: str = ""
    """The owner of the script at ``path`` if it is not ours; empty if there is none."""
    runs: bool = True
    """False if git ignores the file at ``path`` because it is not executable."""

    @property
    def kept(self) -> Path:
        """The path of the previous hook, if there was one."""
        return self.path.with_name(self.hook + KEPT)

    @property
    def named(self) -> Path:
        """The path at which the previous hook has its original name, if it reads that."""
        return self.path.with_name(BY_NAME) / self.hook


def folder(repository: Repository, *, own: bool = False) -> Folder:
    """Return the folder from which git runs hooks; with ``own`` the repository's, regardless of ``core.hooksPath``.

    Raises GitError if hooks are turned off.
    """
    default = repository.common_dir / "hooks"
    if own:
        return Folder(default)
    asked = ["config", "-z", "--show-scope", "--show-origin", "--type=path", "--get", "core.hooksPath"]
    done = try_git(asked, cwd=repository.top)
    match [os.fsdecode(word) for word in done.stdout.split(b"\0")]:
        case [scope, origin, value, ""]:
            setting = f"core.hooksPath = {value} ({scope}, {origin.removeprefix('file:')})"
        case _ if done.returncode == 1:
            return Folder(default, shared=_sharing(repository, default))
        case _:
            raise failure(done)
    path = repository.top / value
    if not value or (path.exists() and not path.is_dir()):
        raise GitError(
            f"hooks are turned off: {setting} is not a folder",
            "unset it, or use `ralph-hooks install --into repository` if your own hook calls this one",
        )
    return Folder(path, setting, _sharing(repository, path))


def _sharing(repository: Repository, path: Path) -> str:
    real = path.resolve()
    if any(real.is_relative_to(inside.resolve()) for inside in (repository.git_dir, repository.common_dir)):
        return ""
    if not real.is_relative_to(repository.top.resolve()):
        return OUTSIDE
    tracked = try_git(["--literal-pathspecs", "ls-files", "-z", "--", os.fspath(real)], cwd=repository.top)
    return TRACKED if tracked.stdout else ""


def inspect(place: Folder, hook: str) -> HookState:
    """Return the state of ``hook``. Raises GitError if it cannot be read."""
    path = place.path / hook
    text = _read(path)
    if text is None:
        return HookState(hook, path)
    found = recognise(text)
    runs = os.access(path, os.X_OK)
    if found is not None:
        return HookState(hook, path, path, found, runs=runs)
    other = managers.manager_of(text)
    suffix = managers.keeps(other)
    moved = path.with_name(hook + suffix)
    found = recognise(_read(moved) or b"") if suffix else None
    return HookState(hook, path, moved if found else None, found, other, runs)


def _read(path: Path) -> bytes | None:
    """Return the start of a hook; None if there is none."""
    try:
        with path.open("rb") as file:
            return file.read(_LONGEST)
    except FileNotFoundError:
        return b"" if path.is_symlink() else None  # a dangling link exists, and is kept like any other hook
    except OSError as error:
        raise GitError(f"{path} cannot be read: {error.strerror}", "make it a readable file") from error


class HookChange(Struct, frozen=True):
    """The effect of `install` or `uninstall` on one hook."""

    done: bool
    """False if there was nothing to do."""
    other: str = ""
    """The owner of the script that was kept or restored; empty if there was none."""
    runs: bool = True
    """False if that script is not executable, so that git did not run it either."""


def install(state: HookState, *, python: str, closed: bool) -> HookChange:
    """Install our script before the existing hook, or refresh it if it is installed.

    ``python`` is the interpreter that has ralph-hooks (empty: the one on PATH); ``closed`` makes git fail if it cannot
    be run. Raises GitError if the result of an earlier installation was modified, or if the folder cannot be written.
    """
    with _told(state.path):
        if state.ours is not None and state.found is not None:
            return _refresh(state, state.ours, state.found, python=python, closed=closed)
        if state.other == "":
            _refuse_leftover(state)
            state.path.parent.mkdir(parents=True, exist_ok=True)
            _write(state.path, Script(state.hook, python, closed).render())
            return HookChange(done=True)
        kept = _kept(state.path)
        _keep(state, kept)
        kept = _name(state, kept)
        _clear_away(state)
        _write(state.path, Script(state.hook, python, closed, kept).render())
        return HookChange(done=True, other=state.other, runs=kept.runs)


def _refresh(state: HookState, ours: Path, found: Found, *, python: str, closed: bool) -> HookChange:
    _refuse_changed(state, ours, found)
    kept = _name(state, _kept(state.kept)) if found.kept else None
    wanted = Script(state.hook, python, closed, kept).render()
    if ours.read_bytes() == wanted and os.access(ours, os.X_OK):
        return HookChange(done=False)
    _write(ours, wanted)
    return HookChange(done=True)


def uninstall(state: HookState) -> HookChange:
    """Remove our script and restore the previous hook, byte for byte.

    Raises GitError if the installed files were modified, or if the folder cannot be written.
    """
    ours = state.ours
    if ours is None or state.found is None:
        return HookChange(done=False)
    with _told(state.path):
        _refuse_changed(state, ours, state.found)
        if not state.found.kept:
            ours.unlink()
            return HookChange(done=True)
        before = managers.manager_of(_read(state.kept) or b"")
        _unname(state)
        if before == state.other:  # a manager was reinstalled over our hook: its newer script is already in place
            ours.unlink()
            state.kept.unlink()
        else:
            state.kept.replace(ours)
        return HookChange(done=True, other=before)


def _kept(path: Path) -> KeptHook:
    """Return the data on the hook at ``path`` that our script needs."""
    text = _read(path) or b""
    framework = managers.keeps(managers.manager_of(text)) != ""
    shell = shell_of(text)
    return KeptHook(
        digest=digest(path),
        shell=shell,
        runs=os.access(path, os.X_OK),
        framework=framework,
        reads_itself=bool(shell) and not framework and reads_itself(text),
        inside=(path.parent.parent / "HEAD").is_file(),
    )


def _keep(state: HookState, kept: KeptHook) -> None:
    """Give the existing hook a second name; it loses its first one when our script replaces it."""
    if _there(state.kept) and digest(state.kept) != kept.digest:
        before = managers.manager_of(_read(state.kept) or b"")
        if before == managers.OTHER or before != state.other:
            raise GitError(
                f"{state.path} was written after ralph-hooks saved another script as {state.kept.name}",
                f"merge both into {state.hook}, remove {state.kept} and install again",
            )
        state.kept.unlink()  # a manager has rewritten its own script: the older one is useless
    if _there(state.kept):
        return
    try:
        os.link(state.path, state.kept, follow_symlinks=False)
    except (OSError, NotImplementedError):  # a file system without hard links
        state.path.rename(state.kept)


def _name(state: HookState, kept: KeptHook) -> KeptHook:
    """Provide the original name to a program that reads its own name; a shell is given it in another form.

    One that is a link, or is there under several names, is many hooks in one: Overcommit's is.
    """
    if kept.shell or not kept.runs or not (state.kept.is_symlink() or _has_double(state.kept)):
        return kept
    target = Path(os.readlink(state.kept)) if state.kept.is_symlink() else Path(state.kept.name)  # noqa: PTH115 - as written
    state.named.parent.mkdir(exist_ok=True)
    state.named.unlink(missing_ok=True)
    try:
        state.named.symlink_to(target if target.is_absolute() else Path("..", target))
    except (OSError, NotImplementedError):  # a file system or an account without symbolic links
        return kept
    return msgspec.structs.replace(kept, by_name=True)


def _has_double(path: Path) -> bool:
    beside = (other for other in path.parent.iterdir() if other != path and other.is_file())
    return any(other.stat().st_size == path.stat().st_size and digest(other) == digest(path) for other in beside)


def _unname(state: HookState) -> None:
    state.named.unlink(missing_ok=True)
    beside = state.path.parent.with_name(BESIDE)
    with contextlib.suppress(OSError):  # missing, or not empty: the other hook is in it
        state.named.parent.rmdir()
    for link in beside.glob("*"):
        if link.is_symlink():  # recreated when needed
            link.unlink()
    with contextlib.suppress(OSError):
        beside.rmdir()


def _clear_away(state: HookState) -> None:
    """Remove our script if a manager has set it aside, because the manager would not install over it."""
    suffix = managers.leaves(state.other)
    aside = state.path.with_name(state.hook + suffix)
    found = recognise(_read(aside) or b"") if suffix else None
    if found is not None and not found.edited:
        aside.unlink()


def _refuse_leftover(state: HookState) -> None:
    if _there(state.kept):
        raise GitError(
            f"{state.kept} is left over from an earlier installation whose hook is gone",
            f"restore it (mv {state.kept} {state.path}) or remove it, then install again",
        )


def _refuse_changed(state: HookState, ours: Path, found: Found) -> None:
    if found.edited:
        raise GitError(
            f"{ours} was edited after ralph-hooks wrote it",
            f"move your lines to another file and remove it (rm {ours}), then install again",
        )
    if not found.kept:
        return
    if not _there(state.kept):
        raise GitError(
            f"{state.kept}, the hook that was there before ralph-hooks, is gone",
            f"restore it, or uninstall without it: rm {ours}",
        )
    if digest(state.kept) != found.kept:
        raise GitError(
            f"{state.kept}, the hook that was there before ralph-hooks, was changed",
            f"to keep the changed hook: mv {state.kept} {ours}",
        )


def _there(path: Path) -> bool:
    return path.is_symlink() or path.exists()


def _write(path: Path, data: bytes) -> None:
    """Replace ``path`` atomically with an executable file."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.ralph-tmp")
    mask = os.umask(0)
    os.umask(mask)
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(_EXECUTABLE & ~mask & ~stat.S_IWOTH)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise GitError(
            f"{path} cannot be written: {error.strerror}",
            "check the folder's owner and permissions, and free space on its disk",
        ) from error
