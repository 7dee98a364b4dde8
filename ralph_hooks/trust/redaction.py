"""Credentials taken out of everything that is sent."""

from __future__ import annotations

import threading

from ralph_hooks import secrets
from ralph_hooks.core.text import placeholder
from ralph_hooks.secrets.known import KnownSecrets


class Redaction:
    """Puts a placeholder in the place of each credential, the same one for the same value, so that a model can reason.

    What the secret scan is too uncertain of to hold a change back is masked as well, and so is what the author has
    allowlisted: that comment says the line may be committed, not that it may be sent. A password that a name has told
    once is known from then on: in a test's output nothing says what it is.
    """

    def __init__(self) -> None:
        self._placeholders: dict[str, str] = {}
        self._known = KnownSecrets()
        self._lock = threading.Lock()

    def mask(self, text: str) -> str:
        """``text`` with each credential replaced by ``<secret-1>`` and so on, also where nothing tells it as one."""
        return self._known.mask(secrets.mask(text, placeholder=self._placeholder))

    def _placeholder(self, value: str) -> str:
        with self._lock:
            shown = self._placeholders.setdefault(value, placeholder(len(self._placeholders) + 1))
        self._known.learn(value, shown)
        return shown
