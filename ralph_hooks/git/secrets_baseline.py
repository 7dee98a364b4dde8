"""The `.secrets.baseline` of a change and of its base, read from git."""

from __future__ import annotations

from functools import lru_cache

from ralph_hooks.core.change import REGULAR_MODES, Change, decode
from ralph_hooks.core.dismissal import SECRETS_BASELINE
from ralph_hooks.core.finding import Finding
from ralph_hooks.git.base_files import read_files
from ralph_hooks.git.objects import read_blobs
from ralph_hooks.git.snapshot import Repository
from ralph_hooks.secrets.baseline import Baseline, read_baseline


class GitBaseline:
    """The baselines of a repository's trees, read lazily."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._base_of = lru_cache(maxsize=8)(self._read_base)
        self._new_of = lru_cache(maxsize=8)(self._read_new)
        self._lines_of = lru_cache(maxsize=8)(self._read_lines)

    def lists(self, change: Change, finding: Finding) -> bool | None:
        """Return None for a secret in no baseline, and True if only the change's own one lists it."""
        base, new = self.both(change)
        if not new.hashes and not base.hashes:
            return None
        if finding.removed or not (lines := self._lines(change, finding)):
            return None
        if base.lists(finding.path, lines):
            return False
        return True if new.lists(finding.path, lines) else None

    def both(self, change: Change) -> tuple[Baseline, Baseline]:
        """Return the baselines of the base and of the change. An unreadable one counts as empty."""
        entry = next((entry for entry in change.entries if entry.path == SECRETS_BASELINE), None)
        base = self._base_of(change.base)
        if entry is None:
            return base, base
        return base, self._new_of(entry.new_oid if entry.new_mode in REGULAR_MODES else None)

    def _lines(self, change: Change, finding: Finding) -> list[str]:
        entry = next((entry for entry in change.entries if entry.path == finding.path), None)
        if entry is None or entry.new_oid is None or entry.new_mode not in REGULAR_MODES:
            return []
        return self._lines_of(entry.new_oid)[finding.line - 1 : max(finding.line, finding.end_line)]

    def _read_base(self, tree: str) -> Baseline:
        return _parsed(read_files(self._repository, tree, [SECRETS_BASELINE]).get(SECRETS_BASELINE))

    def _read_new(self, oid: str | None) -> Baseline:
        return _parsed(self._blob(oid) if oid else None)

    def _read_lines(self, oid: str) -> list[str]:
        return decode(self._blob(oid)).split("\n")

    def _blob(self, oid: str) -> bytes:
        return read_blobs([oid], cwd=self._repository.top, env=self._repository.environment)[oid]


def _parsed(data: bytes | None) -> Baseline:
    try:
        return read_baseline(data) if data else Baseline()
    except ValueError:
        return Baseline()
