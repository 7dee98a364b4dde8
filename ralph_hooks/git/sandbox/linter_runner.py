"""A runner for the project's linters in a scratch copy of a tree."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ralph_hooks.core.change import Change, decode
from ralph_hooks.core.command import Command
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.linter import LinterCall, LinterRun
from ralph_hooks.errors import RalphError
from ralph_hooks.git.sandbox import dependencies as dependency_folders
from ralph_hooks.git.sandbox import lfs, shell
from ralph_hooks.git.sandbox.baselines import Baselines
from ralph_hooks.git.sandbox.scratch import program_environment, scratch
from ralph_hooks.git.snapshot import Repository
from ralph_hooks.process import can_cut_network, most_memory, run_bounded

_MOST_OUTPUT = 8_000_001  # bytes: one more than is read, which reveals longer output
_IN_REACH = "linters ran with network access: this system cannot isolate them (see `ralph-hooks doctor`)"


class GitLinterRunner:
    """A linter runner. Implements `core.ports.sandbox.LinterRunner`.

    ``project`` is the repository whose dependencies and Git LFS content are used, if it is another one. Without
    ``network`` linters run isolated from it, if the system supports that.
    """

    def __init__(
        self,
        repository: Repository,
        *,
        project: Repository | None = None,
        network: bool = True,
        dependencies: bool = True,
    ) -> None:
        self._repository = repository
        self._project = (project or repository).top
        self._large_files = lfs.store(project or repository)
        self._wants_network = network
        self._dependencies = dependencies
        self._memory = most_memory()
        self._conditions: dict[str, str] = {}
        self._caveats: dict[str, None] = {}

    def run(self, tree: str, change: Change, lines: Sequence[LinterCall], deadline: Deadline) -> Sequence[LinterRun]:
        """Return one outcome per line; all lines run in one scratch copy of ``tree``."""
        network = self._network()
        if network and not self._wants_network:
            self._caveats[_IN_REACH] = None
        try:
            with scratch(self._repository, tree, change) as copy:
                lfs.fill(copy, self._large_files)
                if self._dependencies:
                    dependency_folders.share(self._project, copy)
                return [self._run(copy, line, deadline, network=network) for line in lines]
        except (RalphError, OSError) as error:
            told = error.message if isinstance(error, RalphError) else error.strerror
            return [LinterRun(problem=f"cannot make a scratch copy: {told}")] * len(lines)

    def conditions(self, line: str) -> str:
        """Return a digest of everything besides the tree that ``line`` depends on."""
        if line not in self._conditions:
            installed = dependency_folders.state(self._project) if self._dependencies else ()
            machine = Baselines(self._project, None, (str(self._memory), *installed))
            self._conditions[line] = machine.conditions(Command(line), network=self._network())
        return self._conditions[line]

    def caveats(self) -> Sequence[str]:
        """Return warnings for the user about how linters were run."""
        return tuple(self._caveats)

    def _network(self) -> bool:
        return self._wants_network or not can_cut_network()

    def _run(self, copy: Path, call: LinterCall, deadline: Deadline, *, network: bool) -> LinterRun:
        limit = min(call.seconds, deadline.remaining())
        if not limit:
            return LinterRun(problem="the deadline was reached")
        folder = copy / call.cwd
        if not folder.is_dir():
            return LinterRun(problem=f"the folder {call.cwd} does not exist")
        words = Command(call.line).words
        env = program_environment(copy, self._project, words[0] if words else "")
        args, told = shell.arguments(call.line, env)
        if told:
            self._caveats[told] = None
        try:
            done = run_bounded(
                args,
                cwd=folder,
                env=env,
                timeout=limit,
                memory=self._memory,
                keep=_MOST_OUTPUT,
                apart=True,
                network=network,
            )
        except OSError as error:
            return LinterRun(problem=f"it could not be started: {error.strerror}")
        if done.returncode is None:
            why = "it did not finish in time" if limit == call.seconds else "the deadline was reached"
            return LinterRun(problem=f"{why}: stopped after {limit:.0f} s")
        said = decode(done.errors).strip().rsplit("\n", 1)[-1].strip()
        said = said.replace(f"{copy}/", "")
        return LinterRun(output=done.tail, code=done.returncode, root=str(copy), cwd=call.cwd, said=said)
