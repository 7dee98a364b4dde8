"""Files that no program can read: JSON, TOML, and Python in an encoding that its interpreter refuses.

Everything else that can be wrong with Python's syntax is told by ruff, whose parser knows every version of the
language; the one that runs this does not. YAML is left out: the standard library has no parser for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import PurePosixPath

from msgspec import Struct

from ralph_hooks.checks.shared import blocking, is_python, is_wrong_on_purpose, may_be_python, python_text, without_end
from ralph_hooks.core.change import Entry
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.ports.change import Source
from ralph_hooks.core.ports.checks import CheckResult

_VERSION = "1"

_COMMENT = re.compile(r"(?m)^\s*(?://|/\*)")
_TEMPLATE = re.compile(r"\{\{|\{%|<%|\$\{")


@lru_cache(maxsize=1)
def _commented() -> re.Pattern[str]:
    """JSON with comments and trailing commas, by the tools that read it so."""
    return re.compile(
        r"(?i)(?:^|/)(?:\.vscode|\.devcontainer|\.zed)/|(?:^|/)(?:[tj]sconfig[\w.-]*|tslint|\.?eslintrc|\.babelrc|\.swcrc"
        r"|babel\.config|devcontainer|\.devcontainer|deno|nx|project|angular|turbo|wrangler|biome|renovate|\.renovaterc"
        r"|api-extractor[\w.-]*|\.oxlintrc|\.jshintrc|language-configuration)\.json$"
    )


class _Problem(Struct, frozen=True):
    line: int
    message: str


_Reader = Callable[[str, bytes], _Problem | None]


class Syntax:
    """A file that cannot be read after the change, and could before or was not there."""

    name = "syntax"
    source_only = True
    version = _VERSION

    def applies(self, entry: Entry) -> bool:
        """By name."""
        return may_be_python(entry) or (entry.new_oid is not None and PurePosixPath(entry.path).suffix in _READERS)

    def run(self, sources: Sequence[Source], deadline: Deadline) -> Mapping[str, CheckResult]:  # noqa: ARG002 - too quick to need it
        """At most one finding a file."""
        return {source.path: _check(source) for source in sources}


def _check(source: Source) -> CheckResult:
    reader = _python if is_python(source) else _READERS.get(PurePosixPath(source.path).suffix)
    if reader is None or not source.content.new or is_wrong_on_purpose(source.path):
        return CheckResult()
    problem = reader(source.path, source.content.new)
    if problem is None:
        return CheckResult()
    before = reader(source.entry.old_path, source.content.old) if source.content.old else None
    if before is not None and before.message == problem.message:
        return CheckResult()
    lines = without_end(source.content.new)
    number = min(problem.line, len(lines))
    return CheckResult(
        (blocking("syntax", source.path, number, category="syntax", message=problem.message, shown=lines[number - 1]),)
    )


def _python(_path: str, data: bytes) -> _Problem | None:
    try:
        python_text(data)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        byte = data[error.start]
        return _Problem(line, f"Python cannot read this file: byte 0x{byte:02x} is not {error.encoding} text")
    except (SyntaxError, LookupError):
        return _Problem(
            1, "Python cannot read this file: it declares an encoding that is unknown or not the one it has"
        )
    return None


def _json(path: str, data: bytes) -> _Problem | None:
    import json

    try:
        json.loads(data)
    except json.JSONDecodeError as error:
        if _is_dialect(path, error.doc, json.loads):
            return None
        return _Problem(error.lineno, f"this is not JSON: {error.msg}")
    except UnicodeDecodeError as error:
        return _Problem(data.count(b"\n", 0, error.start) + 1, f"this is not JSON: not {error.encoding} text")
    except (RecursionError, ValueError):  # deeper, or with longer numbers, than the parser at hand can take: no mistake
        return None
    return None


def _is_dialect(path: str, text: str, loads: Callable[[str], object]) -> bool:
    """True for what tools take in a file of that name besides JSON: comments, templates, one value a line."""
    if _commented().search(path) or _COMMENT.search(text) or _TEMPLATE.search(text):
        return True
    lines = [line for line in text.splitlines() if line.strip()]
    return len(lines) > 1 and _all_load(lines, loads)


def _all_load(lines: Iterable[str], loads: Callable[[str], object]) -> bool:
    try:
        for line in lines:
            loads(line)
    except (ValueError, RecursionError):
        return False
    return True


_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


def _toml(_path: str, data: bytes) -> _Problem | None:
    import tomli

    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        return _Problem(data.count(b"\n", 0, error.start) + 1, "this is not TOML: not UTF-8 text")
    try:
        tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        if _TEMPLATE.search(text):
            return None
        message = str(error)
        place = _PLACE.search(message)
        line = int(place[1]) if place and place[1] else text.count("\n") + 1
        return _Problem(line, f"this is not TOML: {_PLACE.sub('', message)}")
    except (RecursionError, ValueError):  # as for JSON
        return None
    return None


_READERS: Mapping[str, _Reader] = {".json": _json, ".toml": _toml}
