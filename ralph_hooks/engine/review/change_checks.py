"""Run the checks that review a change as a whole, once for the same change."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ralph_hooks.core.change import Entry
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.finding import Finding
from ralph_hooks.core.ports.change import Unchanged
from ralph_hooks.core.ports.checks import ChangeCheck
from ralph_hooks.core.ports.store import Cache
from ralph_hooks.engine.cache_keys import content_key, key, read_back
from ralph_hooks.engine.review import anchors
from ralph_hooks.engine.review.review_input import Checked, ReviewInput

_ALONE = "it cannot read the rest of the project here (a change of this size can be checked once it is committed)"


def run_change_checks(checks: Sequence[ChangeCheck], change: ReviewInput, cache: Cache, deadline: Deadline) -> Checked:
    """Return the findings of ``checks``, which review ``change`` as a whole."""
    unchanged = change.snapshot.unchanged()
    plans = [(check, entries) for check in checks if (entries := _entries(check, change, unchanged))]
    checked = Checked()
    if unchanged is None:
        skipped = [check.name for check, _ in plans if check.takes_parts]
        plans = [(check, entries) for check, entries in plans if not check.takes_parts]
        checked += Checked(remarks=tuple(f"the {name} check did not run: {_ALONE}" for name in skipped))
    keys = [_key(check, entries, change) for check, entries in plans]
    known = cache.get(keys)
    fresh: dict[str, bytes] = {}
    for (check, entries), name in zip(plans, keys, strict=True):
        found = read_back(known.get(name), tuple[Finding, ...])
        if found is None:
            if deadline.passed:
                checked += Checked(unfinished=(check.name,))
                continue
            sources = change.sources(entries)
            answer = check.run(sources, unchanged, deadline)
            if answer is None:
                checked += Checked(unfinished=(check.name,))
                continue
            found = anchors.anchored_all(answer, sources)
            fresh[name] = msgspec.json.encode(_numbered(found, entries))
        else:
            found = _named(found, entries)
        checked += Checked(tuple(found), looked={entry.path: (check.name,) for entry in entries})
    if fresh:
        cache.put(fresh)
    return checked


def _entries(check: ChangeCheck, change: ReviewInput, unchanged: Unchanged | None) -> list[Entry]:
    """Return the files that matter to ``check``: those under review, and renamed ones without changes."""
    reviewed = {entry.path for entry in change.review}
    entries = change.review + tuple(
        entry
        for entry in change.snapshot.change.entries
        if unchanged is not None and entry.path not in reviewed and entry.is_renamed_as_it_was
    )
    return [entry for entry in entries if check.applies(entry)]


def _key(check: ChangeCheck, entries: Sequence[Entry], change: ReviewInput) -> str:
    contents = sorted(content_key("", "", entry) for entry in entries)
    whole = change.snapshot.change
    tree = whole.tree if check.takes_parts else ""  # of a part of the change, other parts count too
    return key(f"change-check/{check.name}", check.version, whole.base, tree, *contents)


def _numbered(found: Sequence[Finding], entries: Sequence[Entry]) -> list[Finding]:
    """Return findings as they are stored, a number for each path: one may hold bytes that JSON cannot."""
    numbers = {entry.path: str(number) for number, entry in enumerate(_sorted(entries))}
    return [msgspec.structs.replace(finding, path=numbers[finding.path]) for finding in found]


def _named(found: Sequence[Finding], entries: Sequence[Entry]) -> tuple[Finding, ...]:
    ordered = _sorted(entries)
    return tuple(msgspec.structs.replace(finding, path=ordered[int(finding.path)].path) for finding in found)


def _sorted(entries: Sequence[Entry]) -> list[Entry]:
    return sorted(entries, key=lambda entry: entry.path)
