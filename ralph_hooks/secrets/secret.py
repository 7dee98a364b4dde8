"""A credential found in a text."""

from __future__ import annotations

from msgspec import Struct


class Secret(Struct, frozen=True):
    """One credential in a text, from offset ``start`` up to ``end``."""

    kind: str
    """For people: ``AWS Access Key``."""
    start: int
    end: int
    certain: bool
    """True if it is certain enough to block. Others are still masked in everything that is sent."""
