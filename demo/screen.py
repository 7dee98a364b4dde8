"""The output of the demo, and the programs that it runs."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from shlex import quote

from msgspec import Struct

_STYLES = {"title": "1;36", "command": "1", "good": "32", "faint": "2"}
_MAX_WIDTH = 110
_INDENT = "  "


class Shown(Struct, frozen=True):
    """A program that ran before the reader's eyes."""

    returncode: int
    text: str
    """Its output, both streams."""
    seconds: float


class Screen:
    """A terminal or a file: the same text, colour only for a terminal that supports it."""

    def __init__(self) -> None:
        self.color = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        self.width = min(shutil.get_terminal_size((_MAX_WIDTH, 24)).columns, _MAX_WIDTH)

    def say(self, text: str = "", style: str = "") -> None:
        """One line; ``style`` is one of ``title``, ``command``, ``good``, ``faint`` or nothing."""
        print(f"\x1b[{_STYLES[style]}m{text}\x1b[m" if style and self.color else text, flush=True)

    def title(self, text: str) -> None:
        """The start of a section."""
        self.say()
        self.say(text, "title")

    def prose(self, text: str) -> None:
        """A paragraph, wrapped."""
        for line in textwrap.wrap(" ".join(text.split()), self.width - len(_INDENT)):
            self.say(f"{_INDENT}{line}", "faint")

    def run(self, args: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> Shown:
        """Run a program as if it were typed here, and show what it prints while it prints it."""
        self.say(f"$ {' '.join(quote(arg) for arg in args)}", "command")
        started = time.monotonic()
        lines: list[str] = []
        with subprocess.Popen(
            args,
            cwd=cwd,
            env={**env, "COLUMNS": str(self.width - len(_INDENT))},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            process_group=0,  # git, pre-commit and the hook end together where the demo is interrupted
        ) as process:
            assert process.stdout is not None
            try:
                for line in process.stdout:
                    lines.append(line)
                    self.say(f"{_INDENT}{line.rstrip()}".rstrip())
            except BaseException:
                os.killpg(process.pid, signal.SIGTERM)
                raise
        return Shown(process.returncode, "".join(lines), time.monotonic() - started)
