"""Run every deterministic check on a change: by file, on the change as a whole, the project's linters, names."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from msgspec import Struct

from ralph_hooks.config import Settings
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.own_settings import Places, holding, settings_changed
from ralph_hooks.core.ports.checks import ChangeCheck, Check, Linters, SecretCheck
from ralph_hooks.core.ports.store import Cache
from ralph_hooks.core.skips import Skips
from ralph_hooks.core.text import one_line
from ralph_hooks.engine.review.change_checks import run_change_checks
from ralph_hooks.engine.review.file_checks import run_file_checks
from ralph_hooks.engine.review.large_files import scan_large_files
from ralph_hooks.engine.review.name_scan import scan_names
from ralph_hooks.engine.review.review_input import Checked, ReviewInput


class CheckSuite(Struct, frozen=True, kw_only=True):
    """The deterministic checks of a project, which cost nothing."""

    files: tuple[Check, ...]
    """Each reviews one file at a time."""
    changes: tuple[ChangeCheck, ...]
    """Each reviews a change as a whole."""
    secrets: SecretCheck
    """For names, which belong to no file."""
    linters: Linters | None = None
    """The project's own; None if it has none, and where nothing of the project may run."""
    skips: Skips = Skips()
    """Parts of the review that the user skips for this run."""

    @property
    def names(self) -> list[str]:
        """The names of all checks and linters."""
        linters = self.linters.linters if self.linters else ()
        return [check.name for checks in (self.files, self.changes, linters) for check in checks]

    @property
    def versions(self) -> list[str]:
        """Everything that the results depend on, except the change."""
        linters = [self.linters.settings(linter) for linter in self.linters.linters] if self.linters else []
        checks: list[Check | ChangeCheck] = [*self.files, *self.changes]
        return [*(f"{check.name} {check.version}" for check in checks), *linters]

    def run(
        self,
        change: ReviewInput,
        cache: Cache,
        deadline: Deadline,
        settings: Settings,
        *,
        reviewed: bool,
        begin: Callable[[], None],
    ) -> Checked:
        """Return the result of all checks. ``begin`` is called before the first one runs, unless all are cached.

        If no model reviews the change afterwards (not ``reviewed``), only the secret scan is of use.
        """
        files = [
            check for check in self.files if (reviewed or not check.source_only) and not self.skips.check(check.name)
        ]
        checked = run_file_checks(files, change, cache, deadline, begin)
        half = deadline.part(deadline.remaining() / 2)  # a large file must not keep the others from being reviewed
        checked += scan_large_files(files, change, cache, half)
        if reviewed:
            changes = [each for each in self.changes if change.is_whole or each.takes_parts]
            wanted = [check for check in changes if not self.skips.check(check.name)]
            checked += run_change_checks(wanted, change, cache, deadline)
            if self.linters is not None and change.is_whole:
                from ralph_hooks.engine.review.linters import run_linters  # most projects have none

                checked += run_linters(self.linters, change, cache, deadline, settings, self.skips)
        if not self.skips.check(self.secrets.name):
            checked += Checked(scan_names(self.secrets, change.snapshot, cache))
        return checked + Checked(remarks=tuple(self._remarks(change, settings.own_files, reviewed=reviewed)))

    def _remarks(self, change: ReviewInput, places: Places, *, reviewed: bool) -> Iterator[str]:
        own = change.sources(holding(change.snapshot.change.entries, places))
        changed = [name for source in own for name in settings_changed(source.entry, source.content, places)]
        if changed:  # it could approve itself
            yield f"this change edits ralph-hooks' own settings: {one_line(', '.join(dict.fromkeys(changed)))}"
        if reviewed and not change.is_whole:
            left_out = [check.name for check in self.changes if not check.takes_parts]
            left_out += [linter.name for linter in self.linters.linters] if self.linters else []
            names = ", ".join(left_out)
            yield f"this change has too many files to be held in memory, so these checks did not run: {names}"
