"""``python -m demo``, from the top of the checkout. ``KEEP=1`` keeps the folder it worked in."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from demo.sample import CHECKOUT
from demo.screen import Screen
from demo.story import Demo, UnexpectedError
from ralph_hooks.errors import ExitCode

_LEAKS = ("GIT_", "RALPH_HOOKS_", "PRE_COMMIT", "PYTHONPATH", "PYTHONHOME", "SKIP")


def environment(screen: Screen) -> dict[str, str]:
    """Return the caller's environment without keys and without anything that would change what git and the hooks do."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(_LEAKS) and not k.endswith(("_API_KEY", "_TOKEN"))}
    return {
        **kept,
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), kept.get("PATH", os.defpath))),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "Demo",
        "GIT_AUTHOR_EMAIL": "demo@localhost",
        "GIT_COMMITTER_NAME": "Demo",
        "GIT_COMMITTER_EMAIL": "demo@localhost",
        "PRE_COMMIT_HOME": str(CHECKOUT / ".cache" / "pre-commit"),
        "PRE_COMMIT_COLOR": "always" if screen.color else "never",
    }


@contextmanager
def workspace(screen: Screen) -> Iterator[Path]:
    """A temporary folder, gone afterwards unless ``KEEP`` is set."""
    if not os.environ.get("KEEP"):
        with tempfile.TemporaryDirectory(prefix="ralph-hooks-demo-", ignore_cleanup_errors=True) as folder:
            yield Path(folder).resolve()
        return
    folder = tempfile.mkdtemp(prefix="ralph-hooks-demo-")
    try:
        yield Path(folder).resolve()
    finally:
        screen.say(f"kept: {folder}")


def main() -> int:
    """Run the demo and return its exit code: 1 if a step had an unexpected outcome."""
    screen = Screen()
    try:
        with workspace(screen) as work:
            demo = Demo(work, environment(screen), screen)
            started = time.monotonic()
            demo.install()
            installed = time.monotonic()
            demo.act_one()
            demo.act_two()
            screen.title("Done")
            judged = time.monotonic() - installed
            screen.say(f"installation {installed - started:.0f} s, everything after it {judged:.0f} s")
    except (UnexpectedError, OSError) as error:
        screen.say()
        print(f"demo: FAILED: {error}", "  -> KEEP=1 make demo keeps the folder to look at", sep="\n", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ndemo: interrupted, cleaned up", file=sys.stderr)
        return ExitCode.INTERRUPTED
    return 0


def _interrupt(signum: int, frame: object) -> NoReturn:  # noqa: ARG001 - signal's signature
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _interrupt)
    sys.exit(main())
