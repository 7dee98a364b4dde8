"""The cost of a program, as counted by the system: CPU and memory of the process and of every child it waited for."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

_UNITS_PER_MEBIBYTE = 1024 * 1024 if sys.platform == "darwin" else 1024  # of ru_maxrss


class Spent(Struct, frozen=True):
    """One run of a program."""

    cpu: float
    """Seconds, user and system."""
    wall: float
    """Seconds."""
    peak: float
    """MiB of memory at most, in the largest of its processes."""
    code: int
    output: str
    """Both streams."""


def spend(args: Sequence[str | Path], *, cwd: Path, env: Mapping[str, str]) -> Spent:
    """Run ``args`` to the end."""
    started = time.monotonic()
    process = subprocess.Popen(
        args, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert process.stdout is not None
    with process.stdout as pipe:
        output = pipe.read().decode(errors="replace")
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Spent(
        cpu=used.ru_utime + used.ru_stime,
        wall=time.monotonic() - started,
        peak=used.ru_maxrss / _UNITS_PER_MEBIBYTE,
        code=process.returncode,
        output=output,
    )


def in_turn(ours: Callable[[], float], theirs: Callable[[], float], *, pairs: int) -> tuple[float, str]:
    """The median of ours / theirs over ``pairs`` of runs, A B A B, after one of each that does not count; and how."""
    ours(), theirs()
    times = [(ours(), theirs()) for _ in range(pairs)]
    a, b = (statistics.median(column) for column in zip(*times, strict=True))
    return statistics.median(a / b for a, b in times), f"{_duration(a)} / {_duration(b)}, median of {pairs} pairs"


def _duration(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.2f} s"
