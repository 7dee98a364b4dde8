"""Commands, files and parsers that run a reproducer in each language. One table, `RUNNERS`."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable, Collection, Iterator, Sequence
from enum import StrEnum

from msgspec import Struct, structs

READS_SOURCE = "it reads source text"
SLEEPS = "it sleeps"
NETWORK = "it uses the network"
CHANCE = "it depends on random numbers or the clock"

TEST = "{test}"
"""Placeholder in a command for the path of the test file, relative to the top."""
Read = Callable[[str], str | None]
"""Return the text of a file of the project, by its path; None if there is none."""


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
    JEST = "jest"
    """The JSON report of Jest, which Vitest writes too, and marks."""
    JUNIT = "junit"
    """The XML reports of Maven and Gradle, and marks."""


class ProofRunner(Struct, frozen=True, kw_only=True):
    """Settings for running one reproducer in one language."""

    name: str
    framework: str
    """Description of the test framework for a model, with the shape of a test."""
    program: str
    """Has to be on PATH, unless the project has its ``wrapper``."""
    command: tuple[str, ...]
    """Runs in the folder ``root``; `git.sandbox.prover` fills in the names in braces."""
    shown: str
    """The command as a person types it, in ``root``."""
    watch: Watch
    place: Callable[[str, Collection[str]], str]
    """Path of the test file for a changed file, among the paths that there are."""
    refusals: Callable[[str], list[str]]
    """Reasons to reject the text of a test before it is run."""
    root: Callable[[str, Read], str | None] = lambda path, read: ""  # noqa: ARG005 - the general case
    """Folder in which tests of this file run, with a slash at its end unless it is the top; None if it cannot run them.
    """
    wrapper: str = ""
    """Script of the project that runs the program in the project's version."""
    prefers_wrapper: bool = False
    """True if the wrapper is used even if the program is on PATH."""
    probe: str = ""
    """JavaScript that is true if this version of node can run it."""
    package: str = ""
    """Package that has to be installed in a folder ``node_modules``, and its script."""
    only: str = ""
    """Option that runs one test: ``{name}`` is its name, ``{pattern}`` a regular expression for it."""
    every: str = ""
    """Option that runs the tests of the file alone, if its name in the command does not do it."""
    report: str = ""
    """Folder of the XML reports below the module."""
    mark: str = ""
    """The statement that prints ``{mark}``, for `languages.instrument`; empty if lines are traced."""
    keep: tuple[tuple[str, str], ...] = ()
    """Variables that say where caches are, by the folder under the home folder that they have by default."""
    environment: tuple[tuple[str, str], ...] = ()


def runner_for(path: str, read: Read) -> ProofRunner | None:
    """Return the runner for a reproducer about the file ``path``; None if the language or the project has none."""
    suffix = path[path.rfind(".") :] if "." in path else ""
    return next((runner for runner in RUNNERS.get(suffix, ()) if runner.root(path, read) is not None), None)


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
        found["it has no tests: define functions named test_..."] = None
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
        renamed = any(alias.name == "random" and alias.asname for alias in node.names)
        return [CHANCE] * (renamed or "secrets" in names) + [READS_SOURCE] * bool(
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
    chance |= owner == "random" and node.attr != "Random"
    return [READS_SOURCE] * reads + [CHANCE] * chance + [NETWORK] * (node.attr in _NETWORK_CALLS)


def _python_call(node: ast.Call) -> list[str]:
    function = node.func
    name = (
        function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
    )
    words = ast.unparse(node)
    if name == "Random" and not (
        node.args and isinstance(node.args[0], ast.Constant) and node.args[0].value is not None
    ):
        return [CHANCE]  # with a seed it gives the same numbers every time
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
    command=("python", "-m", "ralph_hooks_probe", "{test}"),
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


def folders_of(path: str) -> Iterator[str]:
    """Yield the folders that ``path`` is in, innermost first, each with a slash at its end; the top is empty."""
    parts = path.split("/")[:-1]
    for depth in range(len(parts), -1, -1):
        yield "".join(f"{part}/" for part in parts[:depth])


def _crate(path: str, paths: Collection[str]) -> str:
    """Return the folder of the crate that ``path`` belongs to."""
    return next((folder for folder in folders_of(path) if f"{folder}Cargo.toml" in paths), "")


def _beside_file(name: str, among: str = "") -> Callable[[str, Read], str | None]:
    """Return the nearest folder with the file ``name``, for paths that match ``among``."""

    def root(path: str, read: Read) -> str | None:
        if re.search(among, path) is None:
            return None
        return next((folder for folder in folders_of(path) if read(folder + name) is not None), None)

    return root


# JavaScript and TypeScript


def _needs(package: str) -> Callable[[str, Read], str | None]:
    """Return the nearest folder whose package.json names ``package``."""

    def root(path: str, read: Read) -> str | None:
        return next((f for f in folders_of(path) if f'"{package}"' in (read(f"{f}package.json") or "")), None)

    return root


_SCRIPT_TEST = re.compile(r"^(?P<folder>.*/)?[^/]+?(?P<end>\.(?:test|spec)\.[cm]?[jt]sx?)$")
_ELSEWHERE = re.compile(r"(?:^|/)(?:e2e|cypress|playwright|node_modules)/")


def _among_script_tests(path: str, paths: Collection[str]) -> str:
    """Beside the nearest test and with its ending, because a project may look for tests in certain folders alone."""
    found = [match for other in paths if (match := _SCRIPT_TEST.match(other)) and not _ELSEWHERE.search(other)]
    if not found:
        ending = path[path.rfind(".") :]
        return _beside(f"ralph-reproducer.test{ending}")(path, paths)
    here = path.split("/")[:-1]

    def distance(match: re.Match[str]) -> tuple[int, int, str]:
        there = (match["folder"] or "").split("/")[:-1]
        common = sum(1 for _ in _common(here, there))
        return -common, len(there), match[0]

    nearest = min(found, key=distance)
    return unused(f"{nearest['folder'] or ''}ralph-reproducer{nearest['end']}", paths)


def _common(one: Sequence[str], other: Sequence[str]) -> Iterator[str]:
    for left, right in zip(one, other, strict=False):
        if left != right:
            return
        yield left


_SCRIPT_REFUSALS = _refusals(
    rf"readFile|createReadStream|openSync|opendir|readdir|\.toString\(\)\s*\.|String\(\w+\)\s*\.|\?raw\b|{_READING}",
    r"setTimeout|setInterval|setImmediate|timers|Atomics\.wait",
    r"\bfetch\(|node:https?\b|node:net\b|node:dns\b|WebSocket",
    r"Math\.random|Date\.now|new Date\(\s*\)|performance\.|crypto|hrtime|process\.pid",
    r"\b(?:test|it)\(",
)
_SCRIPT_MARK = 'process._rawDebug("{mark}");'
_NODE = ProofRunner(
    name="node",
    framework="JavaScript for node's own runner: an ES module that imports test from node:test and assert from "
    "node:assert/strict; a CommonJS module of the project is imported by its default export",
    program="node",
    command=("node", "--test-reporter={reporter}", "{only}", "{test}"),
    shown="node --test {test}",
    watch=Watch.NODE,
    place=_beside("ralph-reproducer.test.mjs"),
    refusals=_SCRIPT_REFUSALS,
    only="--test-name-pattern={pattern}",
    mark=_SCRIPT_MARK,
)
_TYPES = structs.replace(
    _NODE,
    name="node-types",
    framework="TypeScript for node's own runner, which only strips the types: an ES module without enums and "
    "namespaces that imports test from node:test, assert from node:assert/strict, and the project's files by their "
    "relative paths with the ending .ts",
    place=_beside("ralph-reproducer.test.mts"),
    probe="process.features.typescript",
)
_VITEST = ProofRunner(
    name="vitest",
    framework="Vitest: an ES module that imports test and expect from vitest and the project's modules as its other "
    "tests do",
    program="node",
    command=("node", "{modules}/vitest/vitest.mjs", "run", "--reporter=json", "--outputFile={report}",
             "--coverage.enabled=false", "{only}", "{test}"),
    shown="npx vitest run {test}",
    watch=Watch.JEST,
    place=_among_script_tests,
    refusals=_SCRIPT_REFUSALS,
    root=_needs("vitest"),
    package="vitest",
    only="--testNamePattern={pattern}",
    mark=_SCRIPT_MARK,
    environment=(("CI", "1"), ("NO_COLOR", "1"), ("FORCE_COLOR", "0")),
)  # fmt: skip
_JEST = structs.replace(
    _VITEST,
    name="jest",
    framework="Jest: test and expect are global; import or require the project's modules as its other tests do",
    command=("node", "{modules}/jest/bin/jest.js", "--ci", "--json", "--outputFile={report}", "--coverage=false",
             "--watchman=false", "{only}", "--runTestsByPath", "{test}"),
    shown="npx jest {test}",
    root=_needs("jest"),
    package="jest",
)  # fmt: skip
_GO = ProofRunner(
    name="go",
    framework="Go's testing package: a file of the changed file's package, with functions Test...(t *testing.T)",
    program="go",
    command=("go", "test", "-json", "-count=1", "-vet=off", "-timeout={limit}s", "{only}", "./{folder}"),
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
    root=_beside_file("go.mod"),
    only="-run=^{name}$",
    every="-run=^({tests})$",
    mark='println("{mark}"); ',
    keep=(("GOPATH", "go"), ("GOCACHE", ".cache/go-build")),
    environment=(("GOPROXY", "off"), ("GOTOOLCHAIN", "local"), ("GONOSUMDB", "*")),
)
_RUST = ProofRunner(
    name="rust",
    framework="Rust: an integration test in the crate's folder tests, with #[test] functions, which calls the public "
    "functions of the crate by its name",
    program="cargo",
    command=("cargo", "test", "--offline", "--test={stem}", "--", "--test-threads=1", "--nocapture", "--exact",
             "{only}"),
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
    root=_beside_file("Cargo.toml", among=r"(?:^|/)(?:src|tests)/"),
    only="{name}",
    mark='std::eprintln!("{mark}"); ',
    keep=(("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")),
    environment=(("RUST_BACKTRACE", "0"), ("CARGO_TERM_COLOR", "never")),
)  # fmt: skip


# Java

_JAVA_SOURCES = "src/main/java/"
_JUPITER = 5


def _java_place(path: str, paths: Collection[str]) -> str:
    """In the same package, among the tests."""
    folder = path.replace(_JAVA_SOURCES, "src/test/java/").rpartition("/")[0]
    name = next(n for n in ("", *range(2, len(paths) + 3)) if f"{folder}/RalphReproducer{n}Test.java" not in paths)
    return f"{folder}/RalphReproducer{name}Test.java"


def java_module(path: str) -> str | None:
    """Return the folder of the module that the source file ``path`` is in; None if its place is no usual one."""
    found = re.match(r"(.*?)src/(?:main|test)/java/", path)
    return found[1] if found else None


def _java_root(*builds: str, junit: int) -> Callable[[str, Read], str | None]:
    """Return the folder of the module, for Maven of all modules around it, if its tests use this version of JUnit."""

    def root(path: str, read: Read) -> str | None:
        module = java_module(path)
        if module is None or all(read(module + name) is None for name in builds):
            return None
        texts = {folder: [read(folder + name) for name in builds] for folder in folders_of(f"{module}-")}
        if _junit([text for both in texts.values() for text in both if text]) != junit:
            return None
        return [folder for folder, both in texts.items() if any(text is not None for text in both)][
            -1 if "pom.xml" in builds else 0
        ]

    return root


def _junit(builds: Sequence[str]) -> int:
    """Return the version of JUnit that build files name, nearest first: 5 for itself, or for what brings it along."""
    for text in builds:
        if re.search(r"jupiter|junit-bom|spring-boot-starter-test|quarkus-junit|useJUnitPlatform", text):
            return _JUPITER
        if re.search(r"<artifactId>junit</artifactId>|\bjunit:junit\b|junit-vintage", text):
            return 4
    return _JUPITER if any(builds) else 0


def _java(name: str, junit: int) -> ProofRunner:
    maven, package = name == "maven", "org.junit.jupiter.api" if junit == _JUPITER else "org.junit"
    uses = f"{package}.Test and {package}.{'Assertions' if junit == _JUPITER else 'Assert'}"
    return ProofRunner(
        name=f"{name}-junit{junit}",
        framework=f"JUnit {junit}: a public class named as the file, in the package of the changed file, with {uses}",
        program="mvn" if maven else "gradle",
        wrapper="mvnw" if maven else "gradlew",
        prefers_wrapper=not maven,
        command=(
            ("mvn", "--offline", "--batch-mode", "--quiet", "-DfailIfNoTests=false", "-DtrimStackTrace=false",
             "-Dsurefire.failIfNoSpecifiedTests=false", "-Dcheckstyle.skip", "-Dspotless.check.skip", "-Djacoco.skip",
             "{only}", "{module}", "{above}", "test")
            if maven
            else ("gradle", "--offline", "--no-daemon", "--quiet", "test", "{only}")
        ),
        shown="mvn test -Dtest={stem}" if maven else "gradle test --tests {stem}",
        watch=Watch.JUNIT,
        place=_java_place,
        refusals=_JAVA_REFUSALS,
        root=_java_root(*(("pom.xml",) if maven else ("build.gradle", "build.gradle.kts")), junit=junit),
        only="-Dtest={stem}#{name}" if maven else "--tests=*{stem}.{name}",
        every="-Dtest={stem}" if maven else "--tests=*{stem}",
        report="target/surefire-reports" if maven else "build/test-results/test",
        mark='System.err.println("{mark}"); ',
        keep=(("MAVEN_USER_HOME", ".m2"),) if maven else (("GRADLE_USER_HOME", ".gradle"),),
    )  # fmt: skip


_JAVA_REFUSALS = _refusals(
    rf"Files\.(?:read|lines|newBufferedReader|newInputStream|walk|list|find)|FileReader|FileInputStream|RandomAccessFile"
    rf"|getResource|\.java\"|{_READING}",
    r"Thread\.sleep|TimeUnit\.\w+\.sleep|\.await\(|\.wait\(|LockSupport|awaitility|Timer\b",
    r"\bSocket\(|HttpClient|HttpURLConnection|openConnection|openStream|InetAddress",
    r"\bRandom\b|Math\.random|UUID\.random|SecureRandom|System\.(?:currentTimeMillis|nanoTime)|\.now\("
    r"|System\.identityHashCode|ProcessHandle",
    r"@(?:Test|ParameterizedTest)\b",
)
_JAVA = tuple(_java(name, junit) for name in ("maven", "gradle") for junit in (5, 4))
_SCRIPT = (_VITEST, _JEST)

RUNNERS: dict[str, Sequence[ProofRunner]] = {
    ".py": (_PYTHON,),
    ".js": (*_SCRIPT, _NODE),
    ".mjs": (*_SCRIPT, _NODE),
    ".cjs": (*_SCRIPT, _NODE),
    ".jsx": _SCRIPT,
    ".ts": (*_SCRIPT, _TYPES),
    ".mts": (*_SCRIPT, _TYPES),
    ".cts": (*_SCRIPT, _TYPES),
    ".tsx": _SCRIPT,
    ".go": (_GO,),
    ".rs": (_RUST,),
    ".java": _JAVA,
}
"""By suffix of the changed file; the first that fits."""
