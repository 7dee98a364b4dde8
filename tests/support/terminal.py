"""Programs that believe a person sits before them: a pseudo-terminal with somebody who reads and types."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support.patience import PATIENCE

CTRL_C = b"\x03"
_AGAIN = 2.0  # seconds after which a person presses Ctrl-C again: Python may miss one just before it begins to read
_OWN_TERMINAL = "import os, sys; os.login_tty(0); os.execvp(sys.argv[1], sys.argv[1:])"


def at_terminal(
    args: Sequence[str], *, cwd: Path, env: Mapping[str, str], question: str = "", answer: bytes = b""
) -> tuple[int, str]:
    """The exit code of ``args`` and all it printed to its terminal, where ``answer`` is typed after ``question``."""
    ours, theirs = pty.openpty()
    shown = again = b""
    try:
        command = [sys.executable, "-S", "-c", _OWN_TERMINAL, *args]
        with subprocess.Popen(command, cwd=cwd, env=env, stdin=theirs, stdout=theirs, stderr=theirs) as process:
            os.close(theirs)
            while chunk := _read(ours, process, again):
                shown += chunk
                if answer and question.encode() in shown:
                    os.write(ours, answer)
                    again, answer = answer if answer == CTRL_C else b"", b""
    finally:
        os.close(ours)
    return process.returncode, shown.decode("utf-8", "replace").replace("\r\n", "\n")


def _read(terminal: int, process: subprocess.Popen[bytes], again: bytes) -> bytes:
    """Return the next output; nothing where the program has ended. A program that is silent for long is ended."""
    if again and not select.select([terminal], [], [], _AGAIN)[0]:
        os.write(terminal, again)
    if not select.select([terminal], [], [], PATIENCE)[0]:
        process.kill()
        return b""
    try:
        return os.read(terminal, 65_536)
    except OSError:  # Linux says EIO where the last writer has gone, macOS reads nothing
        return b""
