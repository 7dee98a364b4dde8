"""The `models:` map of a `.ralph/config.yml`: a phase, a colon, a model, one a line.

Only this subset of YAML is supported: a library for the rest would be a dependency for one file of a few lines.
Anything else is an error that names its line; nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from ralph_hooks.config.file import read_content
from ralph_hooks.core.route import Phase
from ralph_hooks.errors import ConfigError

FILE = ".ralph/config.yml"

_KEY = re.compile(r"(?P<indent> *)(?P<key>[A-Za-z_][\w-]*|\"[^\"]*\"|'[^']*')\s*:(?:\s+(?P<value>.*))?$")
_PLAIN = re.compile(r"[A-Za-z0-9][\w./:@+~-]*(?: [\w./:@+~-]+)*$")
_HINT = "write one line for each phase: `  analyze: provider/model`"


def read_phase_map(path: Path) -> Mapping[Phase, str]:
    """Return the model of each phase that the file names; empty if it has no `models`.

    Raises ConfigError with the line that cannot be read.
    """
    try:
        lines = (read_content(path) or b"").decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: expected UTF-8", "save the file as UTF-8") from error
    found: dict[Phase, str] = {}
    inside = False
    indent = 0
    for number, line in enumerate(lines, start=1):
        text = _without_comment(line)
        if not text.strip() or text in {"---", "..."}:
            continue
        if not text.startswith((" ", "\t")):
            inside, indent = _opens(path, number, text), 0
            continue
        if inside:
            indent = indent or len(text) - len(text.lstrip(" "))
            phase, model = _entry(path, number, text, indent)
            if phase in found:
                raise _wrong(path, number, f"{phase.value} is listed twice", "remove one of the two")
            found[phase] = model
    return found


def _without_comment(line: str) -> str:
    """A # begins a comment at the start of a line or after a space; in quotes it does not, and none of ours has one."""
    return re.sub(r"(^|\s)#.*$", "", line).rstrip()


def _opens(path: Path, number: int, text: str) -> bool:
    """Return whether a line at the margin begins the map."""
    match = _KEY.match(text)
    if match is None or match["key"].strip("\"'") != "models":
        return False
    if match["value"]:
        raise _wrong(path, number, "expected a map of phases below `models:`", _HINT)
    return True


def _entry(path: Path, number: int, text: str, indent: int) -> tuple[Phase, str]:
    match = _KEY.match(text)
    if match is None or len(match["indent"]) != indent:
        raise _wrong(path, number, f"expected a phase and its model, got {text.strip()!r}", _HINT)
    name = match["key"].strip("\"'")
    if name not in set(Phase):
        raise _wrong(path, number, f"unknown phase {name!r}", f"the phases are {', '.join(Phase)}")
    return Phase(name), _value(path, number, match["value"] or "")


def _value(path: Path, number: int, text: str) -> str:
    quoted = re.fullmatch(r"\"([^\"\\]*)\"|'([^']*)'", text)
    value = (quoted[1] or quoted[2] or "") if quoted else text
    if "/" not in value or not _PLAIN.match(value):
        raise _wrong(path, number, f"expected provider/model, got {text!r}", _HINT)
    return value


def _wrong(path: Path, number: int, problem: str, hint: str) -> ConfigError:
    return ConfigError(f"{path}, line {number}: {problem}", hint)
