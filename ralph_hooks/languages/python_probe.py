"""Watch one test file run: which tests fail and how, which changed lines run, what the test does that it must not.

A program of its own for the project's Python (3.8 or later), which knows nothing of ralph-hooks. It is loaded by
every Python of the run, child processes too (`sitecustomize`), as a plugin by pytest, and as a runner where the project
has no pytest. The file named by `RALPH_HOOKS_PROBE` says what to do; one JSON object a line goes to its ``log``.
"""

from __future__ import annotations

import faulthandler
import json
import os
import re
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import CodeType, FrameType

PROBE = "RALPH_HOOKS_PROBE"
_MAIN = "RALPH_HOOKS_PROBE_MAIN"
_CHILDS_SHARE = 0.8  # of the time limit: the process that hangs has to say so, not the one that waits for it
_OPTIMIZED = 1  # inspect.CO_OPTIMIZED: a function's code, not that of a module or class body
_INLINE = ("<string>", "<stdin>")  # `python -c` in a child process is the test's code as well
_LOADING = ("_find_and_load", "exec_module", "_call_with_frames_removed")
_TRACEBACKS = ("traceback.py", "warnings.py", "linecache.py")
_READERS = (
    "cat",
    "grep",
    "egrep",
    "sed",
    "awk",
    "head",
    "tail",
    "less",
    "more",
    "find",
    "rg",
    "diff",
    "git",
    "strings",
    "xxd",
)
_LOADED = ("ImportError", "ModuleNotFoundError", "SyntaxError", "IndentationError")


class _Probe:
    def __init__(self, settings: dict[str, Any]) -> None:
        self.top = os.path.realpath(settings["top"]) + os.sep
        self.test = os.path.realpath(settings["test"])
        self.lines = {self.top + path.replace("/", os.sep): frozenset(rows) for path, rows in settings["lines"].items()}
        self.limit = settings["limit"]
        self.order = settings["order"]
        self.only = settings["only"]
        self.seed = settings["seed"]
        self._log = os.open(settings["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._hangs = open(settings["hangs"], "ab", buffering=0)
        self._names: dict[str, str] = {}
        self._own: dict[str, bool] = {}
        self._entries, self._began = 0, time.monotonic()
        self._seen: set[tuple[str, int]] = set()
        self._denied: set[str] = set()

    # Records

    def record(self, **fields: object) -> None:
        os.write(self._log, json.dumps(fields).encode("ascii") + b"\n")

    def begin(self, test: str) -> None:
        self._seen.clear()
        self._entries, self._began = 0, time.monotonic()
        self.record(event="start", test=test)
        self.watch()

    def watch(self) -> None:
        """See which lines run from here on, in new threads too. Whatever loads before a test runs at full speed."""
        threading.settrace(self.trace)
        sys.settrace(self.trace)

    def end(self, test: str, error: BaseException | None) -> None:
        """``error`` is the exception of the test, or None."""
        sys.settrace(None)
        if error is None:
            self.record(event="passed", test=test)
            return
        kind, own, at = self.describe(error)
        self.record(event="failed", test=test, kind=kind, own=own, at=at)

    def describe(self, error: BaseException) -> tuple[str, bool, list[object]]:
        """Return the type, True if the project's own code let it out, and the place in the project."""
        frames = []
        trace = error.__traceback__
        while trace is not None:
            frames.append((self.real(trace.tb_frame.f_code.co_filename), trace.tb_lineno))
            trace = trace.tb_next
        last = max((i for i, (path, _) in enumerate(frames) if self.is_test(path)), default=-1)
        inside = [(path, line) for path, line in frames[last + 1 :] if self.is_own(path)]
        kind = type(error).__qualname__
        if type(error).__module__ not in ("builtins", "__main__"):
            kind = type(error).__module__ + "." + kind
        at = [inside[-1][0][len(self.top) :].replace(os.sep, "/"), inside[-1][1]] if inside else ["", 0]
        return kind, bool(inside), at

    # Paths

    def real(self, path: str) -> str:
        known = self._names.get(path)
        if known is None:
            known = self._names[path] = path if path.startswith("<") else os.path.realpath(path)
        return known

    def is_test(self, path: str) -> bool:
        name = os.path.basename(path)
        return path == self.test or (path.startswith(self.top) and (name == "conftest.py" or name.startswith("test_")))

    def is_own(self, path: str) -> bool:
        inside = path[len(self.top) :] if path.startswith(self.top) else ""
        return bool(inside) and not self.is_test(path) and "site-packages" not in inside

    # Changed lines

    def trace(self, frame: FrameType, _event: str, _arg: object) -> Any:  # noqa: ANN401 - a trace function
        code = frame.f_code
        if self._in_project(code) and not (frame.f_back is not None and self._in_project(frame.f_back.f_code)):
            self._entered()
        rows = self.lines.get(self.real(code.co_filename)) if code.co_flags & _OPTIMIZED else None
        return self._line(rows) if rows else None

    def _in_project(self, code: CodeType) -> bool:
        known = self._own.get(code.co_filename)
        if known is None:
            known = self._own[code.co_filename] = self.is_own(self.real(code.co_filename))
        return known

    def _entered(self) -> None:
        """Note that the test calls the project, each time the number doubles: a loop of the test is no hang of it."""
        self._entries += 1
        if not self._entries & (self._entries - 1):
            self.record(event="entered", seconds=time.monotonic() - self._began)

    def _line(self, rows: frozenset[int]) -> Any:  # noqa: ANN401 - a trace function
        def local(frame: FrameType, event: str, _arg: object) -> Any:  # noqa: ANN401 - as above
            if event == "line" and frame.f_lineno in rows:
                place = (self.real(frame.f_code.co_filename), frame.f_lineno)
                if place not in self._seen:
                    self._seen.add(place)
                    self.record(event="line", path=place[0][len(self.top) :].replace(os.sep, "/"), line=place[1])
            return local

        return local

    # Forbidden actions of a reproducer

    def deny(self, deed: str) -> None:
        if deed not in self._denied:
            self._denied.add(deed)
            self.record(event="denied", deed=deed)

    def by_test(self, depth: int = 2) -> bool:
        """Return True if the test itself makes the call, with no project code and no import in between."""
        frame: FrameType | None = sys._getframe(depth)
        while frame is not None:
            path = self.real(frame.f_code.co_filename)
            if path == self.test or path in _INLINE:
                return True
            name = os.path.basename(path)
            if frame.f_code.co_name in _LOADING and "importlib" in path:
                return False
            if name in _TRACEBACKS and frame.f_code.co_name in (
                "format_exception",
                "print_exception",
                "extract_stack",
                "_formatwarnmsg_impl",
                "updatecache_for_traceback",
            ):
                return False
            if self.is_own(path) or "_pytest" in path:
                return False
            frame = frame.f_back
        return False

    def audit(self, event: str, args: tuple[Any, ...]) -> None:
        if event == "open":
            path = args[0]
            if isinstance(path, (str, bytes)) and os.fsdecode(path).endswith((".py", ".pyi", ".pyc")):
                real = os.path.realpath(os.fsdecode(path))
                reads = not isinstance(args[1], str) or not set(args[1]) & set("wax")
                if reads and real.startswith(self.top) and self.by_test():
                    self.deny("it reads source text")
        elif event == "socket.connect":
            address = args[1]
            host = address[0] if isinstance(address, tuple) else "localhost"
            if str(host) not in ("localhost", "::1", "") and not str(host).startswith("127.") and self.by_test():
                self.deny("it uses the network")
        elif event == "socket.getaddrinfo":
            if str(args[0]) not in ("localhost", "None", "", "127.0.0.1", "::1") and self.by_test():
                self.deny("it uses the network")
        elif event == "time.sleep":
            if args[0] and self.by_test():
                self.deny("it sleeps")
        elif event in ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn"):
            given = args[1] if event != "os.system" else args[0]
            words = [
                os.fsdecode(w) if isinstance(w, bytes) else str(w)
                for w in (given if isinstance(given, (list, tuple)) else [given])
            ]
            words = " ".join(words).replace(";", " ").replace("|", " ").split()
            if words and self.by_test() and any(os.path.basename(word) in _READERS for word in words):
                self.deny("it reads source text")


def install() -> _Probe | None:
    """Begin to watch this process, if the configuration says so."""
    place = os.environ.get(PROBE)
    if not place:
        return None
    try:
        with open(place, encoding="utf-8") as file:
            probe = _Probe(json.load(file))
    except (OSError, ValueError):
        return None
    import random

    if os.environ.setdefault(_MAIN, str(os.getpid())) != str(os.getpid()):
        probe.limit *= _CHILDS_SHARE
        _limit(probe)
        probe.watch()
    random.seed(probe.seed)
    if hasattr(sys, "addaudithook"):
        sys.addaudithook(probe.audit)
    if sys.version_info < (3, 13):  # later ones tell the audit hook
        original = time.sleep

        def sleep(seconds: float) -> None:
            probe.audit("time.sleep", (seconds,))
            original(seconds)

        time.sleep = sleep  # type: ignore[assignment] # a wrapper
    return probe


def _limit(probe: _Probe) -> None:
    """End this process if the tests take too long, and log its place: works inside C code too."""
    faulthandler.dump_traceback_later(probe.limit, exit=True, file=probe._hangs)


_active = install() if __name__ != "__main__" else None


class Plugin:
    """The part that pytest talks to."""

    def __init__(self, probe: _Probe) -> None:
        self._probe = probe

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        mine = [item for item in items if os.path.realpath(str(item.fspath)) == self._probe.test]
        if self._probe.order == "reversed":
            mine.reverse()
        if self._probe.order == "alone" and self._probe.only:
            mine = [item for item in mine if _name(item.nodeid) == self._probe.only]
        items[:] = mine
        _limit(self._probe)

    def pytest_collectreport(self, report: Any) -> None:  # noqa: ANN401 - pytest may not be there
        if report.failed:
            self._probe.record(event="unloaded", foreign=_is_foreign(self._probe, str(report.longrepr)))

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._probe.begin(_name(nodeid))

    def pytest_runtest_makereport(self, item: Any, call: Any) -> None:  # noqa: ANN401 - as above
        error = call.excinfo.value if call.excinfo is not None else None
        kind = type(error).__name__
        if error is not None and kind == "Skipped":
            return
        if call.when != "call":
            if error is not None:
                self._probe.record(event="unloaded", foreign=False)
            return
        if _not_loaded(self._probe, error):
            self._probe.record(event="unloaded", foreign=False)
            return
        self._probe.end(_name(item.nodeid), error)

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        self._probe.record(event="end", code=int(exitstatus))
        faulthandler.cancel_dump_traceback_later()


def _name(nodeid: str) -> str:
    return nodeid.partition("::")[2]


def _not_loaded(probe: _Probe, error: BaseException | None) -> bool:
    """Return whether a test failed on a missing import, which says nothing about the project's behaviour."""
    return error is not None and type(error).__name__ in _LOADED and not probe.describe(error)[1]


def _is_foreign(probe: _Probe, text: str) -> bool:
    """Return True if loading failed inside the project, because a dependency is missing."""
    places = re.findall(r"^(\S+\.py):\d+:(?: in|$)", text, re.MULTILINE)
    last = os.path.join(probe.top, places[-1]) if places else ""
    return probe.is_own(os.path.realpath(last)) if last else False


def pytest_configure(config: Any) -> None:  # noqa: ANN401 - pytest may not be there
    """Register the plugin: pytest loads this module by `PYTEST_PLUGINS`."""
    if _active is not None:
        config.pluginmanager.register(Plugin(_active), "ralph-hooks-probe")


def run(path: str) -> int:
    """Run the tests of ``path`` with pytest if the project has it, else one by one; return the exit code."""
    try:
        import pytest
    except ImportError:
        return _run_plainly(_active, path) if _active is not None else 2
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:faulthandler", "-o", "addopts=", "--tb=short"]
    options += ["-W", "ignore::pytest.PytestAssertRewriteWarning", "--no-header"]
    return int(pytest.main([*options, path]))


def _run_plainly(probe: _Probe, path: str) -> int:
    """Functions called ``test...`` and the methods of unittest's classes, in their order."""
    import importlib.util
    import traceback
    import unittest

    spec = importlib.util.spec_from_file_location("ralph_reproducer", path)
    assert spec is not None  # it is a file of Python
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        traceback.print_exc()
        probe.record(event="unloaded", foreign=probe.describe(error)[1])
        return 2
    tests: list[tuple[str, Any]] = []
    for name, value in list(vars(module).items()):
        if isinstance(value, type) and issubclass(value, unittest.TestCase):
            tests += [(f"{name}::{m}", _case(value, m)) for m in unittest.TestLoader().getTestCaseNames(value)]
        elif name.startswith("test") and callable(value):
            tests.append((name, value))
    if probe.order == "reversed":
        tests.reverse()
    if probe.order == "alone" and probe.only:
        tests = [(name, test) for name, test in tests if name == probe.only]
    _limit(probe)
    code = 0
    for name, test in tests:
        probe.begin(name)
        try:
            test()
        except unittest.SkipTest:
            continue
        except BaseException as error:
            traceback.print_exc()
            code = 1
            if _not_loaded(probe, error):
                probe.record(event="unloaded", foreign=False)
            else:
                probe.end(name, error)
        else:
            probe.end(name, None)
    probe.record(event="end", code=code)
    faulthandler.cancel_dump_traceback_later()
    return code


def _case(case: Any, method: str) -> Any:  # noqa: ANN401 - a class of unittest, and a function
    def test() -> None:
        instance = case(method)
        instance.setUp()
        try:
            getattr(instance, method)()
        finally:
            instance.tearDown()
            instance.doCleanups()

    return test


if __name__ == "__main__":
    sys.exit(sys.modules["ralph_hooks_probe"].run(sys.argv[1]))  # `sitecustomize` has loaded it under this name
