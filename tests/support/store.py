"""Helpers for tests of the store: a fixed clock, and Python processes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

TOP = Path(__file__).parents[2]


class Clock:
    """Seconds since 1970 that pass only when a test says so."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Processes:
    """Starts Python with scripts, and ends what still runs."""

    def __init__(self) -> None:
        self._running: list[subprocess.Popen[str]] = []

    def __call__(self, script: str, *arguments: object) -> subprocess.Popen[str]:
        """``arguments`` become the script's sys.argv."""
        process = subprocess.Popen(
            [sys.executable, "-c", script, *map(str, arguments)],
            env=os.environ | {"PYTHONPATH": str(TOP)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._running.append(process)
        return process

    def end(self) -> None:
        for process in self._running:
            with process:
                process.kill()


def let_go_together(processes: Sequence[subprocess.Popen[str]]) -> None:
    """Wait until each process has said that it is ready, then send all of them a line."""
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
