"""What ends a run from outside: Ctrl-C, SIGTERM, a terminal that is closed, and the end of the git that it is for."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import MutableMapping
from types import FrameType

GIT = "RALPH_HOOKS_GIT"
"""The variable in which a native hook names the process of git that waits for it."""

_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
_CLEARING = 2.0  # seconds in which test processes are ended and folders removed
_POLL = 0.25  # seconds


def catch() -> None:
    """Raise KeyboardInterrupt at these signals, except at one that whoever started us has turned off (nohup)."""
    interrupt = _Interrupt()
    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, interrupt)


class _Interrupt:
    """Raises once in a while: a second Ctrl-C at once, or the hangup that comes twice, must not end the clearing up."""

    def __init__(self) -> None:
        self._last = -_CLEARING

    def __call__(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - signal's signature
        now = time.monotonic()
        if now - self._last >= _CLEARING:
            self._last = now
            raise KeyboardInterrupt


def follow_git(environ: MutableMapping[str, str]) -> None:
    """Be interrupted once the git in ``environ`` is gone: an editor that cancels a push ends git and not its hooks.

    The variable is taken out: what we start in the background outlives git.
    """
    git = environ.pop(GIT, "")
    if os.name == "posix" and git.isdecimal() and _runs(int(git)):  # else it has a number of its own where we are
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
    except PermissionError:  # somebody else's, and so it is there
        return True
    return True
