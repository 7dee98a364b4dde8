"""The content of a configuration file, which in a repository that was cloned may be anything but a file."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from ralph_hooks.errors import ConfigError

_MOST = 16_000_000  # bytes
_AS_IT_IS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)  # nor waiting for a pipe's writer


def read(path: Path, *, own: bool = False) -> bytes | None:
    """What ``path`` holds; None where there is nothing.

    Raises ConfigError for what cannot be read or has no end: a symbolic link may lead to a device or a pipe. The user's
    ``own`` file says where keys are sent, without being asked for consent: one that everybody can write is refused, and
    so is another user's.
    """
    try:
        with os.fdopen(os.open(path, _AS_IT_IS), "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise ConfigError(f"{path}: cannot be read: it is no regular file", "make it a file that you may read")
            if own and os.name == "posix":
                _check_owner(path, found)
            content = file.read(_MOST + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}", "make it a file that you may read") from error
    if len(content) > _MOST:
        raise ConfigError(f"{path}: is larger than {_MOST // 1_000_000} MB", "no configuration needs as much")
    return content


def _check_owner(path: Path, found: os.stat_result) -> None:
    if found.st_mode & stat.S_IWOTH:
        raise ConfigError(f"{path}: everybody can write it, and it says where keys go", f"chmod go-w {path}")
    if found.st_uid not in {os.geteuid(), 0}:
        raise ConfigError(f"{path}: another user owns it, and it says where keys go", "make a file of your own there")
