"""Filter dismissed findings out of a review: the only filter between findings and reports."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from ralph_hooks.config import Dismissing
from ralph_hooks.core.change import Change
from ralph_hooks.core.dismissal import DISMISSED, SECRETS_BASELINE, DismissalKind, Dismissals, Dismissed
from ralph_hooks.core.finding import SHORT, Finding
from ralph_hooks.core.ports.dismissals import DismissalReader
from ralph_hooks.core.text import one_line, path_line, plural

_SHOWN = 10
_SECRET = "secret"


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
        """Return the findings that remain, and those that are dismissed."""
        reader, change = self._reader, self._change
        if not findings or reader is None or change is None:
            return tuple(findings), ()
        standing, dismissed = self._counting.split(findings, lambda path: reader.holds(change, path))
        listed = [(finding, self._in_baseline(reader, change, finding)) for finding in standing]
        return (
            tuple(finding for finding, entry in listed if entry is None),
            dismissed + tuple(entry for _, entry in listed if entry is not None),
        )

    def _in_baseline(self, reader: DismissalReader, change: Change, finding: Finding) -> Dismissed | None:
        """Return the dismissal of a secret that the project's `.secrets.baseline` lists."""
        added = reader.in_baseline(change, finding) if finding.category == _SECRET else None
        if added is None or (added and self._policy is Dismissing.BASE):
            return None
        return Dismissed(
            finding=finding,
            kind=DismissalKind.FALSE_ALARM,
            reason=f"listed in {SECRETS_BASELINE}",
            by="",
            in_change=added,
        )

    def _baseline_remarks(self) -> list[str]:
        change, reader = self._change, self._reader
        if change is None or reader is None or all(entry.path != SECRETS_BASELINE for entry in change.entries):
            return []
        added = reader.added_to_baseline(change)
        base = ", which take effect once they are on the base" if self._policy is Dismissing.BASE else ""
        entries = "entry" if added == 1 else "entries"
        return [f"this change adds {added:,} {entries} to {SECRETS_BASELINE} itself{base}"] if added else []

    def remarks(self) -> tuple[str, ...]:
        """Return the remarks of a report besides its counts: above all, dismissals that the change itself adds."""
        told = self._baseline_remarks()
        brought = self._change is not None and any(entry.path == DISMISSED for entry in self._change.entries)
        if not brought and "_entries" not in self.__dict__:  # nothing was found, so nothing was read
            return tuple(told)
        told += self._entries.unreadable
        if added := self._entries.change:
            named = [
                f"{entry.id[:SHORT]} in {path_line(entry.path)} ({entry.kind}: {one_line(entry.reason)})"
                for entry in added[:_SHOWN]
            ]
            more = [f"and {len(added) - _SHOWN:,} more"] if len(added) > _SHOWN else []
            base = ", which take effect once they are on the base" if self._policy is Dismissing.BASE else ""
            told.append(
                f"this change dismisses {plural(len(added), 'finding')} itself{base}: {'; '.join([*named, *more])}"
            )
        return tuple(told)
