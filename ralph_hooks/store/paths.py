"""The paths of the user's state and configuration, which only the user can access."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from ralph_hooks.errors import RalphError

VARIABLE = "RALPH_HOOKS_HOME"
_NAME = "ralph-hooks"
_MOVE = f"set {VARIABLE} to a folder of your own"


class Home(Struct, frozen=True):
    """The two places that belong to the user, whatever the repository."""

    state: Path
    """A folder; it may not exist yet (see `prepare`)."""
    config: Path
    """The user's configuration file; it need not exist."""


def locate(environ: Mapping[str, str], platform: str = sys.platform) -> Home:
    """Return the user's folders: both below `RALPH_HOOKS_HOME` if set, else in the system's default places.

    Raises RalphError if there is no home folder or the variable is not an absolute path.
    """
    own = environ.get(VARIABLE, "")
    if own:
        home = Path(os.path.expanduser(own))  # noqa: PTH111 - Path.expanduser() raises where there is no home
        if not home.is_absolute():
            # A hook runs at the top of whatever repository it is in: a relative folder would be another one each time.
            raise RalphError(f"{VARIABLE} is '{own}', which is not an absolute path", "set it to an absolute path")
        return Home(home / "state", home / "config.toml")
    if platform in {"darwin", "win32"}:
        # Imported here alone: it costs every commit 16 ms, and on Linux the answer is two variables.
        import platformdirs

        config = environ.get("XDG_CONFIG_HOME") or platformdirs.user_config_dir(appauthor=False)
        return Home(
            Path(platformdirs.user_state_dir(_NAME, appauthor=False)),
            Path(config) / _NAME / "config.toml",
        )
    return Home(
        _xdg(environ, "XDG_STATE_HOME", ".local/state") / _NAME,
        _xdg(environ, "XDG_CONFIG_HOME", ".config") / _NAME / "config.toml",
    )


def _xdg(environ: Mapping[str, str], variable: str, default: str) -> Path:
    """Return a base folder of https://specifications.freedesktop.org/basedir-spec, which ignores relative paths."""
    folder = environ.get(variable, "")
    if folder.startswith("/"):
        return Path(folder)
    home = environ.get("HOME") or os.path.expanduser("~")  # noqa: PTH111 - as above
    if not home.startswith("/"):
        raise RalphError("there is no home folder for the state: HOME is not set", _MOVE)
    return Path(home) / default


def prepare(folder: Path) -> None:
    """Make sure that ``folder`` exists and is the user's alone.

    Raises RalphError if it is a symbolic link, a file or another user's, or holds what is: that decides which
    verdicts are believed and what has been spent. Raises OSError if it cannot be made.
    """
    try:
        found = os.lstat(folder)
    except FileNotFoundError:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=stat.S_IRWXU, exist_ok=True)  # two processes may be at it
        found = os.lstat(folder)
    if stat.S_ISLNK(found.st_mode):
        raise RalphError(f"the state folder {folder} is a symbolic link", f"remove the link, or {_MOVE}")
    if not stat.S_ISDIR(found.st_mode):
        raise RalphError(f"the state folder {folder} is not a folder", f"move that file away, or {_MOVE}")
    user = getattr(os, "geteuid", None)  # Windows has none: profiles are closed to others there
    if user is None:
        return
    if found.st_uid != user():
        raise RalphError(f"the state folder {folder} belongs to another user", f"correct its owner, or {_MOVE}")
    if stat.S_IMODE(found.st_mode) & (stat.S_IRWXG | stat.S_IRWXO):
        folder.chmod(stat.S_IRWXU)
    with os.scandir(folder) as entries:
        for entry in entries:  # others may have put something there while the folder was open to them
            if _foreign(entry, user()):
                raise RalphError(f"{entry.name} in the state folder {folder} is not yours", f"remove it, or {_MOVE}")


def _foreign(entry: os.DirEntry[str], user: int) -> bool:
    try:
        return entry.is_symlink() or entry.stat(follow_symlinks=False).st_uid != user
    except FileNotFoundError:  # SQLite in another process has just taken its log away
        return False
