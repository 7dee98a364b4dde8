"""Redaction of credentials in commands' output before it is stored, shown or sent."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ralph_hooks import secrets
from ralph_hooks.core.change import Entry, decode
from ralph_hooks.secrets.known import KnownSecrets

_MAX_BYTES = 1 << 20  # of one file


class OutputMask:
    """A redactor that also masks values found in the changed files: output names no variable."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = entries
        self._known = KnownSecrets()
        self._read: set[Path] = set()

    def mask(self, output: str, copy: Path) -> str:
        """Return the redacted ``output`` of a command that ran in ``copy``."""
        self._learn(copy)
        return self._known.mask(secrets.mask(output))

    def mask_names(self, tests: Sequence[str], copy: Path) -> tuple[str, ...]:
        """Return the redacted names of ``tests``, whose parameters may be credentials."""
        together = "\n".join(tests)
        if self.mask(together, copy) == together:
            return tuple(tests)
        return tuple(self.mask(name, copy) for name in tests)

    def _learn(self, copy: Path) -> None:
        if copy in self._read:
            return
        self._read.add(copy)
        for entry in self._entries:
            path = copy / entry.path
            try:
                if path.is_symlink() or not path.is_file() or path.stat().st_size > _MAX_BYTES:
                    continue
                text = decode(path.read_bytes())
            except (OSError, ValueError):
                continue
            self._known.learn_from(text, entry.path, secrets.MASK)
