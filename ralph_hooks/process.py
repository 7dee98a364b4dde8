"""The only place that starts other programs."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct


class Finished(Struct, frozen=True):
    """A program that ran to its end."""

    args: tuple[str | bytes, ...]
    returncode: int
    stdout: bytes
    stderr: bytes


def run(
    args: Sequence[str | bytes],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    timeout: float | None = None,
) -> Finished:
    """Run ``args`` without a shell and return what it printed.

    ``timeout`` is in seconds. Raises FileNotFoundError, PermissionError and subprocess.TimeoutExpired as the standard
    library does: the caller knows what the program was for and says so.
    """
    done = subprocess.run(args, cwd=cwd, env=env, input=stdin, capture_output=True, timeout=timeout, check=False)
    return Finished(tuple(args), done.returncode, done.stdout, done.stderr)
