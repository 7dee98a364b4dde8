"""GitPython, for everything off the path of an ordinary commit: importing it costs 70 ms.

Each git that it starts comes from `git.run`, with its executable, settings and environment. Three things stay on
plumbing. Differences: GitPython loses names that are not UTF-8. Writing refs and objects: it neither syncs them to the
disk nor waits for a lock. Configuration: its own parser knows neither scopes nor conditional includes.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ralph_hooks.git.run import SETTINGS, failure, spawn, try_git
from ralph_hooks.git.snapshot import Repository
from ralph_hooks.process import Finished

if TYPE_CHECKING:
    from git import Repo

_AT_IMPORT = {"GIT_PYTHON_REFRESH": "quiet", "GIT_PYTHON_GIT_EXECUTABLE": f"{sys.executable}.none"}
"""Settings that keep GitPython from starting an arbitrary `git` at import."""


@contextlib.contextmanager
def opened(repository: Repository) -> Iterator[Repo]:
    """Open ``repository`` with GitPython; the processes that it leaves waiting end with the block.

    Raises GitError if git fails.
    """
    make = _repo_type()
    from git.exc import GitCommandError

    try:
        with make(repository) as repo:
            yield repo
    except GitCommandError as error:
        words = error.stderr.removeprefix("\n  stderr: '").removesuffix("'")
        args = ("git", *SETTINGS, *map(str, error.command[1:]))
        code = error.status if isinstance(error.status, int) else -1
        raise failure(Finished(args, code, b"", words.encode("utf-8", "surrogateescape"))) from error


@functools.cache
def _repo_type() -> Any:  # noqa: ANN401 - its base class is known only after the import
    before = {name: os.environ.get(name) for name in _AT_IMPORT}
    os.environ.update(_AT_IMPORT)
    try:
        import git
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value

    class Commands(git.Git):
        """A command runner for GitPython that uses `git.run`."""

        repository: Repository

        def execute(  # type: ignore[override] # GitPython's has overloads
            self,
            command: Sequence[str],
            istream: object = None,  # noqa: ARG002 - there is a pipe in any case
            *,
            as_process: bool = False,
            stdout_as_string: bool = True,
            strip_newline_in_stdout: bool = True,
        ) -> Any:  # noqa: ANN401 - as the method that it replaces
            top, env = self.repository.top, self.repository.environment
            if as_process:
                return self.AutoInterrupt(spawn(command[1:], cwd=top, env=env), command)
            done = try_git(command[1:], cwd=top, env=env)
            if done.returncode:
                raise git.exc.GitCommandError(list(command), done.returncode, done.stderr)
            out = done.stdout.removesuffix(b"\n") if strip_newline_in_stdout else done.stdout
            return os.fsdecode(out) if stdout_as_string else out

    class OwnRepo(git.Repo):
        """A repository at a known place: GitPython would search for it by its own rules."""

        def __init__(self, repository: Repository) -> None:
            self.git_dir = str(repository.git_dir)
            self._common_dir = str(repository.common_dir)
            self._working_tree_dir = self.working_dir = str(repository.top)
            self._bare = False
            self.git = Commands(self.working_dir)
            self.git.repository = repository
            self.odb = git.GitCmdObjectDB(str(repository.objects), self.git)

    return OwnRepo
