"""Shell command lines, run so that a failure of any part fails the whole."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePath

from ralph_hooks.process import which

NO_PIPEFAIL = "verify commands with a pipe ran under sh, which notices only a failure of its last part: install bash"
_BASH = ("--noprofile", "--norc", "-e", "-o", "pipefail", "-c")
_SH = "if (set -o pipefail) 2>/dev/null; then set -o pipefail; fi\n"  # POSIX has had it since 2024
_PIPE = re.compile(r"(?<!\|)\|(?!\|)")
_TOKEN = re.compile(
    r"""'[^']*'|"(?:[^"\\`$]|\\.|\$\w+|\$\{\w+\})*"|\\.|\$\w+|\$\{\w+\}|&&|(?P<end>[;\n])|[<>]&\d|&>|\|(?![|&])"""
    r"""|<(?![<(])|>(?!\()|[^'"\\$`(){}<>#&|;\n]+""",
    re.DOTALL,
)
_KEYWORDS = frozenset((
    "if", "then", "else", "elif", "fi", "for", "while", "until", "do", "done", "case", "esac", "select", "function",
    "[[", "set", "trap", "coproc", "time",
))  # fmt: skip


def runs_lines(environ: Mapping[str, str]) -> str:
    """Return the shell that runs command lines: bash, sh or cmd."""
    return "bash" if _bash(environ) else "sh" if os.name == "posix" else "cmd"


def arguments(line: str, environ: Mapping[str, str]) -> tuple[list[str], str]:
    """Return the program and arguments that run ``line``, and a warning if a failure may go unnoticed.

    Uses bash if it is on PATH, else sh, on Windows cmd.
    """
    bash = _bash(environ)
    if bash is not None:
        return [bash, *_BASH, chained(line)], ""
    if os.name != "posix":
        return ["cmd", "/d", "/s", "/c", line], ""
    told = NO_PIPEFAIL if _PIPE.search(line) else ""
    return ["/bin/sh", "-e", "-c", _SH + chained(line)], told


def _bash(environ: Mapping[str, str]) -> str | None:
    bash = which("bash", environ)
    inside = bash is None or "system32" in PurePath(bash.lower()).parts  # there it belongs to another system
    return None if inside else bash


def chained(line: str) -> str:
    """Return ``line`` with ``&&`` for ``;`` and line ends, if it has only simple commands.

    ``set -e`` does not stop ``a && b; c`` if ``a`` fails.
    """
    parts = list(_parts(line))
    return " && ".join(parts) if parts and _KEYWORDS.isdisjoint(part.split(maxsplit=1)[0] for part in parts) else line


def _parts(line: str) -> Iterator[str]:
    """Yield the simple commands of ``line``; the whole line if it has anything else."""
    found: list[str] = []
    start = position = 0
    while position < len(line):
        token = _TOKEN.match(line, position)
        if token is None:
            yield line
            return
        if token["end"]:
            found.append(line[start:position])
            start = token.end()
        position = token.end()
    found.append(line[start:])
    yield from filter(None, map(str.strip, found))
