"""Progress at a terminal while models or tests run; silent without a terminal."""

from __future__ import annotations

import os
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

_PATIENCE = 0.4  # seconds; shorter work needs no progress and no import of rich


class Silent:
    """Progress that shows nothing."""

    def begin(self, what: str, total: int) -> None:
        """Do nothing."""

    def advance(self) -> None:
        """Do nothing."""

    def end(self) -> None:
        """Do nothing."""


class OnTerminal:
    """A progress bar on standard error that disappears when the work is done."""

    def __init__(self) -> None:
        self._timer: threading.Timer | None = None
        self._bar: RichProgress | None = None
        self._done = 0
        self._lock = threading.Lock()

    def begin(self, what: str, total: int) -> None:
        """Show ``what`` if the work takes longer than a moment."""
        self._done = 0
        self._timer = threading.Timer(_PATIENCE, self._show, (what, total))
        self._timer.daemon = True
        self._timer.start()

    def advance(self) -> None:
        """Advance by one step."""
        with self._lock:
            self._done += 1
            if self._bar is not None:
                self._bar.update(self._bar.task_ids[0], completed=self._done)

    def end(self) -> None:
        """Remove the bar."""
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
    """Return a bar if standard error is the user's own terminal; under pre-commit it would end up in the report."""
    looked_at = sys.stderr is not None and sys.stderr.isatty()  # None if it was closed
    return OnTerminal() if looked_at and "PRE_COMMIT" not in os.environ else Silent()
