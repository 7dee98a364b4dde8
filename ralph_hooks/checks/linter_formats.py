"""The formats in which linters write their findings, read from untrusted output."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from posixpath import normpath
from typing import TypeVar

import msgspec
from msgspec import Struct

from ralph_hooks.core.codec import from_json
from ralph_hooks.core.finding import Severity
from ralph_hooks.core.linter import LinterFormat, LinterRun

_Shape = TypeVar("_Shape")
_LONGEST_LINE = 4_096  # characters
_LONGEST_MESSAGE = 500
_LONGEST_RULE = 80
_MOST = 50_000  # diagnostics in one run
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_JSON_BEGINS = re.compile(rb"^[ \t]*\{", re.MULTILINE)
_SEVERITIES = {
    "error": Severity.ERROR, "fatal error": Severity.ERROR, "warning": Severity.WARNING, "note": Severity.NOTE,
    "notice": Severity.NOTE, "info": Severity.NOTE, "information": Severity.NOTE, "style": Severity.NOTE,
    "help": Severity.NOTE, "none": Severity.NOTE,
}  # fmt: skip


class Diagnostic(Struct, frozen=True):
    """One finding of a linter in a file of the repository."""

    path: str
    line: int
    """1-based; 0 where it is about the whole file."""
    rule: str
    severity: Severity
    message: str


class Reading(Struct, frozen=True):
    """The output of one run."""

    diagnostics: tuple[Diagnostic, ...] = ()
    """Those about files in the repository."""
    stopped: str = ""
    """The reason the linter did not check everything; empty if it did."""
    silent: bool = True
    """False if it said something of any file."""


class UnreadableError(Exception):
    """The output is not of the format."""


class _Raw(Struct, frozen=True):
    path: str
    line: int
    rule: str
    severity: str
    message: str


def read(form: LinterFormat, run: LinterRun) -> Reading:
    """Return the diagnostics that ``run`` printed. Raises UnreadableError."""
    found: list[_Raw] = []
    stopped = ""
    for item in _READERS[form](run.output):
        if isinstance(item, str):
            stopped = stopped or item
            continue
        found.append(item)
        if len(found) > _MOST:
            raise UnreadableError(f"it has more than {_MOST:,} findings")
    made = (_diagnostic(item, run.root, run.cwd) for item in found)
    return Reading(tuple(item for item in made if item is not None), stopped, silent=not found)


def _diagnostic(raw: _Raw, root: str, cwd: str) -> Diagnostic | None:
    """Return ``raw`` at its path in the repository; None where it is about a file elsewhere."""
    path = _inside(raw.path, root, cwd)
    if not path:
        return None
    message = " ".join(raw.message.replace(f"{root}/", "").split())[:_LONGEST_MESSAGE]
    rule = "".join(raw.rule.split())[:_LONGEST_RULE]
    return Diagnostic(path, max(0, raw.line), rule, _SEVERITIES.get(raw.severity, Severity.ERROR), message)


def _inside(name: str, root: str, cwd: str) -> str:
    """Return the path in the repository that ``name``, seen from ``cwd``, refers to; empty where it is outside."""
    path = name.replace("\\", "/")
    if path.startswith("file:"):
        path = re.sub(r"^file:(//[^/]*)?", "", path)
    if re.match(r"/?[A-Za-z]:/", path):
        path = path.lstrip("/")
    root = root.replace("\\", "/").rstrip("/")
    if path.startswith(f"{root}/"):
        path = path[len(root) + 1 :]
    elif cwd and not path.startswith("/"):
        path = f"{cwd}/{path}"
    path = normpath(path)
    return "" if path.startswith(("/", "../")) or path in {".", ".."} or re.match(r"[A-Za-z]:/", path) else path


class _Text(Struct, frozen=True):
    text: str | None = None
    markdown: str | None = None
    id: str | None = None


class _Place(Struct, frozen=True):
    uri: str | None = None
    index: int | None = None


class _Region(Struct, frozen=True, rename="camel"):
    start_line: int | None = None


class _Physical(Struct, frozen=True, rename="camel"):
    artifact_location: _Place | None = None
    region: _Region | None = None


class _Location(Struct, frozen=True, rename="camel"):
    physical_location: _Physical | None = None


class _Setting(Struct, frozen=True):
    level: str | None = None


class _Rule(Struct, frozen=True, rename="camel"):
    id: str = ""
    default_configuration: _Setting | None = None
    message_strings: Mapping[str, _Text] | None = None


class _RuleName(Struct, frozen=True):
    id: str | None = None
    index: int | None = None


class _Result(Struct, frozen=True, rename="camel"):
    rule_id: str | None = None
    rule_index: int | None = None
    rule: _RuleName | None = None
    level: str | None = None
    kind: str | None = None
    message: _Text = _Text()
    locations: tuple[_Location, ...] | None = None
    suppressions: tuple[msgspec.Raw, ...] | None = None


class _Driver(Struct, frozen=True):
    rules: tuple[_Rule, ...] | None = None


class _Tool(Struct, frozen=True):
    driver: _Driver = _Driver()


class _Artifact(Struct, frozen=True):
    location: _Place | None = None


class _Invocation(Struct, frozen=True, rename="camel"):
    execution_successful: bool | None = None


class _Run(Struct, frozen=True):
    tool: _Tool = _Tool()
    results: tuple[_Result, ...] | None = None
    artifacts: tuple[_Artifact, ...] | None = None
    invocations: tuple[_Invocation, ...] | None = None


class _Log(Struct, frozen=True):
    runs: tuple[_Run, ...]


def _sarif(output: bytes) -> Iterator[_Raw | str]:
    """Read SARIF 2.1.0 (OASIS): https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html ."""
    for run in _json(output, _Log).runs:
        if any(invocation.execution_successful is False for invocation in run.invocations or ()):
            yield "it reports that it failed"
        rules = run.tool.driver.rules or ()
        by_id = {rule.id: rule for rule in rules}
        for result in run.results or ():
            if result.suppressions or (result.kind or "fail") not in {"fail", "review", "open"}:
                continue
            named = result.rule or _RuleName()
            index = named.index if result.rule_index is None else result.rule_index
            rule = rules[index] if index is not None and 0 <= index < len(rules) else None
            name = result.rule_id or named.id or (rule.id if rule else "")
            rule = rule or by_id.get(name)
            default = rule.default_configuration if rule else None
            path, line = _sarif_place(result, run.artifacts or ())
            level = result.level or (default and default.level) or "warning"
            yield _Raw(path, line, name, level, _sarif_message(result.message, rule) or name)


def _sarif_place(result: _Result, artifacts: tuple[_Artifact, ...]) -> tuple[str, int]:
    from urllib.parse import unquote

    physical = next((item.physical_location for item in result.locations or () if item.physical_location), None)
    place = physical.artifact_location if physical else None
    if place is not None and place.uri is None and place.index is not None and 0 <= place.index < len(artifacts):
        place = artifacts[place.index].location
    line = physical.region.start_line if physical and physical.region else None
    return unquote(place.uri or "", errors="surrogateescape") if place else "", line or 0


def _sarif_message(message: _Text, rule: _Rule | None) -> str:
    named = (rule.message_strings or {}).get(message.id) if rule and message.id else None
    return message.text or message.markdown or (named.text if named and named.text else "")


class _PyrightPosition(Struct, frozen=True):
    line: int = -1


class _PyrightRange(Struct, frozen=True):
    start: _PyrightPosition = _PyrightPosition()


class _PyrightItem(Struct, frozen=True):
    file: str = ""
    severity: str = "error"
    message: str = ""
    rule: str | None = None
    range: _PyrightRange = _PyrightRange()


class _PyrightReport(Struct, frozen=True, rename="camel"):
    general_diagnostics: tuple[_PyrightItem, ...]


def _pyright(output: bytes) -> Iterator[_Raw | str]:
    """Read `pyright --outputjson`; its lines begin at 0."""
    for item in _json(output, _PyrightReport).general_diagnostics:
        yield _Raw(item.file, item.range.start.line + 1, item.rule or "syntax-error", item.severity, item.message)


def _json(output: bytes, shape: type[_Shape]) -> _Shape:
    """Return the JSON object in ``output``, behind the lines that package managers print before it."""
    begin = _JSON_BEGINS.search(output)
    try:
        return from_json(output[begin.start() :] if begin else output, shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadableError(str(error)) from error


_MYPY = re.compile(
    r"(?P<path>.+?):(?P<line>\d+)(?::\d+)*: (?P<severity>error|warning): (?P<message>.*?)"
    r"(?:  \[(?P<rule>[a-z0-9-]+)\])?"
)
_MYPY_STOPPED = ("errors prevented further checking", "INTERNAL ERROR")
_TSC = re.compile(
    r"(?P<path>.+?)\((?P<line>\d+),\d+\): (?P<severity>error|warning|info) (?P<rule>TS\d+): (?P<message>.*)"
)
_TSC_STOPPED = re.compile(r"error (TS\d+: .*)")
_GCC = re.compile(
    r"(?P<path>[^\s:].*?):(?P<line>\d+)(?::\d+)?: "
    r"(?:(?P<severity>fatal error|error|warning|note|info|style|help)(?:\[(?P<code>[\w:-]+)\])?: )?"
    r"(?P<message>.*?)(?: +\[(?P<rule>[\w:./,=-]+)\]| \((?P<number>[A-Z]+\d+)\))?"
)
_GITHUB = re.compile(r"::(?P<severity>error|warning|notice) (?P<properties>.*?)::(?P<message>.*)")


def _mypy(output: bytes) -> Iterator[_Raw | str]:
    """Read mypy's own lines, without ``pretty``. Its notes only explain the error before them."""
    for line in _lines(output):
        if any(words in line for words in _MYPY_STOPPED):
            yield "mypy stopped at an error before it had checked everything"
        found = _MYPY.fullmatch(line)
        if found:
            yield _Raw(found["path"], int(found["line"]), found["rule"] or "", found["severity"], found["message"])


def _tsc(output: bytes) -> Iterator[_Raw | str]:
    """Read `tsc --pretty false`."""
    for line in _lines(output):
        found = _TSC.fullmatch(line)
        if found:
            yield _Raw(found["path"], int(found["line"]), found["rule"], found["severity"], found["message"])
        elif stopped := _TSC_STOPPED.fullmatch(line):
            yield stopped[1]


def _gcc(output: bytes) -> Iterator[_Raw | str]:
    """Read lines of compilers: ``path:line:column: severity: message [rule]``. Without a severity: errors."""
    for line in _lines(output):
        found = _GCC.fullmatch(line)
        if found:
            rule = found["rule"] or found["number"] or found["code"] or ""
            yield _Raw(found["path"], int(found["line"]), rule, found["severity"] or "error", found["message"])


def _github(output: bytes) -> Iterator[_Raw | str]:
    """Read workflow commands of GitHub Actions: ``::error file=a.ts,line=3,title=rule::message``."""
    for line in _lines(output):
        found = _GITHUB.fullmatch(line.strip())
        if not found:
            continue
        pairs = (word.partition("=") for word in found["properties"].split(","))
        given = {name.strip(): _unescaped(value) for name, _, value in pairs}
        number = given.get("line", "")
        at = int(number) if number.isascii() and number.isdecimal() and len(number) < 10 else 0  # noqa: PLR2004 - digits
        yield _Raw(given.get("file", ""), at, given.get("title", ""), found["severity"], _unescaped(found["message"]))


def _unescaped(text: str) -> str:
    for code, char in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(code, char)
    return text


def _lines(output: bytes) -> Iterator[str]:
    text = output.decode("utf-8", "surrogateescape")
    for line in text.split("\n"):
        yield _COLOUR.sub("", line[:_LONGEST_LINE]).rstrip()


_READERS: Mapping[LinterFormat, Callable[[bytes], Iterator[_Raw | str]]] = {
    LinterFormat.SARIF: _sarif,
    LinterFormat.MYPY: _mypy,
    LinterFormat.PYRIGHT: _pyright,
    LinterFormat.TSC: _tsc,
    LinterFormat.GITHUB: _github,
    LinterFormat.GCC: _gcc,
}
