"""A finding: one thing that looks wrong in a change, with the place and the code it is about."""

from __future__ import annotations

import hashlib
from enum import StrEnum

from msgspec import Struct


class Severity(StrEnum):
    """How bad it is. ``error`` breaks something, ``warning`` probably will, ``note`` is advice."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"

    @property
    def rank(self) -> int:
        """0 for the worst, so that sorting puts what matters first."""
        return _RANKS[self]

    def at_least(self, other: Severity) -> bool:
        """True where this is as bad as ``other`` or worse."""
        return self.rank <= other.rank


_RANKS = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.NOTE: 2}


class Finding(Struct, frozen=True, kw_only=True):
    """One thing that looks wrong. ``line`` and ``end_line`` are 1-based lines of the changed file.

    For removed code the lines are those of the base and ``removed`` is true.
    """

    path: str
    line: int
    end_line: int
    category: str
    """A short kebab-case word: ``bug``, ``security``, ``secret``, ``syntax``, or a linter's code such as ``F821``."""
    severity: Severity
    confidence: float
    """From 0 to 1; a deterministic check is always 1."""
    message: str
    quote: str
    """The code it is about, copied from the change; masked where it holds a secret."""
    context: str = ""
    """The whole first line that the quote is in, so that a report can mark the quote within it; empty if unknown."""
    source: str
    """The model (``provider/model``) or the check (``ruff``, ``syntax``, ``secrets``) that says so."""
    confirmed: bool | None = None
    """What the verify phase said: None where it was not asked or could not answer."""
    blocking: bool = False
    removed: bool = False
    """True where the quoted code is gone: the line numbers are then those of the base."""
    ref: str = ""
    """Of a push of several refs, those it is about; the message says so too."""

    @property
    def fingerprint(self) -> str:
        """Stays the same when the finding moves to another line, so that it can be recognised in a later run."""
        return fingerprint(self.path, self.category, self.quote)


def fingerprint(path: str, category: str, quote: str) -> str:
    """16 hexadecimal digits from the path, the category and the quote without its white space."""
    material = "\0".join((path, category, "".join(quote.split())))
    return hashlib.sha256(material.encode("utf-8", "surrogateescape")).hexdigest()[:16]
