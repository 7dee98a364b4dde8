"""Commands, files and parsers that run a reproducer in each language. One table, `RUNNERS`."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable, Collection, Sequence
from enum import StrEnum

from msgspec import Struct

READS_SOURCE = "it reads source text"
SLEEPS = "it sleeps"
NETWORK = "it uses the network"
CHANCE = "it depends on chance or on the clock"

TEST = "{test}"
"""Placeholder in a command for the path of the test file, relative to the top."""


class Watch(StrEnum):
    """Instrumentation that records which test fails, how, and which changed lines run."""

    PROBE = "probe"
    """`languages.python_probe` inside every Python of the run."""
    NODE = "node"
    """`node_reporter.mjs` in node's test runner, and marks in the changed files."""
    GO = "go"
    """The JSON events of ``go test``, and marks."""
    CARGO = "cargo"
    """The output of libtest, and marks."""


class ProofRunner(Struct, frozen=True, kw_only=True):
    """Settings for running one reproducer in one language."""

    name: str
    framework: str
    """Description of the test framework for a model, with the shape of a test."""
    program: str
    """Has to be on PATH."""
    command: tuple[str, ...]
    shown: str
    """The command as a person types it."""
    watch: Watch
    place: Callable[[str, Collection[str]], str]
    """Path of the test file for a changed file, among the paths that there are."""
    refusals: Callable[[str], list[str]]
    """Reasons to reject the text of a test before it is run."""
    fits: Callable[[str, Collection[str]], bool] = lambda path, paths: True  # noqa: ARG005 - the general case
    """True if it is for this changed file, of those that have its suffix."""
    mark: str = ""
    """The statement that prints ``{mark}``, for `languages.instrument`; empty if lines are traced."""
    keep: tuple[tuple[str, str], ...] = ()
    """Variables that say where caches are, by the folder under the home folder that they have by default."""
    environment: tuple[tuple[str, str], ...] = ()


def runner_for(path: str, paths: Collection[str]) -> ProofRunner | None:
    """Return the runner for a reproducer about the file ``path``, of ``paths``; None if the language has none."""
    suffix = path[path.rfind(".") :] if "." in path else ""
    return next((runner for runner in RUNNERS.get(suffix, ()) if runner.fits(path, paths)), None)


def runner_called(name: str) -> ProofRunner:
    """Return the runner with this name."""
    return next(runner for runners in RUNNERS.values() for runner in runners if runner.name == name)


def unused(path: str, paths: Collection[str]) -> str:
    """Return ``path``, with a number added if a file is already there."""
    if path not in paths:
        return path
    stem, dot, suffix = path.rpartition(".")
    return next(other for n in range(2, len(paths) + 3) if (other := f"{stem}_{n}{dot}{suffix}") not in paths)


# Python

_SOURCE_READERS = {
    "inspect": {"getsource", "getsourcelines", "getsourcefile", "getfile", "findsource"},
    "linecache": {"getline", "getlines"},
    "tokenize": {"open", "tokenize", "generate_tokens"},
    "ast": {"parse"},
    "dis": {"dis", "get_instructions", "Bytecode"},
    "symtable": {"symtable"},
    "tokenizer": set(),
    "pkgutil": {"get_data", "get_loader"},
}
_SOURCE_ATTRIBUTES = {"getsource", "getsourcelines", "get_source", "__code__", "co_code", "co_consts", "co_names"}
_OPENERS = {"open", "read_text", "read_bytes", "rglob", "glob", "iterdir", "walk", "scandir", "listdir"}
_READING_PROGRAMS = re.compile(r"\b(?:cat|e?grep|sed|awk|head|tail|less|git|diff|rg|strings)\b")
_SOURCE_NAME = re.compile(r"\.pyi?\b|__file__|\.c?py\b")
_CHANCE = {
    "random": set(),
    "secrets": set(),
    "uuid": {"uuid1", "uuid4"},
    "time": {
        "time",
        "time_ns",
        "perf_counter",
        "perf_counter_ns",
        "monotonic",
        "monotonic_ns",
        "process_time",
        "clock",
    },
    "os": {"urandom", "getpid", "getrandom", "times"},
    "datetime": {"now", "today", "utcnow"},
}
_CHANCE_ATTRIBUTES = {"now", "today", "utcnow", "urandom", "getpid", "uuid4", "uuid1", "SystemRandom", "perf_counter"}
_NETWORK_NAMES = re.compile(r"\bhttps?://(?!localhost|127\.|\[::1\]|[\w.-]*\.?(?:example|test|invalid)\b|example\.)")
_NETWORK_CALLS = {"create_connection", "urlopen", "urlretrieve", "gethostbyname", "getaddrinfo"}


def _python_refusals(text: str) -> list[str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return [f"it does not parse: {error}"]
    found: dict[str, None] = {}
    for node in ast.walk(tree):
        for reason in _python_node(node):
            found[reason] = None
    calls_tests = any(
        isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef) and n.name.startswith("test") for n in ast.walk(tree)
    )
    if not calls_tests:
        found["it has no test: define functions named test_..."] = None
    return list(found)


def _python_node(node: ast.AST) -> list[str]:
    if isinstance(node, ast.ImportFrom):
        names = {alias.name for alias in node.names}
        module = (node.module or "").partition(".")[0]
        reasons = [READS_SOURCE] * bool(names & _SOURCE_READERS.get(module, set()))
        reasons += [CHANCE] * (
            module in {"random", "secrets"} or bool(names & _CHANCE.get(module, set()) - {"datetime"})
        )
        reasons += [SLEEPS] * (module in {"time", "asyncio"} and "sleep" in names)
        return reasons + [NETWORK] * bool(names & _NETWORK_CALLS)
    if isinstance(node, ast.Import):
        names = {alias.name.partition(".")[0] for alias in node.names}
        return [CHANCE] * bool(names & {"random", "secrets"}) + [READS_SOURCE] * bool(
            names & {"linecache", "dis", "tokenize"}
        )
    if isinstance(node, ast.Attribute):
        return _python_attribute(node)
    if isinstance(node, ast.Call):
        return _python_call(node)
    return []


def _python_attribute(node: ast.Attribute) -> list[str]:
    owner = node.value.id if isinstance(node.value, ast.Name) else ""
    reads = node.attr in _SOURCE_ATTRIBUTES or node.attr in _SOURCE_READERS.get(owner, set())
    chance = node.attr in _CHANCE_ATTRIBUTES or node.attr in _CHANCE.get(owner, set())
    return [READS_SOURCE] * reads + [CHANCE] * chance + [NETWORK] * (node.attr in _NETWORK_CALLS)


def _python_call(node: ast.Call) -> list[str]:
    function = node.func
    name = (
        function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
    )
    words = ast.unparse(node)
    if name == "sleep":
        zero = node.args and isinstance(node.args[0], ast.Constant) and not node.args[0].value
        return [] if zero else [SLEEPS]
    if name in _OPENERS and _SOURCE_NAME.search(words):
        return [READS_SOURCE]
    if name in {"run", "check_output", "check_call", "call", "Popen", "system", "popen", "getoutput"}:
        return [READS_SOURCE] * bool(_READING_PROGRAMS.search(words)) + [SLEEPS] * ("sleep" in words)
    return [NETWORK] * bool(name in {"get", "post", "request", "urlopen", "connect"} and _NETWORK_NAMES.search(words))


def _python_place(path: str, paths: Collection[str]) -> str:
    """Among the project's tests, where their fixtures are; else at the top."""
    folders = ["tests", "test"]
    parts = path.split("/")[:-1]
    for depth in range(len(parts), -1, -1):
        for folder in folders:
            base = "/".join([*parts[:depth], folder])
            if any(other.startswith(f"{base}/") for other in paths):
                return unused(f"{base}/test_ralph_reproducer.py", paths)
    return unused("test_ralph_reproducer.py", paths)


_PYTHON = ProofRunner(
    name="python",
    framework="Python: plain functions named test_... that use assert; pytest may be imported, and fixtures of the "
    "project's conftest.py may be used, where the project has pytest",
    program="python",
    command=("python", "-m", "ralph_hooks_probe", TEST),
    shown="python -m pytest {test}",
    watch=Watch.PROBE,
    place=_python_place,
    refusals=_python_refusals,
)


# Other languages: their text is searched for forbidden actions of a test

_READING = r"\b(?:cat|e?grep|sed|awk|head|tail|less|git|diff|rg|strings)\b"


def _refusals(source: str, sleeps: str, network: str, chance: str, test: str) -> Callable[[str], list[str]]:
    """Return a function that finds reasons by patterns; ``test`` is the pattern of a test."""
    patterns = ((source, READS_SOURCE), (sleeps, SLEEPS), (network, NETWORK), (chance, CHANCE))

    def refusals(text: str) -> list[str]:
        found = [reason for pattern, reason in patterns if re.search(pattern, text)]
        if _NETWORK_NAMES.search(text):
            found.append(NETWORK)
        return list(dict.fromkeys(found)) + ([] if re.search(test, text) else ["it has no test"])

    return refusals


def _beside(name: str) -> Callable[[str, Collection[str]], str]:
    """Return a file called ``name`` in the folder of the changed one."""

    def place(path: str, paths: Collection[str]) -> str:
        folder = path.rpartition("/")[0]
        return unused(f"{folder}/{name}" if folder else name, paths)

    return place


def _crate(path: str, paths: Collection[str]) -> str:
    """Return the folder of the crate that ``path`` belongs to; ends with a slash unless it is the top."""
    parts = path.split("/")[:-1]
    for depth in range(len(parts), -1, -1):
        folder = "".join(f"{part}/" for part in parts[:depth])
        if f"{folder}Cargo.toml" in paths:
            return folder
    return ""


def _has_cargo(path: str, paths: Collection[str]) -> bool:
    return f"{_crate(path, paths)}Cargo.toml" in paths and "/src/" in f"/{path}"


def _has_module(path: str, paths: Collection[str]) -> bool:
    parts = path.split("/")[:-1]
    return any("/".join([*parts[:depth], "go.mod"]) in paths for depth in range(len(parts) + 1))


_NODE = ProofRunner(
    name="node",
    framework="JavaScript for node's own runner: an ES module that imports test from node:test and assert from "
    "node:assert/strict; a CommonJS module of the project is imported by its default export",
    program="node",
    command=("node", "--test-reporter={reporter}", TEST),
    shown="node --test {test}",
    watch=Watch.NODE,
    place=_beside("ralph-reproducer.test.mjs"),
    refusals=_refusals(
        rf"readFile|createReadStream|openSync|opendir|readdir|\.toString\(\)\s*\.|String\(\w+\)\s*\.|{_READING}",
        r"setTimeout|setInterval|setImmediate|timers|Atomics\.wait",
        r"\bfetch\(|node:https?\b|node:net\b|node:dns\b|WebSocket",
        r"Math\.random|Date\.now|new Date\(\s*\)|performance\.|crypto|hrtime|process\.pid",
        r"\b(?:test|it)\(",
    ),
    mark='process._rawDebug("{mark}");',
)
_GO = ProofRunner(
    name="go",
    framework="Go's testing package: a file of the changed file's package, with functions Test...(t *testing.T)",
    program="go",
    command=("go", "test", "-json", "-count=1", "-vet=off", "-timeout={limit}s", "-run={only}", "./{folder}"),
    shown="go test -run Test ./{folder}",
    watch=Watch.GO,
    place=_beside("ralph_reproducer_test.go"),
    refusals=_refusals(
        rf"ReadFile|os\.Open|embed|go/parser|go/ast|{_READING}",
        r"time\.(?:Sleep|After|Tick|NewTimer)",
        r"net\.Dial|http\.(?:Get|Post|DefaultClient)",
        r"math/rand|crypto/rand|time\.Now|os\.Getpid",
        r"func Test",
    ),
    fits=_has_module,
    mark='println("{mark}"); ',
    keep=(("GOPATH", "go"), ("GOCACHE", ".cache/go-build")),
    environment=(("GOFLAGS", "-mod=mod"), ("GOPROXY", "off"), ("GOTOOLCHAIN", "local"), ("GONOSUMDB", "*")),
)
_RUST = ProofRunner(
    name="rust",
    framework="Rust: an integration test in the crate's folder tests, with #[test] functions, which calls the public "
    "functions of the crate by its name",
    program="cargo",
    command=("cargo", "test", "--offline", "--manifest-path={crate}Cargo.toml", "--test={stem}", "--", "{only}",
             "--test-threads=1", "--nocapture"),
    shown="cargo test --test {stem}",
    watch=Watch.CARGO,
    place=lambda path, paths: unused(f"{_crate(path, paths)}tests/ralph_reproducer.rs", paths),
    refusals=_refusals(
        rf"fs::read|File::open|include_(?:str|bytes)!|read_to_string|{_READING}",
        r"thread::sleep|park_timeout|recv_timeout",
        r"TcpStream|UdpSocket|reqwest|ureq",
        r"rand::|SystemTime|Instant::now|process::id|RandomState",
        r"#\[test\]",
    ),
    fits=_has_cargo,
    mark='std::eprintln!("{mark}"); ',
    keep=(("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")),
    environment=(("RUST_BACKTRACE", "0"), ("CARGO_TERM_COLOR", "never")),
)  # fmt: skip

RUNNERS: dict[str, Sequence[ProofRunner]] = {
    ".py": (_PYTHON,),
    ".js": (_NODE,),
    ".mjs": (_NODE,),
    ".cjs": (_NODE,),
    ".go": (_GO,),
    ".rs": (_RUST,),
}
"""By suffix of the changed file; the first that fits."""
