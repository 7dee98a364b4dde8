"""A runner for one reproducer on one tree: a new scratch copy and temporary folder for every run, without network."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from ralph_hooks.core.change import Change, decode
from ralph_hooks.core.codec import from_json
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.proof import HANG, Failure, Order, ProofOutcome, ProofRun, Run
from ralph_hooks.errors import RalphError
from ralph_hooks.git.run import git, try_git
from ralph_hooks.git.sandbox import lfs
from ralph_hooks.git.sandbox.scratch import program_environment, scratch
from ralph_hooks.git.snapshot import Repository
from ralph_hooks.languages import python_probe, run_output
from ralph_hooks.languages.instrument import instrumented, seen
from ralph_hooks.languages.runners import TEST, ProofRunner, Watch, runner_called
from ralph_hooks.process import can_cut_network, most_memory, run_bounded, which

_FOLDER = "ralph-hooks-proof"  # beside the copy, which has the project's name
_NO_PLUGINS = "PYTEST_DISABLE_PLUGIN_AUTOLOAD"
_KEEP = 512 * 1024  # bytes of output
_TAIL_LINES = 30
_BUILD = 90.0  # seconds to compile, beyond a test's own limit
_GRACE = 5.0  # seconds beyond a test's own limit before the runner itself is stopped
_MEMORY = 2 * 1024**3  # bytes for one process
_LOOPING = 0.3  # of the time limit
_LARGEST_LOG = 4_000_000  # bytes
_NOT_FOUND = 127
_IN_REACH = "reproducers ran with your network in reach: this system has no way to cut it (`ralph-hooks doctor`)"
_WHOLE = "the command"
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
    another one.
    """

    def __init__(
        self, repository: Repository, change: Change, *, command: str = "", project: Repository | None = None
    ) -> None:
        self._repository = repository
        self._project = (project or repository).top
        self._change = change
        self._command = command
        self._large_files = lfs.store(project or repository)
        self._memory = min(_MEMORY, most_memory() or _MEMORY)
        self._room = threading.Semaphore(self.places)
        self._needs_plugins = False
        self._caveats: dict[str, None] = {}

    @property
    def places(self) -> int:
        """The number of runs that the machine can run concurrently."""
        return max(1, os.cpu_count() or 1)

    def caveats(self) -> Sequence[str]:
        """Return warnings for the user about how reproducers were run."""
        return tuple(self._caveats)

    def ready(self, language: str) -> bool:
        """Return True if the test runner is installed, or the user has configured a command."""
        env = program_environment(self._project, self._project)
        return bool(self._command) or self._program(runner_called(language), env) is not None

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
            return Run(outcome=ProofOutcome.NOT_RUN, tail=f"no scratch copy could be made: {error.message}")
        except OSError as error:
            return Run(outcome=ProofOutcome.NOT_RUN, tail=f"it could not be started: {error.strerror or error}")

    def _run(self, trial: ProofRun, runner: ProofRunner, copy: Path, deadline: Deadline) -> Run:
        lfs.fill(copy, self._large_files)
        place = copy / trial.test.path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(trial.test.text, encoding="utf-8", errors="backslashreplace")
        env = self._environment(copy, trial, runner)
        args = self._arguments(trial, runner, env)
        if not args:
            return Run(outcome=ProofOutcome.NOT_RUN, tail=f"{runner.program}: not found")
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
        log = copy.parent / _FOLDER / "probe"
        (log / "log").unlink(missing_ok=True)
        cut = can_cut_network()
        if not cut:
            self._caveats[_IN_REACH] = None
        done = run_bounded(args, cwd=copy, env=env, timeout=limit, memory=self._memory, keep=_KEEP, network=not cut)
        seconds = round(done.seconds, 3)
        if done.returncode is None and limit < whole:
            return _LATE
        text = decode(done.tail)
        top = os.path.realpath(copy) + os.sep
        if self._command and runner.watch is not Watch.PROBE:
            return _by_exit(done.returncode, text, seconds)
        match runner.watch:
            case Watch.GO:
                run = run_output.read_go(text, top, seconds)
            case Watch.CARGO:
                run = run_output.read_cargo(text, trial.test.path.rpartition("tests/")[0], seconds)
            case _:
                run = _read_probe(log, copy, trial, _tail(done.tail, copy.parent), seconds)
        if runner.watch is Watch.NODE:
            ended = done.returncode is not None and run.outcome is ProofOutcome.NOT_RUN
            run = _with_marks(msgspec.structs.replace(run, outcome=ProofOutcome.NOT_LOADED) if ended else run, text)
        return run if runner.watch is Watch.PROBE else _by_place(run, trial)

    def _arguments(self, trial: ProofRun, runner: ProofRunner, env: Mapping[str, str]) -> list[str]:
        test = trial.test
        if self._command:
            return [word.replace(TEST, test.path) for word in shlex.split(self._command)]
        program = self._program(runner, env)
        if program is None:
            return []
        folder, _, name = test.path.rpartition("/")
        alone = trial.order is Order.ALONE and trial.only
        values = {
            "test": test.path,
            "folder": folder,
            "stem": name.rpartition(".")[0],
            "crate": test.path.rpartition("tests/")[0],
            "limit": str(max(1, round(trial.limit))),
            "reporter": str(Path(python_probe.__file__).with_name("node_reporter.mjs")),
            "only": "",
        }
        if runner.watch is Watch.GO:
            values["only"] = f"^{trial.only}$" if alone else "."
        words = [program, *(word.format(**values) for word in runner.command[1:] if word != "{only}")]
        if alone and runner.watch is Watch.CARGO:
            words += ["--exact", trial.only]
        if alone and runner.watch is Watch.NODE:
            words.insert(1, f"--test-name-pattern=^{re.escape(trial.only)}$")
        return words

    def _program(self, runner: ProofRunner, env: Mapping[str, str]) -> str | None:
        """Return the runner's program; for Python of the active environment, else the project's, else on PATH."""
        if runner.watch is not Watch.PROBE:
            return which(runner.program, env)
        names = ("python", "python3")
        folders = [Path(env["VIRTUAL_ENV"])] if env.get("VIRTUAL_ENV") else []
        folders += [self._project / name for name in (".venv", "venv")]
        found = (
            folder / part / name for folder in folders for part in ("bin", "Scripts") for name in (*names, "python.exe")
        )
        inside = next((str(path) for path in found if path.is_file()), None)
        return inside or next((path for name in names if (path := which(name, env))), None)

    def _environment(self, copy: Path, trial: ProofRun, runner: ProofRunner) -> dict[str, str]:
        folder = copy.parent / _FOLDER
        env = program_environment(copy, self._project, self._program(runner, program_environment(copy, copy)) or "")
        for name in ("tmp", "home", "probe"):
            (folder / name).mkdir(parents=True)
        home = env.get("HOME", "")
        env |= {name: str(folder / "tmp") for name in ("TMPDIR", "TEMP", "TMP")}
        env |= {"HOME": str(folder / "home"), "XDG_CACHE_HOME": str(folder / "home/.cache")}
        env.pop("PYTEST_ADDOPTS", None)
        for name, place in runner.keep:
            if home:
                env.setdefault(name, os.environ.get(name) or str(Path(home) / place))
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


_LATE = Run(outcome=ProofOutcome.NOT_RUN, tail="the deadline came first")


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


def _with_marks(run: Run, output: str) -> Run:
    """Return ``run`` of node's reporter with the printed marks."""
    reached = seen(output)
    failures = tuple(msgspec.structs.replace(failure, reached=reached) for failure in run.failures)
    return msgspec.structs.replace(run, failures=failures)


def _by_place(run: Run, trial: ProofRun) -> Run:
    """Return ``run`` with a changed line counted as executed if an exception was raised at it, marked or not."""
    failures = tuple(
        msgspec.structs.replace(failure, reached=(failure.at,))
        if not failure.reached and failure.at[1] in trial.lines.get(failure.at[0], ())
        else failure
        for failure in run.failures
    )
    return msgspec.structs.replace(run, failures=failures)


def _by_exit(code: int | None, text: str, seconds: float) -> Run:
    """Return a run by exit code only, for a user's command in a language without instrumentation."""
    tail = "\n".join(text.rstrip().splitlines()[-_TAIL_LINES:])
    if code == 0:
        return Run(outcome=ProofOutcome.PASSED, passed=(_WHOLE,), tail=tail, seconds=seconds)
    failure = Failure(test=_WHOLE, kind="failure", reached=seen(text))
    return Run(outcome=ProofOutcome.FAILED, failures=(failure,), tail=tail, seconds=seconds)


def _plain(text: str) -> bool:
    """Return True if a test needs no installed plugins: loading them takes longer than most tests."""
    return _PLUGINS.search(text) is None


class _Event(msgspec.Struct, frozen=True):
    """One line of the probe's log."""

    event: str
    test: str = ""
    kind: str = ""
    own: bool = False
    at: tuple[str, int] = ("", 0)
    path: str = ""
    line: int = 0
    deed: str = ""
    foreign: bool = False
    seconds: float = 0.0


def _read_probe(probe: Path, copy: Path, trial: ProofRun, tail: str, seconds: float) -> Run:
    """Return the run recorded in the log of `languages.python_probe`.

    What tests wrote into it is not to be trusted, only bounded.
    """
    events = list(_events(probe / "log"))
    hang = _hang(probe / "hangs", copy, trial.test.path)
    calls = [event.seconds for event in events if event.event == "entered"]
    looping = bool(calls) and calls[-1] > trial.limit * _LOOPING  # the test calls the project again and again
    failures: list[Failure] = []
    reached: dict[tuple[str, int], None] = {}
    running = ""
    for event in events:
        if event.event == "start":
            running = event.test
            reached.clear()
        elif event.event == "line":
            reached[event.path, event.line] = None
        elif event.event == "failed":
            failures.append(
                Failure(test=event.test, kind=event.kind, own=event.own, at=event.at, reached=tuple(reached))
            )
    kinds = {event.event for event in events}
    hung = "end" not in kinds and hang is not None and running != ""
    if hung and hang is not None:
        failures.append(
            Failure(test=running, kind=HANG, own=bool(hang[0]) and not looping, at=hang, reached=tuple(reached))
        )
    return Run(
        outcome=_outcome(kinds, hung=hung),
        failures=tuple(failures),
        passed=tuple(event.test for event in events if event.event == "passed"),
        misdeeds=tuple(dict.fromkeys(event.deed for event in events if event.event == "denied")),
        foreign=any(event.foreign for event in events if event.event == "unloaded"),
        tail=tail,
        seconds=seconds,
    )


def _outcome(kinds: Collection[str], *, hung: bool) -> ProofOutcome:
    if "unloaded" in kinds:
        return ProofOutcome.NOT_LOADED
    if "end" not in kinds:
        return ProofOutcome.HUNG if hung else ProofOutcome.NOT_RUN
    if "failed" in kinds:
        return ProofOutcome.FAILED
    return ProofOutcome.PASSED if "passed" in kinds else ProofOutcome.NOT_LOADED


def _events(log: Path) -> Iterator[_Event]:
    for line in _bytes(log).splitlines():
        with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
            yield from_json(line, _Event)


def _bytes(path: Path) -> bytes:
    with contextlib.suppress(OSError):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                return file.read(_LARGEST_LOG)
    return b""


_FRAME = re.compile(r'^  File "(.+)", line (\d+) in ', re.MULTILINE)


def _hang(dump: Path, copy: Path, test: str) -> tuple[str, int] | None:
    """Return where a test hung in the project: its innermost frame, unless the test's own frame is further in.

    ("", 0) if it hung in the test; None if it did not hang. The dump is faulthandler's, innermost frame first.
    """
    text = decode(_bytes(dump))
    if not text:
        return None
    top = os.path.realpath(copy) + os.sep
    for thread in text.split("\n\n"):
        for path, line in _FRAME.findall(thread):
            real = os.path.realpath(path)
            inside = real.removeprefix(top).replace(os.sep, "/") if real.startswith(top) else ""
            if inside == test:
                return "", 0
            if inside and "site-packages" not in inside:
                return inside, int(line)
    return "", 0


def _tail(output: bytes, folder: Path) -> str:
    """Return the last lines, without our folder's name, which differs between runs."""
    text = decode(output).replace(str(folder) + os.sep, "")
    return "\n".join(text.rstrip().splitlines()[-_TAIL_LINES:])
