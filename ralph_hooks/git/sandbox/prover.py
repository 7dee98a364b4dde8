"""A runner for one reproducer on one tree: a new scratch copy and temporary folder for every run, without network."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import sys
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

import msgspec

from ralph_hooks.core.change import Change, decode
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.proof import Order, ProofOutcome, ProofRun, Run
from ralph_hooks.errors import RalphError
from ralph_hooks.git.run import git, try_git
from ralph_hooks.git.sandbox import dependencies as dependency_folders
from ralph_hooks.git.sandbox import lfs
from ralph_hooks.git.sandbox.run_results import FOLDER, REPORT, by_exit, read_run
from ralph_hooks.git.sandbox.scratch import program_environment, scratch
from ralph_hooks.git.snapshot import Repository
from ralph_hooks.languages import python_probe
from ralph_hooks.languages.instrument import instrumented
from ralph_hooks.languages.runners import TEST, ProofRunner, Watch, folders_of, java_module, runner_called
from ralph_hooks.process import can_cut_network, most_memory, run_bounded, which
from ralph_hooks.process import run as run_program

_CACHES = ".cache/"
_NO_PLUGINS = "PYTEST_DISABLE_PLUGIN_AUTOLOAD"
_KEEP = 512 * 1024  # bytes of output
_BUILD = 90.0  # seconds to compile, beyond a test's own limit
_GRACE = 5.0  # seconds beyond a test's own limit before the runner itself is stopped
_MEMORY = 2 * 1024**3  # bytes for one process
_SHARING = frozenset((Watch.NODE, Watch.JEST, Watch.CARGO))
"""Runners whose dependencies are folders of the project."""
_IN_REACH = "reproducers ran with network access: this system cannot isolate them (see `ralph-hooks doctor`)"
_SITE = '''\
"""Load the probe, then whatever the environment has under this name."""
import importlib.machinery
import importlib.util
import os
import sys

import ralph_hooks_probe

_here = os.path.dirname(os.path.abspath(__file__))
_spec = importlib.machinery.PathFinder.find_spec("sitecustomize", [p for p in sys.path if os.path.abspath(p) != _here])
if _spec is not None and _spec.loader is not None:
    _spec.loader.exec_module(importlib.util.module_from_spec(_spec))
'''


class GitProver:
    """A runner of reproducers. Implements `core.ports.sandbox.Prover`.

    ``change`` defines its tree if git has not stored it (a staged change). ``command`` replaces the built-in one, with
    ``{test}`` for the test file. ``project`` is the repository whose environment and Git LFS content are used, if it is
    another one. With ``dependencies`` the copies share those installed in it.
    """

    def __init__(
        self,
        repository: Repository,
        change: Change,
        *,
        command: str = "",
        project: Repository | None = None,
        dependencies: bool = True,
    ) -> None:
        self._repository = repository
        self._project = (project or repository).top
        self._change = change
        self._command = command
        self._large_files = lfs.store(project or repository)
        self._memory = min(_MEMORY, most_memory() or _MEMORY)
        self._room = threading.Semaphore(self.places)
        self._needs_plugins = False
        self._dependencies = dependencies
        self._caveats: dict[str, None] = {}

    @property
    def places(self) -> int:
        """The number of runs that the machine can run concurrently."""
        return max(1, os.cpu_count() or 1)

    def caveats(self) -> Sequence[str]:
        """Return warnings for the user about how reproducers were run."""
        return tuple(self._caveats)

    def missing(self, name: str, path: str) -> str:
        """Return what the runner ``name`` lacks here to test ``path``; empty if nothing, or with the user's command."""
        runner = runner_called(name)
        if self._command:
            return ""
        env = program_environment(self._project, self._project)
        program = self._program(runner, env, self._project, runner.root(path, _reader(self._project)) or "")
        if program is None:
            return f"{runner.program} is not installed"
        if runner.package and not self._dependencies:
            return "`verify.share-dependencies` is off"
        if runner.package and _modules(self._project, path, runner.package) is None:
            return f"{runner.package} is not installed in node_modules"
        return (
            "" if not runner.probe or self._answers(program[0], runner.probe, env) else f"{runner.program} is too old"
        )

    def _answers(self, program: str, code: str, env: Mapping[str, str]) -> bool:
        """Return whether ``program`` evaluates ``code`` to something true."""
        with contextlib.suppress(OSError):
            done = run_program([program, "-p", code], cwd=self._project, env=env)
            return done.returncode == 0 and done.stdout.strip() not in {b"", b"false", b"undefined"}
        return False

    def paths(self, tree: str) -> Collection[str]:
        """Return every path of ``tree``."""
        listed = git(
            ["ls-tree", "-r", "-z", "--name-only", "--full-tree", tree],
            cwd=self._repository.top,
            env=self._repository.environment,
        )
        return [os.fsdecode(name) for name in listed.split(b"\0") if name]

    def read(self, tree: str, path: str) -> bytes | None:
        """Return one file of ``tree``."""
        done = try_git(
            ["cat-file", "blob", f"{tree}:{path}"], cwd=self._repository.top, env=self._repository.environment
        )
        return done.stdout if done.returncode == 0 else None

    def run(self, trial: ProofRun, deadline: Deadline) -> Run:
        """Run the tests of ``trial`` in a temporary folder. A failing test is a normal outcome."""
        runner = runner_called(trial.test.language)
        try:
            with self._room, scratch(self._repository, trial.tree, self._change) as copy:
                return self._run(trial, runner, copy, deadline)
        except RalphError as error:
            return Run(outcome=ProofOutcome.NOT_RUN, tail=f"cannot make a scratch copy: {error.message}")
        except OSError as error:
            return Run(outcome=ProofOutcome.NOT_RUN, tail=f"it could not be started: {error.strerror or error}")

    def _run(self, trial: ProofRun, runner: ProofRunner, copy: Path, deadline: Deadline) -> Run:
        lfs.fill(copy, self._large_files)
        if self._dependencies and runner.watch in _SHARING:
            dependency_folders.share(self._project, copy)
        place = copy / trial.test.path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(trial.test.text, encoding="utf-8", errors="backslashreplace")
        env = self._environment(copy, trial, runner)
        args = self._arguments(trial, runner, env, copy)
        if not args:
            told = f"{runner.package or runner.program} is not installed for this version of the project"
            return Run(outcome=ProofOutcome.NOT_LOADED, foreign=True, tail=told)
        before = _marked(copy, trial, runner)
        run = self._watched(args, trial, runner, copy, env, deadline)
        if run.outcome is ProofOutcome.NOT_LOADED and before:
            for path, data in before.items():  # a mark may cause the compile error
                path.write_bytes(data)
            run = self._watched(args, trial, runner, copy, env, deadline)
        elif run.outcome is ProofOutcome.NOT_LOADED and _NO_PLUGINS in env and _NO_PLUGINS not in os.environ:
            self._needs_plugins = True  # a plugin may provide a fixture
            run = self._watched(args, trial, runner, copy, _without(env, _NO_PLUGINS), deadline)
        return run

    def _watched(
        self,
        args: Sequence[str],
        trial: ProofRun,
        runner: ProofRunner,
        copy: Path,
        env: Mapping[str, str],
        deadline: Deadline,
    ) -> Run:
        """Run ``args`` and return the result from the log and the output."""
        whole = trial.limit + (_GRACE if runner.watch in {Watch.PROBE, Watch.NODE} else _BUILD)
        limit = min(whole, deadline.remaining())
        if limit <= 0:
            return _LATE
        log = copy.parent / FOLDER / "probe"
        for name in ("log", REPORT):
            (log / name).unlink(missing_ok=True)
        cut = can_cut_network()
        if not cut:
            self._caveats[_IN_REACH] = None
        root = "" if self._command else runner.root(trial.test.path, _reader(copy)) or ""
        done = run_bounded(
            args, cwd=copy / root, env=env, timeout=limit, memory=self._memory, keep=_KEEP, network=not cut
        )
        seconds = round(done.seconds, 3)
        if done.returncode is None and limit < whole:
            return _LATE
        if self._command and runner.watch is not Watch.PROBE:
            return by_exit(done.returncode, decode(done.tail), seconds)
        return read_run(runner, trial, copy, log, done.tail, ended=done.returncode is not None, seconds=seconds)

    def _arguments(self, trial: ProofRun, runner: ProofRunner, env: Mapping[str, str], copy: Path) -> list[str]:
        """Return the command and its arguments; nothing if a part of it is missing."""
        test = trial.test.path
        if self._command:
            return [word.replace(TEST, test) for word in shlex.split(self._command)]
        root = runner.root(test, _reader(copy)) or ""
        program = self._program(runner, env, copy, root)
        modules = _modules(copy, test, runner.package) if runner.package else copy
        if program is None or modules is None:
            return []
        folder, _, name = test.removeprefix(root).rpartition("/")
        module = (java_module(test) or root).removeprefix(root).rstrip("/")
        alone = trial.order is Order.ALONE and trial.only
        values = {
            "test": test.removeprefix(root),
            "folder": folder,
            "stem": name.rpartition(".")[0],
            "limit": str(max(1, round(trial.limit))),
            "reporter": str(Path(python_probe.__file__).with_name("node_reporter.mjs")),
            "report": str(copy.parent / FOLDER / "probe" / REPORT),
            "modules": str(modules),
            "name": trial.only,
            "pattern": f"^{re.escape(trial.only)}$",
            "tests": "|".join(re.findall(r"^func (Test\w*)\(", trial.test.text, re.MULTILINE)),
            "module": f"--projects={module}" if module else "",
            "above": "--also-make" if module else "",
        }
        values["only"] = (runner.only if alone else runner.every).format(**values)
        words = (word.format(**values) for word in runner.command[1:])
        return [*program, *filter(None, words)]

    def _program(self, runner: ProofRunner, env: Mapping[str, str], top: Path, root: str) -> list[str] | None:
        """Return the words that start the runner in the folder ``root`` of ``top``.

        Its wrapper in the project comes first, then PATH; for Python the active environment, then the project's.
        """
        if runner.watch is not Watch.PROBE:
            wrappers = (top / above / runner.wrapper for above in folders_of(root)) if runner.wrapper else ()
            wrapper = next((place for place in wrappers if place.is_file()), None)
            program = which(runner.program, env)
            if wrapper is not None and (runner.prefers_wrapper or program is None):
                return ["sh", str(wrapper)]
            return [program] if program else None
        names = ("python", "python3")
        folders = [Path(env["VIRTUAL_ENV"])] if env.get("VIRTUAL_ENV") else []
        folders += [self._project / name for name in (".venv", "venv")]
        found = (
            folder / part / name for folder in folders for part in ("bin", "Scripts") for name in (*names, "python.exe")
        )
        inside = next((str(path) for path in found if path.is_file()), None)
        program = inside or next((path for name in names if (path := which(name, env))), None)
        return [program] if program else None

    def _environment(self, copy: Path, trial: ProofRun, runner: ProofRunner) -> dict[str, str]:
        folder = copy.parent / FOLDER
        program = self._program(runner, program_environment(copy, copy), copy, "")
        env = program_environment(copy, self._project, program[0] if program else "")
        for name in ("tmp", "home", "probe"):
            (folder / name).mkdir(parents=True)
        home = env.get("HOME", "")
        env |= {name: str(folder / "tmp") for name in ("TMPDIR", "TEMP", "TMP")}
        env |= {"HOME": str(folder / "home"), "XDG_CACHE_HOME": str(folder / "home/.cache")}
        env.pop("PYTEST_ADDOPTS", None)
        if runner.watch is Watch.JUNIT:  # Java asks the system for the home folder, and for none of the variables above
            env["JAVA_TOOL_OPTIONS"] = f"-Djava.io.tmpdir={folder / 'tmp'} -Duser.home={folder / 'home'}"
            env["MAVEN_OPTS"] = env["GRADLE_OPTS"] = f"-Duser.home={_real_home()}"  # their repositories
        for name, place in runner.keep:
            caches = os.environ.get("XDG_CACHE_HOME") if place.startswith(_CACHES) else ""
            if home:
                default = Path(caches, place.removeprefix(_CACHES)) if caches else Path(home, place)
                env.setdefault(name, os.environ.get(name) or str(default))
        env |= dict(runner.environment)
        if home:
            env.setdefault("PYTHONUSERBASE", f"{home}/.local")
        probe = folder / "probe"
        settings = {
            "top": str(copy),
            "test": str(copy / trial.test.path),
            "lines": trial.lines,
            "limit": trial.limit,
            "order": trial.order.value,
            "only": trial.only,
            "seed": trial.seed,
            "log": str(probe / "log"),
            "hangs": str(probe / "hangs"),
        }
        (probe / "settings.json").write_bytes(msgspec.json.encode(settings))
        (probe / "sitecustomize.py").write_text(_SITE, encoding="utf-8")
        shutil.copyfile(python_probe.__file__, probe / "ralph_hooks_probe.py")
        env |= {
            "RALPH_HOOKS_PROBE": str(probe / "settings.json"),
            "PYTEST_PLUGINS": "ralph_hooks_probe",
            "PYTHONHASHSEED": str(trial.seed),
            "PYTHONPATH": os.pathsep.join([str(probe), env["PYTHONPATH"]]),
        }
        if _plain(trial.test.text) and not self._needs_plugins:
            env[_NO_PLUGINS] = "1"
        return env


_PLUGINS = re.compile(
    r"\basync def test|pytest\.mark\.(?:asyncio|anyio|django_db|trio)|\b(?:mocker|httpx_mock|requests_mock|benchmark)\b"
)


def _reader(top: Path) -> Callable[[str], str | None]:
    """Return a function that reads files below ``top``."""

    def read(path: str) -> str | None:
        with contextlib.suppress(OSError):
            if (top / path).is_file():
                return (top / path).read_text(encoding="utf-8", errors="replace")
        return None

    return read


def _modules(top: Path, path: str, package: str) -> Path | None:
    """Return the folder ``node_modules`` with ``package`` that a file at ``path`` finds."""
    places = (top / folder / "node_modules" for folder in folders_of(path))
    return next((place for place in places if (place / package / "package.json").is_file()), None)


def _real_home() -> str:
    """Return the home folder as Java sees it."""
    if sys.platform == "win32":
        return str(Path.home())
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:
        return str(Path.home())


_LATE = Run(outcome=ProofOutcome.NOT_RUN, tail="the deadline was reached")


def _without(env: Mapping[str, str], name: str) -> dict[str, str]:
    return {key: value for key, value in env.items() if key != name}


def _marked(copy: Path, trial: ProofRun, runner: ProofRunner) -> dict[Path, bytes]:
    """Insert marks before the changed statements of the copy; return the previous files."""
    before: dict[Path, bytes] = {}
    for path, lines in trial.lines.items() if runner.mark else ():
        place = copy / path
        if place.is_symlink() or not place.is_file():
            continue
        data = place.read_bytes()
        marked = instrumented(path, data, lines, runner.mark)
        if marked != data:
            place.write_bytes(marked)
            before[place] = data
    return before


def _plain(text: str) -> bool:
    """Return True if a test needs no installed plugins: loading them takes longer than most tests."""
    return _PLUGINS.search(text) is None
