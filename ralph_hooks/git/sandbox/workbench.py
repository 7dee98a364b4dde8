"""A scratch copy of the judged tree in which a repair is made, tested and stored.

There are two folders: the copy, where anything may be changed, and our own repository outside of it, unknown to the
programs in the copy. That repository reads the copy's files, so that configuration, hooks or filters written to the
copy's ``.git`` have no effect.
"""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import stat
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from ralph_hooks.core.change import SUBMODULE_MODE, Change, decode
from ralph_hooks.core.command import Command
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.own_settings import CONFIGURATIONS, Places, holding, settings_changed
from ralph_hooks.core.ports.store import Cache
from ralph_hooks.core.repair import AgentRun, StoredFix
from ralph_hooks.core.repair_rules import (
    MAX_BYTES,
    Violation,
    aliases,
    is_git,
    is_new,
    summary,
    unsafe_name,
    violations,
)
from ralph_hooks.core.report import Verification
from ralph_hooks.errors import RepairRefused
from ralph_hooks.git.fixes import store as fixes
from ralph_hooks.git.run import git, sealed, try_git
from ralph_hooks.git.sandbox.linter_runner import GitLinterRunner
from ralph_hooks.git.sandbox.prover import GitProver
from ralph_hooks.git.sandbox.scratch import private_folder, program_environment, scratch
from ralph_hooks.git.sandbox.verifier import OWN_NETWORK, REPAIRS_NETWORK, Between, CommandVerifier
from ralph_hooks.git.snapshot import GitSnapshot, Repository, compare
from ralph_hooks.process import can_cut_network, most_memory, run_bounded

_TASK = "{task}"
_INSIDE = "write inside a submodule"
_NOT_EXECUTABLE, _NOT_FOUND = 126, 127  # exit codes of a shell
_KEPT = 4 * 1024 * 1024  # bytes of an agent's output: its last message may be the whole conversation
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


class GitWorkbench:
    """Implements `core.ports.sandbox.Workbench`; a context manager, and everything is gone with it but what was stored.

    ``timeout`` is in seconds for one verify command, ``memory`` in bytes for one process, ``protected`` are the
    patterns of ``fix.protected``; with ``network`` a repair may use it while it is tested, with ``own_network`` the
    judged tree may. ``store`` caches the results of commands on the base. Entering raises GitError if an object is
    missing, OSError if the disk is full.
    """

    def __init__(
        self,
        repository: Repository,
        change: Change,
        *,
        timeout: float,
        memory: int | None = None,
        protected: Sequence[str] = (),
        network: bool = False,
        own_network: bool = True,
        own_files: Places = CONFIGURATIONS,
        store: Cache | None = None,
        dependencies: bool = True,
    ) -> None:
        self._repository = repository
        self._change = change
        self._timeout = timeout
        self._memory = memory or most_memory()
        self._protected = protected
        self._cut_by = ("" if own_network else OWN_NETWORK, "" if network else REPAIRS_NETWORK)
        self._own_files = own_files
        self._store = store
        self._dependencies = dependencies
        self._held: GitSnapshot | None = None
        self._written: set[str] = set()
        self._visited = False

    def __enter__(self) -> Self:
        if self._cut_by[1]:
            threading.Thread(target=can_cut_network, daemon=True).start()  # decided by the time that a repair is tested
        with contextlib.ExitStack() as stack:
            self._copies = stack.enter_context(contextlib.ExitStack())
            ours = stack.enter_context(private_folder(self._repository))
            copy = self._copies.enter_context(scratch(self._repository, self._change.tree, self._change))
            _copied(copy / ".git", ours / "git")
            self._ours = _our_repository(ours, self._repository, self._change.tree)
            self._excludes, self._hooks = _habits(self._repository)
            self._own, self._verifier = map(self._commands, self._cut_by)
            self._settle(copy)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def paths(self) -> Sequence[str]:
        """Return every file in the copy, sorted, without those that git ignores."""
        listed = self._listed("--cached", "--others", "--deduplicate")
        return sorted(path for path in listed if os.path.lexists(self._copy / path) and not self._is_folder(path))

    def read(self, path: str) -> bytes | None:
        """Return the current file; None if there is none. Follows no symbolic link."""
        if unsafe_name(path) or self._obstacle(path):
            return None
        try:
            descriptor = os.open(self._copy / path, os.O_RDONLY | _NO_FOLLOW)
        except OSError:
            return None
        with os.fdopen(descriptor, "rb") as file:
            return file.read() if stat.S_ISREG(os.fstat(descriptor).st_mode) else None

    def write(self, files: Mapping[str, bytes | None]) -> None:
        """Write files, or remove those that map to None; if one is refused, none is written."""
        for path in files:
            if violation := unsafe_name(path):
                raise RepairRefused(str(violation))
            if obstacle := self._obstacle(path):
                raise RepairRefused(str(obstacle))
        self._held = None
        for path, content in files.items():
            if content is None:
                self._remove(self._copy / path)
        for path, content in files.items():
            if content is not None:
                self._write(self._copy / path, content)
                self._written.add(path)

    def run_agent(
        self, command: Sequence[str], task: str, deadline: Deadline, environment: Mapping[str, str]
    ) -> AgentRun:
        """Run a coding agent's program in the copy. Processes left in its process group are killed."""
        self._held = None
        self._visited = True
        file = self._copy.parent / "ralph-hooks-task.md"  # beside the copy: it is not part of the repair
        file.write_text(task, encoding="utf-8", errors="backslashreplace")
        words = [word.replace(_TASK, str(file)) for word in command]
        try:
            done = run_bounded(
                words,
                cwd=self._copy,
                env={**program_environment(self._copy, self._repository.top, words[0]), **environment},
                timeout=deadline.remaining(),
                memory=self._memory,
                keep=_KEPT,
                stdin=None if any(_TASK in word for word in command) else file,
                apart=True,
            )
        except (OSError, ValueError) as error:  # ValueError: a NUL in an argument
            code = _NOT_FOUND if isinstance(error, FileNotFoundError) else _NOT_EXECUTABLE
            return AgentRun(code, 0.0, b"", str(error).encode("utf-8", "backslashreplace"))
        finally:
            file.unlink(missing_ok=True)
        return AgentRun(done.returncode, done.seconds, done.tail, done.errors)

    def reset(self) -> None:
        """Restore the copy in a new folder, so that no trace of earlier work remains."""
        self._copies.close()
        self._settle(self._copies.enter_context(scratch(self._ours, self._change.tree)))

    def repair(self) -> GitSnapshot:
        """Return only the repair: the judged tree against the copy's current content."""
        if self._held is None:
            self._held = self._taken_up()
        return self._held

    def repaired(self) -> GitSnapshot:
        """Return the change including the repair: the base of the judged change against the copy's current content."""
        return compare(self._ours, self._change.base, self.repair().change.tree, f"{self._change.title}, repaired")

    def verify(
        self, commands: Sequence[Command], deadline: Deadline, judged: Sequence[Verification] = ()
    ) -> tuple[Verification, ...]:
        """Run verify commands on a fresh copy of the repaired tree, so that only its content counts.

        Model-written code runs without network if the system supports it; the user's own change runs as usual.
        """
        tree = self.repair().change.tree
        if tree == self._change.tree:
            return self._own.run(tree, self._change.base, commands, deadline)
        between = Between(
            self._change.tree,
            {item.command: item.known_failures for item in judged},
            {item.command: item.new_failures for item in judged},
        )
        return self._verifier.run(tree, self._change.base, commands, deadline, between=between)

    def caveats(self) -> Sequence[str]:
        """Return warnings for the user about how the repair was tested."""
        return tuple(dict.fromkeys((*self._own.caveats(), *self._verifier.caveats())))

    def prover(self, command: str = "") -> GitProver:
        """Return a runner of reproducers for trees in the workbench's repository."""
        return GitProver(
            self._ours, self._change, command=command, project=self._repository, dependencies=self._dependencies
        )

    def linters(self) -> GitLinterRunner:
        """Return a runner of linters for trees in the workbench's repository."""
        return GitLinterRunner(
            self._ours, project=self._repository, network=not self._cut_by[1], dependencies=self._dependencies
        )

    def store(self, *, summary: str, verified: bool, reproduced: bool = False) -> StoredFix:
        """Store the repair in the user's repository. Raises GitError if git cannot write there."""
        return fixes.store(
            self._repository,
            self._ours,
            self.repair().change,
            fixes.About(title=self._change.title, summary=summary, verified=verified, reproduced=reproduced),
        )

    def _commands(self, cut_by: str) -> CommandVerifier:
        return CommandVerifier(
            self._ours,
            self._change,
            timeout=self._timeout,
            memory=self._memory,
            project=self._repository,
            cut_by=cut_by,
            store=self._store,
            dependencies=self._dependencies,
        )

    def _settle(self, copy: Path) -> None:
        """Start on a copy that is exactly the judged tree."""
        self._copy = copy
        self._held = None
        self._written.clear()
        self._visited = False
        shutil.copyfile(copy / ".git/index", self._ours.index)  # it has the status of unchanged files
        for git_dir in (copy / ".git", self._ours.git_dir):
            (git_dir / "info").mkdir(exist_ok=True)
            (git_dir / "info/exclude").write_bytes(self._excludes)

    def _taken_up(self) -> GitSnapshot:
        """Return the copy's content as a tree in our repository, after checking it against every rule."""
        if self._copy.is_symlink() or not self._copy.is_dir():
            raise RepairRefused("the repair removed the folder that it worked in")
        touched = self._touched()
        _refuse([v for path in touched if (v := self._strange(path))] + self._nested() + self._inside_submodules())
        self._refuse_ignored()
        names = b"".join(os.fsencode(path) + b"\0" for path in touched)
        taken = try_git(
            ["-c", "core.protectHFS=true", "-c", "core.protectNTFS=true",
             "update-index", "--add", "--remove", "--replace", "-z", "--stdin"],
            cwd=self._copy, stdin=names, env=self._inside,
        )  # fmt: skip
        if taken.returncode:
            raise RepairRefused(f"git cannot add the files of the repair: {decode(taken.stderr).strip()}")
        tree = self._git("write-tree").decode("ascii").strip()
        snapshot = compare(self._ours, self._change.tree, tree, f"repair of {self._change.title}")
        _refuse(violations(snapshot.change.entries, protected=self._protected, hooks=self._hooks))
        self._refuse_configuration(snapshot)
        added = [entry.path for entry in snapshot.change.entries if is_new(entry)]
        _refuse(aliases(added, self.paths() if added else ()))
        return snapshot

    def _touched(self) -> list[str]:
        """Return every path that may differ from the judged tree; one of a nested repository ends with a slash."""
        return self._listed("--others", "--modified", "--deleted", "--deduplicate")

    def _strange(self, path: str) -> Violation | None:
        """Return the violation of a path that must be rejected before git reads it."""
        if path.endswith("/"):
            return Violation("add a repository inside the repository", path)
        try:
            found = (self._copy / path).lstat()
        except OSError:  # removed
            return unsafe_name(path)
        if not stat.S_ISREG(found.st_mode) and not stat.S_ISLNK(found.st_mode) and not stat.S_ISDIR(found.st_mode):
            return Violation("create pipes, sockets or devices", path)
        if found.st_size > MAX_BYTES and stat.S_ISREG(found.st_mode):
            return Violation(f"write files larger than {MAX_BYTES // 1_000_000} MB", path)
        return unsafe_name(path)

    def _nested(self) -> list[Violation]:
        """Return each ``.git`` in any spelling below the top: git skips it silently. Only agents can create one."""
        found: list[str] = []
        for folder, folders, files in os.walk(self._copy) if self._visited else ():
            where = Path(folder).relative_to(self._copy)
            git_dirs = [name for name in folders if is_git(name)]
            found += [(where / name).as_posix() for name in (*git_dirs, *filter(is_git, files))]
            folders[:] = [name for name in folders if name not in git_dirs]
        ignored = {".git", *self._ignored(found)}
        return [Violation("touch .git", path) for path in found if path not in ignored]

    def _inside_submodules(self) -> list[Violation]:
        """Return files in a submodule's folder, which git skips as well: a copy has it empty."""
        places = ((path, self._copy / path) for path in self._submodules)
        return [Violation(_INSIDE, path) for path, place in places if place.is_dir() and any(place.iterdir())]

    def _refuse_ignored(self) -> None:
        """Reject a new file that git ignores, since it would be silently left out of the repair."""
        for path in self._ignored(sorted(self._written)):
            if os.path.lexists(self._copy / path):
                raise RepairRefused(str(Violation("write a file that .gitignore excludes", path)))

    def _ignored(self, paths: Sequence[str]) -> Iterator[str]:
        """Yield those of ``paths`` that git ignores. Paths in the index are never ignored."""
        if not paths:
            return
        names = b"".join(os.fsencode(path) + b"\0" for path in paths)
        done = try_git(["check-ignore", "-z", "--stdin"], cwd=self._copy, stdin=names, env=self._inside)
        yield from map(os.fsdecode, filter(None, done.stdout.split(b"\0")))

    def _refuse_configuration(self, snapshot: GitSnapshot) -> None:
        own = holding(snapshot.change.entries, self._own_files)
        for entry, content in zip(own, snapshot.contents(own).values(), strict=True):
            if settings_changed(entry, content, self._own_files):
                raise RepairRefused(str(Violation("change the configuration of ralph-hooks", entry.path)))

    def _obstacle(self, path: str) -> Violation | None:
        """Return the violation of a symbolic link on or at ``path``, or of anything but a regular file at its end."""
        *folders, name = path.split("/")
        if any(path.startswith(f"{submodule}/") for submodule in self._submodules):
            return Violation(_INSIDE, path)
        place = self._copy
        for folder in folders:
            place /= folder
            if place.is_symlink():
                return Violation("follow symbolic links", path)
        place /= name
        if place.is_symlink():
            return Violation("follow symbolic links", path)
        return Violation("replace a folder with a file", path) if place.is_dir() and any(place.iterdir()) else None

    def _write(self, place: Path, content: bytes) -> None:
        with contextlib.suppress(OSError):
            place.rmdir()  # git does not track empty folders
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _NO_FOLLOW, 0o666)
        except OSError as error:
            path = place.relative_to(self._copy).as_posix()
            raise RepairRefused(f"the repair cannot write {path!r}: {error.strerror}") from error
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)

    def _remove(self, place: Path) -> None:
        """Remove a file and the folders that become empty, as git does."""
        place.unlink(missing_ok=True)
        for folder in place.relative_to(self._copy).parents:
            try:
                if folder.parts:
                    (self._copy / folder).rmdir()
            except OSError:
                break

    def _is_folder(self, path: str) -> bool:
        place = self._copy / path
        return place.is_dir() and not place.is_symlink()

    @property
    def _inside(self) -> dict[str, str | None]:
        """The environment of our repository with the copy as its working tree."""
        return {**self._ours.environment, "GIT_WORK_TREE": str(self._copy)}

    def _git(self, *args: str) -> bytes:
        return git(args, cwd=self._copy, env=self._inside)

    @functools.cached_property
    def _submodules(self) -> tuple[str, ...]:
        """The paths of submodules in the judged tree."""
        rows = self._git("ls-files", "-z", "--stage").split(b"\0")
        gitlinks = (row for row in rows if row.startswith(SUBMODULE_MODE.encode("ascii")))
        return tuple(os.fsdecode(row.partition(b"\t")[2]) for row in gitlinks)

    def _listed(self, *options: str) -> list[str]:
        names = self._git("ls-files", "-z", *options, "--exclude-standard").split(b"\0")
        return [os.fsdecode(name) for name in names if name]


def _our_repository(folder: Path, repository: Repository, tree: str) -> Repository:
    """Return the repository beside the copy. Its top is an empty folder: no operation on it depends on files."""
    home = folder / "home"
    home.mkdir()
    git_dir = folder / "git"
    return Repository(
        top=home,
        git_dir=git_dir,
        common_dir=git_dir,
        index=git_dir / "index",
        object_format=repository.object_format,
        head_tree=tree,
        seal=sealed(home),
    )


def _habits(repository: Repository) -> tuple[bytes, tuple[str, ...]]:
    """Return the user's ignore rules outside .gitignore, and the paths of this clone's hooks in the tree."""
    asked = ["config", "-z", "--type=path", "--get-regexp", r"^core\.(excludesfile|hookspath)$"]
    answer = try_git(asked, cwd=repository.top, env=repository.environment).stdout
    found = dict(pair.partition("\n")[::2] for pair in os.fsdecode(answer).split("\0") if pair)
    default = Path(os.environ.get("XDG_CONFIG_HOME") or Path("~/.config").expanduser(), "git/ignore")
    files = (Path(repository.top, found.get("core.excludesfile", default)), repository.common_dir / "info/exclude")
    excludes = b""
    for file in files:
        with contextlib.suppress(OSError):
            excludes += file.read_bytes() + b"\n"
    hooks = Path(repository.top, found.get("core.hookspath") or ".git")
    inside = hooks.is_relative_to(repository.top) and hooks != repository.top
    return excludes, (f"/{hooks.relative_to(repository.top).as_posix()}",) if inside else ()


def _copied(source: Path, target: Path) -> None:
    """Copy a folder. Raises OSError for the first file that fails, not a list of all."""
    try:
        shutil.copytree(source, target)
    except shutil.Error as error:
        _, _, reason = error.args[0][0]
        raise OSError(reason.partition(": ")[0]) from error


def _refuse(broken: Sequence[Violation]) -> None:
    if broken:
        raise RepairRefused(summary(broken))
