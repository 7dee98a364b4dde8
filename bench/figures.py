"""The results of a benchmark: figures, each with its maximum."""

from __future__ import annotations

from msgspec import Struct


class Figure(Struct, frozen=True, kw_only=True):
    """One thing that was measured."""

    what: str
    value: float
    unit: str = "x"
    """``x`` for a ratio, else what is counted."""
    at_most: float | None = None
    """The target; None if the figure is for comparison only."""
    how: str = ""
    """The source of the figure."""

    @property
    def missed(self) -> bool:
        """True if there is a target and this is beyond it."""
        return self.at_most is not None and self.value > self.at_most


class UnexpectedError(Exception):
    """The product did not do what is being measured. ``str()`` is what it did."""


class NotMeasured(Exception):
    """Something the benchmark needs is not there. ``str()`` says what."""
