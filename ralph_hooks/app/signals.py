"""External reasons to stop a run: Ctrl-C, SIGTERM, a closed terminal, and the end of the git process it serves."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import MutableMapping
from types import FrameType

GIT = "RALPH_HOOKS_GIT"
"""The variable in which a native hook passes the id of the git process that waits for it."""

_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
_CLEARING = 2.0  # seconds to stop test processes and remove folders
_POLL = 0.25  # seconds


def catch() -> None:
    """Raise KeyboardInterrupt on these signals, except on one that the parent process ignores (nohup)."""
    interrupt = _Interrupt()
    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, interrupt)


class _Interrupt:
    """A handler that raises at most once in a while, so that a repeated signal does not abort the cleanup."""

    def __init__(self) -> None:
        self._last = -_CLEARING

    def __call__(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - signal's signature
        now = time.monotonic()
        if now - self._last >= _CLEARING:
            self._last = now
            raise KeyboardInterrupt


def follow_git(environ: MutableMapping[str, str]) -> None:
    """Interrupt this process once the git in ``environ`` is gone: an editor that cancels a push ends git, not hooks.

    The variable is removed, because background processes outlive git.
    """
    git = environ.pop(GIT, "")
    if os.name == "posix" and git.isdecimal() and _runs(int(git)):  # otherwise its id differs in our namespace
        threading.Thread(target=_follow, args=(int(git),), daemon=True).start()


def _follow(git: int) -> None:
    while _runs(git):
        time.sleep(_POLL)
    os.kill(os.getpid(), signal.SIGTERM)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's process, so it exists
        return True
    return True
