"""The secret scan of files that are too large to be reviewed: read in pieces, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import msgspec

from ralph_hooks.core.change import Entry
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.ports.checks import Check, CheckResult, SecretCheck
from ralph_hooks.core.ports.store import Cache
from ralph_hooks.engine.cache_keys import read_back
from ralph_hooks.engine.review.file_checks import placed, result_key
from ralph_hooks.engine.review.review_input import Checked, ReviewInput


class Streams(Protocol):
    """Reader of content that is too large to be held in memory."""

    def stream(self, oid: str) -> Iterator[bytes]:
        """Yield one side of an entry in pieces."""
        ...


def scan_large_files(checks: Sequence[Check], change: ReviewInput, store: Cache, deadline: Deadline) -> Checked:
    """Return the secret scan's findings in the large files of ``change``, cached ones included."""
    check = next((check for check in checks if isinstance(check, SecretCheck)), None)
    entries = [entry for entry in change.large if check and check.applies(entry)]
    if check is None or not entries:
        return Checked()
    total = Checked()
    for entry in entries:
        result = scan_large_file(check, entry, change.snapshot, store, deadline)
        if result is None:
            return total + Checked(unfinished=(check.name,))
        total += Checked(result.findings, looked={entry.path: (check.name,)} if result.looked else {})
    return total


def scan_large_file(
    check: SecretCheck, entry: Entry, streams: Streams, store: Cache, deadline: Deadline
) -> CheckResult | None:
    """Return the result for one file; None if ``deadline`` came first."""
    key = result_key(check.name, check.version, entry)
    known = read_back(store.get([key]).get(key), CheckResult)
    if known is not None:
        return placed(known, entry.path)
    old, new = entry.old_oid, entry.new_oid
    if new is None:
        return CheckResult(looked=False)
    result = check.scan_large(
        entry.path, streams.stream(new), lambda: streams.stream(old) if old else iter(()), deadline
    )
    if result is not None:
        store.put({key: msgspec.json.encode(placed(result, ""))})
    return result
