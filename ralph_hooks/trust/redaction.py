"""Credentials taken out of everything that is sent."""

from __future__ import annotations

import threading

from ralph_hooks import secrets
from ralph_hooks.core.text import placeholder
from ralph_hooks.secrets.known import KnownSecrets


class Redaction:
    """Replacement of each credential by a placeholder, the same one for the same value, so that a model can reason.

    Masking is stricter than blocking: values too doubtful to block are masked as well, and so are values that the
    author has allowlisted: such a comment permits committing the line, not sending it. A password that was once
    recognised by a name is masked from then on: in a test's output nothing else identifies it.
    """

    def __init__(self) -> None:
        self._placeholders: dict[str, str] = {}
        self._known = KnownSecrets()
        self._lock = threading.Lock()

    def mask(self, text: str) -> str:
        """Return ``text`` with each credential replaced by ``<secret-1>`` and so on, also where its context is gone."""
        return self._known.mask(secrets.mask(text, placeholder=self._placeholder))

    def _placeholder(self, value: str) -> str:
        with self._lock:
            shown = self._placeholders.setdefault(value, placeholder(len(self._placeholders) + 1))
        self._known.learn(value, shown)
        return shown
