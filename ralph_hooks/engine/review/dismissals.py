"""Leaves dismissed findings out of a review: the one filter between what is found and what is reported."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from ralph_hooks.config import Dismissing
from ralph_hooks.core.change import Change
from ralph_hooks.core.dismissal import DISMISSED, Dismissals, Dismissed
from ralph_hooks.core.finding import SHORT, Finding
from ralph_hooks.core.ports.dismissals import DismissalReader
from ralph_hooks.core.text import one_line, plural

_SHOWN = 10


class DismissalFilter:
    """Splits the findings of one change. The entries are read with the first finding: most changes have none."""

    def __init__(self, reader: DismissalReader | None, change: Change | None, policy: Dismissing) -> None:
        self._reader = reader
        self._change = change
        self._policy = policy

    @cached_property
    def _entries(self) -> Dismissals:
        return self._reader.read(self._change) if self._reader and self._change else Dismissals()

    @cached_property
    def _counting(self) -> Dismissals:
        if self._policy is Dismissing.BASE:
            return Dismissals(base=self._entries.base)
        return self._entries

    def split(self, findings: Sequence[Finding]) -> tuple[tuple[Finding, ...], tuple[Dismissed, ...]]:
        """Return the findings that stand, and those that are dismissed."""
        reader, change = self._reader, self._change
        if not findings or reader is None or change is None:
            return tuple(findings), ()
        return self._counting.split(findings, lambda path: reader.holds(change, path))

    def remarks(self) -> tuple[str, ...]:
        """Return what a report has to say besides its counts: above all what the change dismisses itself."""
        brought = self._change is not None and any(entry.path == DISMISSED for entry in self._change.entries)
        if not brought and "_entries" not in self.__dict__:  # nothing was found, so nothing was read
            return ()
        told = list(self._entries.unreadable)
        if added := self._entries.change:
            named = [
                f"{entry.id[:SHORT]} in {one_line(entry.path)} ({entry.kind}: {one_line(entry.reason)})"
                for entry in added[:_SHOWN]
            ]
            more = [f"and {len(added) - _SHOWN:,} more"] if len(added) > _SHOWN else []
            base = ", which count once the base has them" if self._policy is Dismissing.BASE else ""
            told.append(
                f"this change dismisses {plural(len(added), 'finding')} itself{base}: {'; '.join([*named, *more])}"
            )
        return tuple(told)
