"""A linter that the project configures, and the result of a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum

from msgspec import Struct

from ralph_hooks.core.change import Entry
from ralph_hooks.core.glob import first_match

FILES = "{files}"
"""Placeholder in a command line for the changed files that the linter checks, quoted for the shell."""
RESERVED = (
    "secrets", "invisible", "conflicts", "syntax", "ruff", "imports", "weakened-tests", "models", "commands", "review",
)  # fmt: skip
"""Names that already have a meaning in findings and in `RALPH_HOOKS_SKIP`."""
_LONGEST = 64 * 1024  # characters of files in one command line: Linux takes 128 KB in one argument


class BlockAt(StrEnum):
    """The lowest severity of a linter's finding that blocks."""

    ERROR = "error"
    WARNING = "warning"
    HINT = "hint"


class LinterFormat(StrEnum):
    """Format in which a linter writes its findings to standard output."""

    SARIF = "sarif"
    MYPY = "mypy"
    PYRIGHT = "pyright"
    TSC = "tsc"
    GITHUB = "github"
    GCC = "gcc"


class Linter(Struct, frozen=True):
    """A shell command line whose new findings count."""

    name: str
    run: str
    paths: tuple[str, ...] = ()
    block_at: BlockAt = BlockAt.ERROR
    format: LinterFormat = LinterFormat.SARIF
    rules: tuple[str, ...] = ()
    """The only rules that block; the findings of others are hints. Without, all rules may block."""
    timeout: float = 120.0
    """Seconds for one run."""
    cwd: str = ""
    """The folder that it runs in and is about, relative to the top; empty for the top."""

    def covers(self, entry: Entry) -> bool:
        """Return True if the linter applies to ``entry`` after the change."""
        return entry.new_oid is not None and self.covers_path(entry.path)

    def covers_path(self, path: str) -> bool:
        """Return whether the linter is about the file at ``path``."""
        return path.startswith(self._folder) and (not self.paths or first_match(path, self.paths) is not None)

    def lines(self, paths: Sequence[str]) -> tuple[str, ...]:
        """Return the command lines for ``paths``: one, or several where they are too many for one."""
        if FILES not in self.run:
            return (self.run,)
        below = [path.removeprefix(self._folder) for path in paths]
        return tuple(self.run.replace(FILES, words) for words in _quoted(below))

    @property
    def _folder(self) -> str:
        return f"{self.cwd}/" if self.cwd else ""


class LinterCall(Struct, frozen=True):
    """One command line of a linter."""

    line: str
    cwd: str
    """The folder to run it in, relative to the top; empty for the top."""
    seconds: float
    """The timeout."""


class LinterRun(Struct, frozen=True):
    """Result of one command line."""

    output: bytes = b""
    """Its standard output."""
    code: int | None = None
    """Its exit code; None if it did not end in time."""
    root: str = ""
    """The absolute path of the copy that it ran in."""
    cwd: str = ""
    """The folder of it, relative to ``root``; empty for the top."""
    said: str = ""
    """The last line of its standard error."""
    problem: str = ""
    """Reason why it did not run; empty if it did."""


def _quoted(paths: Sequence[str]) -> Iterator[str]:
    import shlex  # off the path of a cached commit

    words: list[str] = []
    length = 0
    for path in paths:
        word = shlex.quote(f"./{path}" if path.startswith("-") else path)
        if words and length + len(word) >= _LONGEST:
            yield " ".join(words)
            words, length = [], 0
        words.append(word)
        length += len(word) + 1
    if words:
        yield " ".join(words)
