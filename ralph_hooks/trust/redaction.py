"""Credentials taken out of everything that is sent."""

from __future__ import annotations

import threading

from ralph_hooks import secrets
from ralph_hooks.core.text import placeholder


class Redaction:
    """Puts a placeholder in the place of each credential, the same one for the same value, so that a model can reason.

    What the secret scan is too uncertain of to hold a change back is masked as well, and so is what the author has
    allowlisted: that comment says the line may be committed, not that it may be sent. A password that a name has told
    once is known from then on: in a test's output nothing says what it is.
    """

    def __init__(self) -> None:
        self._placeholders: dict[str, str] = {}
        self._unmistakable: dict[str, str] = {}
        self._lock = threading.Lock()

    def mask(self, text: str) -> str:
        """``text`` with each credential replaced by ``<secret-1>`` and so on, also where nothing tells it as one."""
        masked = secrets.mask(text, placeholder=self._placeholder)
        with self._lock:
            known = sorted(self._unmistakable.items(), key=lambda item: -len(item[0]))
        for value, shown in known:
            masked = masked.replace(value, shown)
        return masked

    def _placeholder(self, value: str) -> str:
        with self._lock:
            shown = self._placeholders.setdefault(value, placeholder(len(self._placeholders) + 1))
            if secrets.unmistakable(value):
                self._unmistakable[value] = shown
            return shown
