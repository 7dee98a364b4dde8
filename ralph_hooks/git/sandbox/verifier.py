"""A runner for the project's own commands on a scratch copy that separates new failures from old ones."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from ralph_hooks.core.change import SUBMODULE_MODE, SYMLINK_MODE, Change, Entry, decode
from ralph_hooks.core.command import REPORT, Command
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.ports.store import Cache
from ralph_hooks.core.report import Verdict, Verification
from ralph_hooks.core.text import one_line, plural
from ralph_hooks.errors import RalphError
from ralph_hooks.git.sandbox import dependencies as dependency_folders
from ralph_hooks.git.sandbox import lfs, outcomes, shell
from ralph_hooks.git.sandbox.baselines import Baselines
from ralph_hooks.git.sandbox.junit import find_reports, read_reports
from ralph_hooks.git.sandbox.lost_tests import Lost, lost, sorted_out
from ralph_hooks.git.sandbox.outcomes import Attempt
from ralph_hooks.git.sandbox.output_mask import OutputMask
from ralph_hooks.git.sandbox.scratch import program_environment, scratch, stubborn_loaders
from ralph_hooks.git.snapshot import GitSnapshot, Repository, compare
from ralph_hooks.languages.test_files import decides_tests
from ralph_hooks.process import can_cut_network, most_memory, run_bounded

OWN_NETWORK, REPAIRS_NETWORK = "verify.network", "fix.network"
"""The settings that allow commands network access: for the user's changes, and for a model's."""

_OUTPUT_BYTES = 256 * 1024
_TAIL_BYTES = 8 * 1024
_TAIL_LINES = 40
_KILLED = 137  # 128 + SIGKILL, not sent by us: the system was out of memory
_IN_REACH = "verify commands ran with network access: this system cannot isolate them (see `ralph-hooks doctor`)"
_POINTERS = (
    "verify commands saw Git LFS pointers instead of {files}: this clone does not have the content (`git lfs fetch`)"
)
_NOT_COMPARED = "the tests of `{command}` were not compared with the base, where it could not run: {problem}"
_STUBBORN = (
    "{name} is an editable install that comes before PYTHONPATH: verify commands may have run your working tree's code"
    " instead of the reviewed code (install it without -e in the environment of your tests)"
)


class _Terms(Struct, frozen=True, kw_only=True):
    """The terms for all commands of one run."""

    deadline: Deadline
    network: bool
    afresh: bool
    """True to ignore cached results."""

    def with_network(self) -> _Terms:
        """Return the same terms with network access."""
        return msgspec.structs.replace(self, network=True)


class Between(Struct, frozen=True):
    """A tree between the base and the judged tree."""

    tree: str
    known: Mapping[str, Collection[str]]
    """Old failures seen there, by command."""
    failed: Mapping[str, Sequence[str]] = {}
    """New failures seen there, by command: a repair must make them pass, not disappear."""


class CommandVerifier:
    """A runner of verify commands. Implements `core.ports.sandbox.Verifier`.

    ``timeout`` is in seconds for one command, ``memory`` in bytes for one process.

    ``change`` defines its tree if git has not stored it (a staged change). ``project`` is the repository whose code may
    be installed in editable mode and that has the Git LFS content, if it is another one. Without ``memory`` the limit
    is three quarters of the machine's memory: enough to stop a test that would take it all. ``cut_by`` is the setting
    that denies commands the network; empty if they have it. ``store`` caches the results of commands on a base. With
    ``dependencies`` the copies share those installed in the project.
    """

    def __init__(
        self,
        repository: Repository,
        change: Change,
        *,
        timeout: float,
        memory: int | None = None,
        project: Repository | None = None,
        cut_by: str = "",
        store: Cache | None = None,
        dependencies: bool = True,
    ) -> None:
        self._repository = repository
        self._change = change
        self._timeout = timeout
        self._memory = memory or most_memory()
        self._project = (project or repository).top
        self._large_files = lfs.store(project or repository)
        self._cut_by = cut_by
        self._dependencies = dependencies
        installed = dependency_folders.state(self._project) if dependencies else ()
        self._bases = Baselines(self._project, store, (str(timeout), str(self._memory), *installed))
        self._caveats: dict[str, None] = {}
        self._output = OutputMask(change.entries)

    def run(
        self,
        tree: str,
        base: str,
        commands: Sequence[Command],
        deadline: Deadline,
        *,
        afresh: bool = False,
        between: Between | None = None,
    ) -> tuple[Verification, ...]:
        """Return one outcome per command, run in one scratch copy of ``tree``, and in one of ``base`` if needed.

        A test that passed ``between`` is no old failure, whatever the base's result.
        """
        cut = bool(commands) and self._cut()
        terms = _Terms(deadline=deadline, network=not cut, afresh=afresh)
        with contextlib.ExitStack() as stack:
            here, there = (self._bench(oid, stack) for oid in (tree, base))
            results = [self._verify(command, here, there, terms) for command in commands]
            if between is not None:
                bench = self._bench(between.tree, stack)
                pairs = zip(commands, results, strict=True)
                results = [self._since(command, outcome, here, bench, between, terms) for command, outcome in pairs]
        return tuple(map(self._unplugged, results) if cut else results)

    def conditions(self, command: Command) -> str:
        """Return a digest of everything besides the two trees that the outcome of ``command`` depends on."""
        return self._bases.conditions(command, network=not (self._cut_by and can_cut_network()))

    def _cut(self) -> bool:
        """Return True if commands run without network; add a caveat if they should but cannot."""
        if self._cut_by and not can_cut_network():
            self._caveats[_IN_REACH] = None
        return bool(self._cut_by) and can_cut_network()

    def _bench(self, tree: str, stack: contextlib.ExitStack) -> _ScratchCopy:
        return _ScratchCopy(self._repository, tree, self._change, stack, self._filled)

    def _filled(self, copy: Path) -> None:
        missing = lfs.fill(copy, self._large_files)
        if missing:
            self._caveats[_POINTERS.format(files=plural(missing, "file"))] = None
        if self._dependencies:
            dependency_folders.share(self._project, copy)

    def caveats(self) -> Sequence[str]:
        """Return warnings for the user about how commands were run."""
        return tuple(self._caveats)

    def _unplugged(self, outcome: Verification) -> Verification:
        """Add a note to a failed command that ran without network, which it may need."""
        if outcome.verdict is Verdict.PASS or (outcome.problem and outcome.exit_code is None):
            return outcome
        note = f"(run with the network off; `{self._cut_by} = true` allows it)"
        if outcome.problem:
            return msgspec.structs.replace(outcome, problem=f"{outcome.problem} {note}")
        return msgspec.structs.replace(outcome, tail=f"{outcome.tail}\n{note}".lstrip())

    def _verify(self, command: Command, here: _ScratchCopy, there: _ScratchCopy, terms: _Terms) -> Verification:
        """Run ``command``, and also on the base if that is needed to interpret its outcome."""
        attempt = self._known_pass(command, here, terms) or self._attempt(command, here, terms)
        self._bases.put(here.tree, command, attempt, network=terms.network)
        if attempt.problem:
            return outcomes.outcome(command, attempt)
        if not attempt.failures:
            return (self._failed if attempt.code else self._passed)(command, attempt, here, there, terms)
        return outcomes.compared(command, attempt, self._before(command, there, terms), self._sorting(here, there))

    def _passed(
        self, command: Command, attempt: Attempt, here: _ScratchCopy, there: _ScratchCopy, terms: _Terms
    ) -> Verification:
        """Return the outcome if no test failed; tests that ran on the base may have been prevented from running."""
        if attempt.code is None:
            return outcomes.hung(command, attempt, self._before(command, there, terms))
        problem = outcomes.unreported(command, attempt)
        base = self._comparable(command, there, terms) if command.reports and not problem else None
        if base is None:
            return outcomes.outcome(command, attempt, problem=problem)
        return outcomes.compared(command, attempt, base, self._sorting(here, there))

    def _failed(
        self, command: Command, attempt: Attempt, here: _ScratchCopy, there: _ScratchCopy, terms: _Terms
    ) -> Verification:
        """Return the outcome if the command failed without a failing test."""
        del here
        base = self._before(command, there, terms)
        if outcomes.never_ran(command, attempt):
            same = base.code == attempt.code and outcomes.never_ran(command, base)
            return outcomes.outcome(command, attempt, problem=outcomes.why(command, attempt) if same else "")
        cut = not terms.network and outcomes.speaks_of_network(attempt)
        if cut and base.code and self._before(command, there, terms.with_network()).code == 0:
            return outcomes.outcome(command, attempt, problem="it passes on the base, but only with network access")
        return outcomes.nameless(command, attempt, base)

    def _known_pass(self, command: Command, here: _ScratchCopy, terms: _Terms) -> Attempt | None:
        """Return an earlier passing run on this tree. A failed one may have an external cause."""
        known = self._bases.get(here.tree, command, network=terms.network, afresh=terms.afresh)
        return known if known is not None and known.code == 0 else None

    def _comparable(self, command: Command, there: _ScratchCopy, terms: _Terms) -> Attempt | None:
        """Return the base's run if it is cached, or if the change may affect which tests run."""
        known = self._bases.get(there.tree, command, network=terms.network)
        if known is None and any(decides_tests(p) for e in self._change.entries for p in (e.path, e.old_path)):
            known = self._before(command, there, terms)
            if known.problem:
                self._caveats[_NOT_COMPARED.format(command=one_line(command.name), problem=known.problem)] = None
        return known

    def _sorting(self, here: _ScratchCopy, there: _ScratchCopy) -> Callable[[tuple[str, ...]], Lost]:
        """Return a function that finds the tests removed by the change from ``there`` to ``here``."""

        def sort(names: tuple[str, ...]) -> Lost:
            if not names:
                return Lost()
            change = self._change
            own = (there.tree, here.tree) == (change.base, change.tree)
            snapshot = (
                GitSnapshot(self._repository, change) if own else compare(self._repository, there.tree, here.tree, "")
            )
            entries = [entry for entry in snapshot.change.entries if not _is_link(entry)]
            contents = snapshot.contents(entries)
            return sorted_out(names, [(entry, contents[entry.path]) for entry in entries])

        return sort

    def _since(
        self,
        command: Command,
        outcome: Verification,
        here: _ScratchCopy,
        bench: _ScratchCopy,
        between: Between,
        terms: _Terms,
    ) -> Verification:
        """Return ``outcome`` compared with ``between``: failures that it had fixed, and tests that no longer run.

        Missing results are computed if they matter.
        """
        now = self._bases.get(here.tree, command, network=terms.network)
        then = self._bases.get(bench.tree, command, network=terms.network)
        known_differ = not {*outcome.known_failures} <= {*between.known.get(outcome.command, ())}
        if then is None and (known_differ or (now and now.ran and self._repair_decides_tests(bench.tree, here.tree))):
            then = self._before(command, bench, terms)
        if then is not None and known_differ:
            outcome = outcomes.broken_since(outcome, then)
        if now is None or not now.ran:
            return outcome
        ran = then.ran if then is not None else between.failed.get(outcome.command, ())
        gone = self._sorting(here, bench)(lost(ran, now.ran))
        return msgspec.structs.replace(
            outcome,
            missing_tests=tuple(dict.fromkeys((*outcome.missing_tests, *gone.missing))),
            removed_tests=tuple(dict.fromkeys((*outcome.removed_tests, *gone.removed))),
        )

    def _repair_decides_tests(self, judged: str, repaired: str) -> bool:
        entries = compare(self._repository, judged, repaired, "").change.entries
        return any(decides_tests(path) for entry in entries for path in (entry.path, entry.old_path))

    def _before(self, command: Command, base: _ScratchCopy, terms: _Terms) -> Attempt:
        """Return the attempt of ``command`` on the base, run at most once."""
        known = self._bases.get(base.tree, command, network=terms.network, afresh=terms.afresh)
        if known is None:
            known = self._attempt(command, base, terms)
            self._bases.put(base.tree, command, known, network=terms.network)
        return known

    def _attempt(self, command: Command, bench: _ScratchCopy, terms: _Terms) -> Attempt:
        try:
            copy = bench.copy()
            report = copy.parent / "ralph-hooks-junit.xml"
            report.unlink(missing_ok=True)
            folder = copy / command.cwd
            if not folder.is_dir():
                return Attempt(outcomes.NOT_FOUND, 0.0, f"the folder {command.cwd} does not exist")
            for old in find_reports(folder, command.junit):
                old.unlink()
            env = program_environment(copy, self._project, command.words[0] if command.words else "")
            if not command.words:
                return Attempt(None, 0.0, problem="it is empty")
            args = self._arguments(command, report, env)
            limit = min(self._timeout, terms.deadline.remaining())
            if not limit:
                return Attempt(None, 0.0, problem="the deadline was reached")
            done = run_bounded(
                args, cwd=folder, env=env, timeout=limit, memory=self._memory, keep=_OUTPUT_BYTES, network=terms.network
            )
            reports = [*([report] if REPORT in command.line else []), *find_reports(folder, command.junit)]
        except RalphError as error:
            hint = f" ({error.hint})" if error.hint else ""
            return Attempt(None, 0.0, problem=f"cannot make a scratch copy: {error.message}{hint}")
        except OSError as error:
            return Attempt(None, 0.0, problem=f"it could not be started: {error.strerror}")
        results = read_reports(reports)
        return Attempt(
            code=done.returncode,
            seconds=round(done.seconds, 3),
            tail=self._output.mask(_tail(done.tail), copy),
            failures=self._output.mask_names(results.failed, copy) if results else None,
            problem=self._problem(done.returncode, limit),
            ran=self._output.mask_names(results.ran, copy) if results else (),
            stopped=outcomes.says_it_stopped(decode(done.tail)) or (results is not None and results.uncollected),
        )

    def _arguments(self, command: Command, report: Path, env: Mapping[str, str]) -> list[str]:
        self._warn(command.words)
        if not isinstance(command.run, str):
            return [word.replace(REPORT, str(report)) for word in command.run]
        args, told = shell.arguments(command.run.replace(REPORT, shlex.quote(str(report))), env)
        if told:
            self._caveats[told] = None
        return args

    def _warn(self, args: Sequence[str]) -> None:
        for name in stubborn_loaders(self._project, args[0]) if args else ():
            self._caveats[_STUBBORN.format(name=one_line(name))] = None

    def _problem(self, code: int | None, limit: float) -> str:
        if code is None and limit < self._timeout:
            return (
                f"stopped after {limit:.0f} s because the deadline was reached: raise the deadline or run fewer tests"
            )
        return "killed, probably because memory ran out" if code == _KILLED else ""


class _ScratchCopy:
    """A scratch copy of one tree, created on first use and removed with ``stack``."""

    def __init__(
        self,
        repository: Repository,
        tree: str,
        change: Change,
        stack: contextlib.ExitStack,
        fill: Callable[[Path], None],
    ) -> None:
        self._repository = repository
        self.tree = tree
        self._change = change
        self._stack = stack
        self._fill = fill
        self._copy: Path | None = None

    def copy(self) -> Path:
        """Return the copy's folder. Raises GitError and OSError as `scratch`."""
        if self._copy is None:
            self._copy = self._stack.enter_context(scratch(self._repository, self.tree, self._change))
            self._fill(self._copy)
        return self._copy


def _is_link(entry: Entry) -> bool:
    return not {SUBMODULE_MODE, SYMLINK_MODE}.isdisjoint((entry.old_mode, entry.new_mode))


def _tail(output: bytes) -> str:
    kept = decode(output[-_TAIL_BYTES:])
    if len(output) > _TAIL_BYTES:  # a truncated token may be half a credential, which no scan detects
        kept = kept.partition("\n")[2] or kept.partition(" ")[2]
    return "\n".join(kept.rstrip().splitlines()[-_TAIL_LINES:])
