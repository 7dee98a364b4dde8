"""A verify command as the configuration has it, and the paths that it is about."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from msgspec import Struct

from ralph_hooks.core.change import Entry
from ralph_hooks.core.glob import first_match

REPORT = "{junit}"
"""Placeholder in a command for the file to which it may write a JUnit report."""
_NEXT = re.compile(r"&&|;|\n")  # what comes behind it is not run once something before it has failed


class Command(Struct, frozen=True):
    """A program with its arguments (a tuple), or a shell command line (a string)."""

    run: str | tuple[str, ...]
    cwd: str = ""
    """The folder it runs in, relative to the top; empty for the top."""
    paths: tuple[str, ...] = ()
    """Patterns: it runs if a change touches one of them. Without any, it runs always, or for files in ``cwd``."""
    junit: tuple[str, ...] = ()
    """Patterns, relative to ``cwd``, of the JUnit reports that the command writes by itself."""

    @property
    def line(self) -> str:
        """The command as it would be typed."""
        if isinstance(self.run, str):
            return self.run
        import shlex

        return shlex.join(self.run)

    @property
    def name(self) -> str:
        """Name of the command in reports, which keeps its outcomes apart from those of other commands."""
        return f"{self.cwd}: {self.line}" if self.cwd else self.line

    @property
    def words(self) -> list[str]:
        """Arguments of the command, to recognise programs and options; never used to run it."""
        if not isinstance(self.run, str):
            return list(self.run)
        import shlex

        try:
            return shlex.split(self.run, comments=True)
        except ValueError:
            return self.run.split()

    @property
    def reports(self) -> bool:
        """True if it is meant to write a JUnit report."""
        return bool(self.junit) or REPORT in self.line

    @property
    def goes_on(self) -> bool:
        """True if the shell runs something after the part that writes the report, once that part has succeeded."""
        if not isinstance(self.run, str) or REPORT not in self.run:
            return False
        return _NEXT.search(self.run.rpartition(REPORT)[2].strip()) is not None

    def concerns(self, entries: Iterable[Entry]) -> bool:
        """Return whether a change of ``entries`` is one that the command is about."""
        patterns = self.paths or ((f"/{self.cwd}/**",) if self.cwd else ())
        touched = {path for entry in entries for path in (entry.path, entry.old_path)} if patterns else ()
        return not patterns or any(first_match(path, patterns) for path in touched)


def concerned(commands: Sequence[Command], entries: Sequence[Entry]) -> tuple[Command, ...]:
    """Return those of ``commands`` that are about a change of ``entries``; of two with one name the first."""
    wanted: dict[str, Command] = {}
    for command in commands:
        if command.concerns(entries):
            wanted.setdefault(command.name, command)
    return tuple(wanted.values())
