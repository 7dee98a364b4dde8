"""Replacing a file of the user's as a whole."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from ralph_hooks.errors import RalphError


def replace_file(path: Path, before: str | None, after: str) -> None:
    """Make ``path`` hold ``after``, all at once and with the mode that it had; a symbolic link stays one.

    Raises RalphError where it no longer holds ``before`` (None: is not there), or cannot be written.
    """
    real = path.resolve()
    temporary = real.with_name(f".{real.name}.{os.getpid()}.ralph-tmp")
    try:
        if _read(real) != before:
            raise RalphError(f"{path} was changed meanwhile, and is left as it is", "run the command again")
        try:
            with temporary.open("xb") as file:
                file.write(after.encode("utf-8"))
                file.flush()
                os.fsync(file.fileno())
            if before is not None:
                shutil.copymode(real, temporary)
            temporary.replace(real)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise RalphError(f"{path} cannot be written: {error.strerror}", "mend its owner or its permissions") from error


def _read(path: Path) -> str | None:
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return None
