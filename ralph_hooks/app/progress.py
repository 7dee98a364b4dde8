"""What a person at a terminal sees while models or tests run; nothing where nobody looks."""

from __future__ import annotations

import os
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

_PATIENCE = 0.4  # seconds; what is done sooner needs no progress, and no import of rich


class Silent:
    """Progress without anybody to see it."""

    def begin(self, what: str, total: int) -> None:
        """Nothing."""

    def advance(self) -> None:
        """Nothing."""

    def end(self) -> None:
        """Nothing."""


class OnTerminal:
    """A bar on standard error, which vanishes when the work is done."""

    def __init__(self) -> None:
        self._timer: threading.Timer | None = None
        self._bar: RichProgress | None = None
        self._done = 0
        self._lock = threading.Lock()

    def begin(self, what: str, total: int) -> None:
        """Show ``what`` if it takes longer than a moment."""
        self._done = 0
        self._timer = threading.Timer(_PATIENCE, self._show, (what, total))
        self._timer.daemon = True
        self._timer.start()

    def advance(self) -> None:
        """One step further."""
        with self._lock:
            self._done += 1
            if self._bar is not None:
                self._bar.update(self._bar.task_ids[0], completed=self._done)

    def end(self) -> None:
        """Take the bar away."""
        if self._timer is not None:
            self._timer.cancel()
        with self._lock:
            if self._bar is not None:
                self._bar.stop()
                self._bar = None

    def _show(self, what: str, total: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with self._lock:
            timer = self._timer
            if timer is None or (timer.finished.is_set() and self._done >= total):
                return
            self._bar = Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True), transient=True)
            self._bar.add_task(f"ralph-hooks {what}", total=total, completed=self._done)
            self._bar.start()


def progress() -> Silent | OnTerminal:
    """A bar where standard error is a terminal of the user's own; under pre-commit it would end up in the report."""
    looked_at = sys.stderr is not None and sys.stderr.isatty()  # there is none where it was closed
    return OnTerminal() if looked_at and "PRE_COMMIT" not in os.environ else Silent()
