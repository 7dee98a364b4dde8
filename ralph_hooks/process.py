"""Start of other programs, here and nowhere else, and the environment that they get."""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from msgspec import Struct

OURS = "ralph-hooks-"
"""Prefix of all our folders in the temporary one."""
TEMPORARY = f"{OURS}temporary-"
"""Prefix of folders that are used for seconds. Those left by kill -9 are removed with scratch copies."""
Running = subprocess.Popen[bytes]
"""The type of a program that `start` returns."""
TimeoutExpired = subprocess.TimeoutExpired
"""The exception that `run` raises at its timeout, for modules that may not import subprocess."""

_POSIX = os.name == "posix"
_OWN_GROUP: dict[str, Any] = (
    {"start_new_session": True} if _POSIX else {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
)
_OWN_SESSION: dict[str, Any] = (
    _OWN_GROUP
    if _POSIX
    else {"creationflags": _OWN_GROUP["creationflags"] | getattr(subprocess, "DETACHED_PROCESS", 0)}
)
_GRACE = 1.0  # seconds between SIGTERM and SIGKILL; Ctrl-C has to end within two
_MARK = "RALPH_HOOKS_PROGRAM"
"""Environment variable that marks the descendants of a program, also those that leave its process group."""
_ROUNDS = 10
_PATIENCE = 0.5  # seconds for output that is still in the pipe once its writers are gone
_WATCH = """\
read -r group || exit
read -r done && exit
kill -s KILL -- "-$group"
for file in $(grep -lsF "$1" /proc/[0-9]*/environ); do
    pid=${file#/proc/}
    kill -s KILL "${pid%/environ}"
done
"""
_SIGNALLED = 128  # a shell reports a program ended by signal N as 128 + N


class Finished(Struct, frozen=True):
    """A program that ran to its end."""

    args: tuple[str, ...]
    returncode: int
    stdout: bytes
    stderr: bytes


def run(
    args: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    timeout: float | None = None,
) -> Finished:
    """Run ``args`` without a shell and return its output.

    ``timeout`` is in seconds. Raises FileNotFoundError, PermissionError and subprocess.TimeoutExpired as the standard
    library does: the caller knows what the program was for and says so.
    """
    return finish(start(args, cwd=cwd, env=env), stdin=stdin, timeout=timeout)


def start(
    args: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start ``args`` and do not wait: the caller passes the result to `finish`. Raises as `run`."""
    pipe = subprocess.PIPE
    program = which(args[0], os.environ if env is None else env)
    if program is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), args[0])
    with _OPEN.lock:
        process = subprocess.Popen(args, executable=program, cwd=cwd, env=env, stdin=pipe, stdout=pipe, stderr=pipe)
        _OPEN.programs.add(process)
    return process


def which(program: str, environ: Mapping[str, str] = os.environ) -> str | None:
    """Return the path of ``program`` by PATH; None if it is missing.

    Only absolute folders count. A relative one, such as ``.``, is one of the repository that we are in, as is the
    current folder, where Windows looks first: a ``git`` that lies there is other people's.
    """
    if Path(program).name != program:
        return program
    endings = environ.get("PATHEXT", ".EXE").split(os.pathsep) if not _POSIX and not Path(program).suffix else [""]
    for folder in filter(os.path.isabs, environ.get("PATH", os.defpath).split(os.pathsep)):
        for ending in endings:
            place = os.path.join(folder, program + ending)  # noqa: PTH118 - on the path of every commit
            if os.access(place, os.X_OK) and not os.path.isdir(place):  # noqa: PTH112 - as above
                return place
    return None


def finish(process: subprocess.Popen[bytes], *, stdin: bytes = b"", timeout: float | None = None) -> Finished:
    """Wait for what `start` began. Whatever goes wrong, the program does not outlive this call."""
    args = process.args
    assert isinstance(args, list | tuple)  # as `start` takes them
    try:
        stdout, stderr = process.communicate(stdin, timeout)
    except BaseException:
        process.kill()
        process.communicate()
        raise
    finally:
        _OPEN.programs.discard(process)
    return Finished(tuple(args), process.returncode, stdout, stderr)


def stream(process: subprocess.Popen[bytes], size: int) -> Iterator[bytes]:
    """Yield the output of what `start` began as it comes, at most ``size`` bytes at a time.

    The program gets no input and does not outlive the iterator. Its exit code is in ``process`` at the end.
    """
    pipes = [pipe for pipe in (process.stdin, process.stdout, process.stderr) if pipe]
    try:
        assert process.stdin is not None  # as `start` opens them
        assert process.stdout is not None
        process.stdin.close()
        while chunk := process.stdout.read(size):
            yield chunk
        process.wait()
    finally:
        process.kill()
        process.wait()
        for pipe in pipes:
            pipe.close()
        _OPEN.programs.discard(process)


@contextlib.contextmanager
def temporary_folder() -> Iterator[str]:
    """Create a temporary folder that is removed on exit, also if a thread is abandoned in here."""
    with _OPEN.lock:
        folder = tempfile.mkdtemp(prefix=TEMPORARY)
        _OPEN.folders.add(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _OPEN.folders.discard(folder)


def has_leftovers() -> bool:
    """Return True if the temporary folder has one of our folders, from a killed or a concurrent run."""
    with contextlib.suppress(OSError), os.scandir(tempfile.gettempdir()) as entries:
        return any(entry.name.startswith(OURS) for entry in entries)
    return False


def clear_away() -> None:
    """End running programs and remove their folders before an immediate exit: the deadline abandons threads half-way.

    They can start nothing after that: the lock is not released. A thread that holds it for long does not block us.
    """
    _OPEN.lock.acquire(timeout=_GRACE)
    for process in tuple(_OPEN.programs):
        process.kill()
    for folder in tuple(_OPEN.folders):
        shutil.rmtree(folder, ignore_errors=True)


class _Open:
    """Programs and folders that would stay behind if this process ended now."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.programs: set[subprocess.Popen[bytes]] = set()
        self.folders: set[str] = set()


_OPEN = _Open()


class Bounded(Struct, frozen=True):
    """A program that ran under limits."""

    returncode: int | None
    """None if it was stopped at its timeout; 128 + N where signal N ended it, as a shell says it."""
    seconds: float
    tail: bytes
    """The end of its output, standard output and standard error together."""
    errors: bytes = b""
    """The end of its standard error, where that was asked for apart."""


def run_bounded(
    args: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    timeout: float,
    memory: int | None = None,
    keep: int = 64 * 1024,
    stdin: Path | None = None,
    apart: bool = False,
    network: bool = True,
) -> Bounded:
    """Run ``args`` in a process group of its own that is gone when this returns or raises, or when we are killed.

    ``timeout`` is in seconds; ``memory`` in bytes of data for each process (Linux counts it; macOS takes the limit and
    does not enforce it; Windows has none); ``keep`` bytes of output are kept; ``stdin`` is a file to read from; with
    ``apart`` standard error is kept by itself; without ``network`` it has nothing but a loopback of its own, where
    `can_cut_network` says that this works. With ``memory`` a program that cannot be started ends with 126 or 127,
    without it OSError is raised. A process that leaves its group (setsid) is out of reach, except on Linux, where it is
    found by its environment when this returns or raises.
    """
    started = time.monotonic()
    mark = os.urandom(8).hex()
    with _guard(mark) as guarded, contextlib.ExitStack() as files:
        process = subprocess.Popen(
            _limited(args if network else _unplugged(args), memory),
            cwd=cwd,
            env={**env, _MARK: mark},
            stdin=files.enter_context(stdin.open("rb")) if stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if apart else subprocess.STDOUT,
            **_OWN_GROUP,
        )
        try:
            guarded(process.pid)
            assert process.stdout is not None  # it is a pipe
            output = _Tail(process.stdout, keep)
            errors = _Tail(process.stderr, keep) if process.stderr else None
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout)
            returncode = process.returncode
        finally:
            _end_group(process)
            _end_strays(mark)
    if returncode is not None and returncode < 0:
        returncode = _SIGNALLED - returncode
    seconds = time.monotonic() - started
    return Bounded(returncode, seconds, output.read(_PATIENCE), errors.read(_PATIENCE) if errors else b"")


def detach(args: Sequence[str], *, cwd: Path, env: Mapping[str, str], log: Path, hold: int | None = None) -> None:
    """Start ``args`` detached: it outlives us and our terminal, and keeps none of our pipes open.

    It has a session of its own, reads nothing and prints to ``log``, which only its owner can read. ``hold`` is a
    descriptor that it gets under the same number: a lock on that file passes over without a gap (not on Windows).
    Raises OSError.
    """
    printed = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        process = subprocess.Popen(
            args,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=printed,
            pass_fds=() if hold is None or not _POSIX else (hold,),
            **_OWN_SESSION,
        )
    finally:
        os.close(printed)
    process.returncode = 0  # no caller waits for it: without a code the object would warn when it is discarded


def _limited(args: Sequence[str], memory: int | None) -> Sequence[str]:
    """Return ``args`` run by a shell that sets the limit: setting it between fork and exec is not thread-safe.

    RLIMIT_DATA and not RLIMIT_AS, because Go, Java and Node reserve far more address space than they use.
    """
    if memory is None or not _POSIX:
        return args
    return ["/bin/sh", "-c", 'ulimit -d "$1" 2>/dev/null; shift; exec "$@"', "sh", str(memory // 1024), *args]


class _Tail:
    """The end of what comes through a pipe, read at once so that the writer never waits."""

    def __init__(self, pipe: IO[bytes], keep: int) -> None:
        self._keep = keep
        self._held = bytearray()
        self._thread = threading.Thread(target=self._drain, args=(pipe,), daemon=True)
        self._thread.start()

    def _drain(self, pipe: IO[bytes]) -> None:
        with pipe:
            while chunk := os.read(pipe.fileno(), 65536):
                self._held += chunk
                if len(self._held) > 2 * self._keep:
                    del self._held[: -self._keep]

    def read(self, patience: float) -> bytes:
        """Return the output so far; wait at most ``patience`` seconds for a writer that keeps the pipe open."""
        self._thread.join(patience)
        return bytes(self._held[-self._keep :])


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End the whole group: SIGTERM and a moment for the program itself, SIGKILL for all."""
    if not _POSIX:
        if process.poll() is None:  # /T reaches the children only while their parent lives
            subprocess.run(["taskkill", "/T", "/F", "/PID", str(process.pid)], capture_output=True, check=False)  # noqa: S607 - part of Windows
            process.wait()
        return
    try:
        if process.poll() is None:
            _signal_group(process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_GRACE)
    finally:
        _signal_group(process.pid, signal.SIGKILL)
        process.wait()


def _signal_group(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS denies it for a group of zombies
        os.killpg(group, number)


def _end_strays(mark: str) -> None:
    """End processes that have left the group and still have ``mark`` in their environment, as daemons have."""
    wanted = f"{_MARK}={mark}".encode("ascii")
    for _ in range(_ROUNDS):  # one that forks faster than we look goes on
        found = [pid for pid in _all_processes() if wanted in _environment_of(pid)]
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if not found:
            return


def _all_processes() -> list[int]:
    """Only Linux has a list of them as files."""
    with contextlib.suppress(OSError):
        return [int(name) for name in os.listdir("/proc") if name.isdecimal()]  # noqa: PTH208 - names are all we need
    return []


def _environment_of(pid: int) -> list[bytes]:
    """Return its initial environment, as NAME=value; nothing for another user's process, or one that has ended."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return []


@contextlib.contextmanager
def _guard(mark: str) -> Iterator[Callable[[object], None]]:
    """Start a guard that kills a process group, and processes that left it, if we die without a chance to (kill -9).

    The latter are found by ``mark``, as in `_end_strays`. A shell waits on a pipe whose other end only we hold: it
    reads the end of file when we are gone, and a line when all went well. On Windows there is none.
    """
    if not _POSIX:
        yield lambda group: None  # noqa: ARG005 - no guard to inform
        return
    nothing = subprocess.DEVNULL
    watcher = subprocess.Popen(
        ["/bin/sh", "-c", _WATCH, "sh", f"{_MARK}={mark}"],
        env={"PATH": os.defpath},
        stdin=subprocess.PIPE,
        stdout=nothing,
        stderr=nothing,
        **_OWN_GROUP,
    )
    pipe = watcher.stdin
    assert pipe is not None  # it is a pipe

    def tell(line: object) -> None:
        with contextlib.suppress(BrokenPipeError):  # the watcher was killed: we go on without it
            pipe.write(b"%s\n" % str(line).encode("ascii"))
            pipe.flush()

    try:
        yield tell
    finally:
        tell("done")
        with contextlib.suppress(BrokenPipeError):
            pipe.close()
        watcher.wait()


@functools.cache
def can_cut_network() -> bool:
    """Return whether this system lets us run a program without a network. Tried once."""
    return sys.platform == "linux" and not run(_unplugged(())).returncode


def _unplugged(args: Sequence[str]) -> Sequence[str]:
    """Return ``args`` run by the program that cuts the network (`ralph_hooks.no_network`)."""
    return [sys.executable, "-I", "-S", str(Path(__file__).with_name("no_network.py")), *args]


def in_program(environ: Mapping[str, str]) -> bool:
    """Return whether we run inside a program that we have started under limits: a command, or a coding agent."""
    return _MARK in environ


def most_memory() -> int | None:
    """Return the memory limit of one program in bytes, against one that would take all; None if it is unknown."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * 3 // 4
    except (AttributeError, ValueError, OSError):  # not on Windows
        return None


_KEPT = frozenset((
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TERM", "TMPDIR", "TEMP", "TMP", "CI",
    "VIRTUAL_ENV", "CONDA_PREFIX", "PYENV_ROOT", "JAVA_HOME", "GOPATH", "GOROOT", "CARGO_HOME", "RUSTUP_HOME",
    "NVM_DIR", "XDG_CACHE_HOME", "XDG_DATA_HOME", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR",
    "PYTHONPATH", "PYTHONHASHSEED", "PYTHONWARNINGS", "PYTHONUTF8", "PYTHONIOENCODING", "PYTHONDEVMODE",
    "PYTEST_ADDOPTS", "PYTEST_DISABLE_PLUGIN_AUTOLOAD",
    "SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "APPDATA", "LOCALAPPDATA", "PROGRAMDATA",
    "PROGRAMFILES", "USERPROFILE", "HOMEDRIVE", "HOMEPATH", "USERNAME", "NUMBER_OF_PROCESSORS",
))  # fmt: skip


def allowed_environment(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the variables that a program needs to find its tools, and nothing else: no keys, no tokens, no GIT_*.

    Under pre-commit or prek our own hook environment is taken off PATH, so that ``python`` is the user's.
    """
    source = os.environ if environ is None else environ
    kept = {name: value for name, value in source.items() if name.upper() in _KEPT or name.startswith("LC_")}
    if source.get("PRE_COMMIT") and source.get("VIRTUAL_ENV") == sys.prefix:
        _leave_hook_environment(kept)
    return kept


def _leave_hook_environment(env: dict[str, str]) -> None:
    ours = {os.path.normcase(Path(sys.prefix) / folder) for folder in ("bin", "Scripts")}
    entries = [entry for entry in env.get("PATH", os.defpath).split(os.pathsep) if os.path.normcase(entry) not in ours]
    env["PATH"] = os.pathsep.join(entries)
    theirs = Path(entries[0]).parent if entries else Path()
    if (theirs / "pyvenv.cfg").is_file():
        env["VIRTUAL_ENV"] = str(theirs)
    else:
        del env["VIRTUAL_ENV"]
