"""A finding: one thing that looks wrong in a change, with the place and the code it is about."""

from __future__ import annotations

import hashlib
from enum import StrEnum

from msgspec import Struct

from ralph_hooks.core.lazy_pattern import lazy
from ralph_hooks.core.proof import Evidence, Proof


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
        """Return True if this is as bad as ``other`` or worse."""
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
    """Kebab-case category: ``bug``, ``security``, ``secret``, ``syntax``, or a linter's code such as ``F821``."""
    severity: Severity
    confidence: float
    """From 0 to 1; a deterministic check is always 1."""
    message: str
    quote: str
    """The code it is about, copied from the change; masked if it holds a secret."""
    context: str = ""
    """The whole first line that the quote is in, so that a report can mark the quote within it; empty if unknown."""
    source: str
    """The model (``provider/model``) or the check (``ruff``, ``syntax``, ``secrets``) that says so."""
    confirmed: bool | None = None
    """Verdict of the verify phase; None if it was not run or could not answer."""
    evidence: Evidence = Evidence.CHECK
    """Strength of the evidence; a model's own finding starts as ``unproved``."""
    proof: Proof | None = None
    """The reproducer and its runs, if one was run."""
    note: str = ""
    """Reason why the evidence is no stronger, if no proof says so."""
    blocking: bool = False
    removed: bool = False
    """True if the quoted code is gone: the line numbers are then those of the base."""
    ref: str = ""
    """Of a push of several refs, those it is about; the message says so too."""

    anchor: str = ""
    """Identifier of the code it is about: see `core.fingerprint`. Empty if there is no file, as in a commit message."""
    value: str = ""
    """Of a secret, a slow hash of its lines, which distinguishes it from another one with the same masked form."""
    version: str = ""
    """Version of the prompt that a model answered; empty for a check."""
    rule: str = ""
    """Which rule of the project is broken, for a finding that is about one; empty otherwise."""

    @property
    def fingerprint(self) -> str:
        """Identifier of the finding across runs, independent of its line number, its path and the model's wording."""
        return digest(self.kind, self.anchor) if self.anchor else digest(self.kind, self.path, squeezed(self.quote))

    @property
    def id(self) -> str:
        """The short form of the fingerprint, which reports print and commands take."""
        return self.fingerprint[:SHORT]

    @property
    def place(self) -> str:
        """Identifier of the finding within one run: two files may hold the same code."""
        return digest(self.path, self.category, squeezed(self.quote))

    @property
    def by_model(self) -> bool:
        """True if a model says so: its id always has a slash, and no check's name has one."""
        return "/" in self.source

    @property
    def kind(self) -> str:
        """The check and its rule. Models name the same defect in many ways, so their findings have only three kinds."""
        if self.rule:
            return f"rule {self.rule}"
        if not self.by_model:
            return f"{self.source} {self.category}"
        return "security" if SECURITY.search(self.category) else "defect"


SHORT = 8
"""Hexadecimal digits of a fingerprint that people see."""
SECURITY = lazy(
    r"secur|vuln|inject|xss|csrf|ssrf|auth|crypt|secret|credential|leak|travers|deseriali|sandbox|privilege"
)
"""Categories of a model that are about security; all others are defects."""


def squeezed(text: str) -> str:
    """Return ``text`` without its white space."""
    return "".join(text.split())


def digest(*parts: str) -> str:
    """Return 16 hexadecimal digits that identify ``parts``."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]
