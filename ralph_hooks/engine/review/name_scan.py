"""The secret scan over the names of files, branches and tags and the targets of links. Git keeps and sends them too."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import msgspec

from ralph_hooks.core.change import SYMLINK_MODE, Content, Entry
from ralph_hooks.core.finding import Finding
from ralph_hooks.core.ports.change import Snapshot
from ralph_hooks.core.ports.checks import SecretCheck
from ralph_hooks.core.ports.store import Cache
from ralph_hooks.engine.cache_keys import key
from ralph_hooks.engine.review.review_input import SECRET
from ralph_hooks.engine.review.verdict import ReviewOutcome

Item = TypeVar("Item", bound=msgspec.Struct)
_MOST = 100_000  # bytes of a link's target: no system has paths as long
_FILE = "the name of a file"
_LINK = "the target of a symbolic link"
_RENAME = "give it another name and revoke the secret where it was issued"


def scan_names(check: SecretCheck, snapshot: Snapshot, cache: Cache) -> tuple[Finding, ...]:
    """Return findings in the names and links that ``snapshot`` brings in. Without any it is not scanned again."""
    entries = [entry for entry in snapshot.change.entries if _is_named_anew(entry) or _is_new_link(entry)]
    if not entries:
        return ()
    parts = (f"{entry.path} {entry.new_oid if _is_new_link(entry) else ''}" for entry in entries)
    name = key(f"names {check.name}", check.version, *parts)
    if name in cache.get([name]):
        return ()

    def read(links: Sequence[Entry]) -> Sequence[Content]:
        sizes = snapshot.sizes(links)
        small = [link for link in links if sizes[link.path] <= _MOST]
        return list(snapshot.contents(small).values())

    found = scan_entries(check, entries, read)
    if not found:
        cache.put({name: b""})
    return found


def _is_named_anew(entry: Entry) -> bool:
    return entry.new_oid is not None and (entry.old_oid is None or entry.path != entry.old_path)


def _is_new_link(entry: Entry) -> bool:
    return entry.new_mode == SYMLINK_MODE and entry.new_oid not in {None, entry.old_oid}


def scan_entries(
    check: SecretCheck, entries: Iterable[Entry], read: Callable[[Sequence[Entry]], Sequence[Content]], where: str = ""
) -> tuple[Finding, ...]:
    """As `scan_names`; ``read`` has the content of links, and ``where`` goes before the advice."""
    looked = tuple(entries)
    names = [entry.path for entry in looked if _is_named_anew(entry)]
    links = [entry for entry in looked if _is_new_link(entry)]
    targets = [os.fsdecode(content.new or b"") for content in read(links)] if links else []
    advice = f"{where}{_RENAME}"
    return (*check.named(_FILE, names, advice), *check.named(_LINK, targets, advice))


def without_secret_names(check: SecretCheck, outcome: ReviewOutcome) -> ReviewOutcome:
    """Return ``outcome`` with masked names where one of them is a secret: a report is shown and kept."""
    if not any(finding.category == SECRET for finding in outcome.findings):
        return outcome

    def masked(items: Sequence[Item]) -> tuple[Item, ...]:
        return tuple(msgspec.structs.replace(item, path=check.masked(getattr(item, "path", ""))) for item in items)

    return msgspec.structs.replace(
        outcome,
        findings=masked(outcome.findings),
        unreviewed=masked(outcome.unreviewed),
        checked=masked(outcome.checked),
        remarks=tuple(map(check.masked, outcome.remarks)),
    )
