"""A change under review: its content, the parts that may be read and sent, and the results of its checks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

import msgspec
from msgspec import Struct

from ralph_hooks.config import Dismissing, Settings
from ralph_hooks.core.change import Change, Content, Entry, Hunk, Status
from ralph_hooks.core.dismissal import DismissalKind, Dismissed
from ralph_hooks.core.finding import Finding
from ralph_hooks.core.ports.change import Snapshot, Source, Unchanged
from ralph_hooks.core.ports.checks import Hint
from ralph_hooks.core.ports.store import Cache
from ralph_hooks.core.report import Cause, Unreviewed
from ralph_hooks.core.review_rules import (
    MAX_BYTES,
    NEW_TEXT,
    content_reason,
    is_large,
    is_reason,
    is_text,
    path_reason,
    same_checks,
    too_large,
)
from ralph_hooks.engine.cache_keys import content_key, text_of
from ralph_hooks.engine.review.dismissals import DismissalFilter

Item = TypeVar("Item")
SECRET = "secret"
"""The category of a finding that keeps its file from being sent."""
WITHHELD = "not sent: it contains a secret"
REFUSED = "not reviewed yet: fix the check failure first"
"""Reason why no model reviews a file that a check rejects."""
_VERSION = "3"
_AT_ONCE = 1_000  # files: their lines take about ten times their size in memory, so a push of thousands comes in parts


class Checked(Struct, frozen=True):
    """Findings and hints of the deterministic checks."""

    findings: tuple[Finding, ...] = ()
    hints: Mapping[str, tuple[Hint, ...]] = {}
    """By path."""
    unfinished: tuple[str, ...] = ()
    """Names of checks that did not end before the deadline."""
    looked: Mapping[str, tuple[str, ...]] = {}
    """Names of the checks that ran on a path."""
    dismissed: tuple[Dismissed, ...] = ()
    """Findings that the project has dismissed."""
    problems: tuple[str, ...] = ()
    """Reasons why linters of the project could not check the change."""
    remarks: tuple[str, ...] = ()
    """Remarks for the user about how linters were run."""

    def __add__(self, other: Checked) -> Checked:
        return Checked(
            self.findings + other.findings,
            _merged(self.hints, other.hints),
            tuple(dict.fromkeys(self.unfinished + other.unfinished)),
            _merged(self.looked, other.looked),
            self.dismissed + other.dismissed,
            self.problems + other.problems,
            self.remarks + other.remarks,
        )

    @property
    def withheld(self) -> frozenset[str]:
        """Paths that hold a secret, one that the project lives with too."""
        accepted = (item.finding for item in self.dismissed if item.kind is DismissalKind.ACCEPTED)
        return frozenset(finding.path for finding in (*self.findings, *accepted) if finding.category == SECRET)

    @property
    def refused(self) -> frozenset[str]:
        """Paths with a blocking finding: secrets, and code that will change before it can pass."""
        return self.withheld | {finding.path for finding in self.findings if finding.blocking}


def _merged(
    left: Mapping[str, tuple[Item, ...]], right: Mapping[str, tuple[Item, ...]]
) -> Mapping[str, tuple[Item, ...]]:
    return {path: left.get(path, ()) + right.get(path, ()) for path in (*left, *right)}


class ReviewInput(Struct, frozen=True, kw_only=True):
    """Input shared by checks, reviewer and invariants. Content is read from git once, when first needed."""

    snapshot: Snapshot
    review: tuple[Entry, ...]
    """Written by people: for every check and for the models."""
    scan: tuple[Entry, ...] = ()
    """Left out of the review by a rule, but still text: the secret scan reads them."""
    large: tuple[Entry, ...] = ()
    """Too large to be reviewed, and maybe text: the secret scan reads them in pieces."""
    unreviewed: tuple[Unreviewed, ...] = ()
    checked: Checked = Checked()
    dismissals: DismissalFilter = DismissalFilter(None, None, Dismissing.ANY)
    loaded: dict[str, Source] = msgspec.field(default_factory=dict)
    """Sources by path, filled by `sources`."""

    @property
    def is_whole(self) -> bool:
        """True unless this is a part of a change that is too large to be held in memory."""
        return not isinstance(self.snapshot, _Part)

    @property
    def refused(self) -> tuple[Unreviewed, ...]:
        """Entries under review that may not be sent, each with the reason."""
        withheld, refused = self.checked.withheld, self.checked.refused
        return tuple(
            Unreviewed(entry.path, WITHHELD, Cause.SECRET)
            if entry.path in withheld
            else Unreviewed(entry.path, REFUSED, Cause.REFUSED)
            for entry in self.review
            if entry.path in refused
        )

    @property
    def open_to_models(self) -> tuple[Entry, ...]:
        """Entries that may be sent: no check rejects them."""
        refused = self.checked.refused
        return tuple(entry for entry in self.review if entry.path not in refused)

    def sources(self, entries: Sequence[Entry]) -> list[Source]:
        """Return content and changed lines of ``entries``, in their order."""
        missing = [entry for entry in entries if entry.path not in self.loaded]
        if missing:
            contents = self.snapshot.contents(missing)
            hunks = self.snapshot.hunks(missing)
            for entry in missing:
                self.loaded[entry.path] = Source(entry, contents[entry.path], hunks.get(entry.path, ()))
        return [self.loaded[entry.path] for entry in entries]


def prepare(snapshot: Snapshot, settings: Settings, exclude: Sequence[str], cache: Cache) -> ReviewInput:
    """Sort the entries of ``snapshot``: by mode and id first, then by path, then by content (cached by content id)."""
    unreviewed: list[Unreviewed] = []
    text: list[Entry] = []
    for entry in (_comparable(entry, settings, exclude) for entry in snapshot.change.entries):
        reason = entry.unreadable()
        if reason:
            unreviewed.append(Unreviewed(entry.path, reason, Cause.CONTENT))
        else:
            text.append(entry)
    given = {entry.path: entry for entry in text}
    contents = _content_reasons(snapshot, text, cache)
    replaced = [entry.alone() for entry in text if is_replaced(entry, contents[entry.path])]
    if replaced:
        contents = {**contents, **_content_reasons(snapshot, replaced, cache)}
        text = list(({entry.path: entry for entry in text} | {entry.path: entry for entry in replaced}).values())
    review: list[Entry] = []
    scan: list[Entry] = []
    large: list[Entry] = []
    for entry in text:
        reason = contents[entry.path]
        if not is_text(reason):
            unreviewed.append(Unreviewed(entry.path, reason, Cause.CONTENT))
            if is_large(reason):
                large.append(given[entry.path])  # with its base, to detect new content
            continue
        excluded = path_reason(entry.path, exclude) or reason
        if excluded:
            unreviewed.append(Unreviewed(entry.path, excluded, Cause.EXCLUDED))
            scan.append(entry)
        else:
            review.append(entry)
    return ReviewInput(
        snapshot=snapshot,
        review=tuple(review),
        scan=tuple(scan),
        large=tuple(large),
        unreviewed=tuple(unreviewed),
    )


def parts(snapshot: Snapshot) -> Iterator[Snapshot]:
    """Yield ``snapshot`` in parts of as many files as are held in memory at once; most changes are one part."""
    entries = snapshot.change.entries
    if len(entries) <= _AT_ONCE:
        yield snapshot
        return
    for start in range(0, len(entries), _AT_ONCE):
        yield _Part(snapshot, entries[start : start + _AT_ONCE])


class _Part:
    """Some files of a change, as a snapshot of their own."""

    def __init__(self, whole: Snapshot, entries: tuple[Entry, ...]) -> None:
        self.change = msgspec.structs.replace(whole.change, entries=entries)
        self._whole = whole

    def sizes(self, entries: Sequence[Entry]) -> Mapping[str, int]:
        return self._whole.sizes(entries)

    def contents(self, entries: Sequence[Entry]) -> Mapping[str, Content]:
        return self._whole.contents(entries)

    def hunks(self, entries: Sequence[Entry]) -> Mapping[str, tuple[Hunk, ...]]:
        return self._whole.hunks(entries)

    def stream(self, oid: str) -> Iterator[bytes]:
        return self._whole.stream(oid)

    def unchanged(self) -> Unchanged | None:
        return self._whole.unchanged_by(self.change)

    def unchanged_by(self, part: Change) -> Unchanged | None:
        return self._whole.unchanged_by(part)


def of_its_kind(entry: Entry) -> Entry:
    """Return ``entry``, but as a new file where it takes the place of a link or a submodule, or the other way round."""
    return entry.alone() if entry.status is Status.TYPE_CHANGED else entry


def is_replaced(entry: Entry, reason: str) -> bool:
    """Return True if one side alone may be text: then it is reviewed as a new or a deleted file."""
    return (reason == NEW_TEXT or not is_text(reason)) and entry.old_oid is not None and entry.new_oid is not None


def _comparable(entry: Entry, settings: Settings, exclude: Sequence[str]) -> Entry:
    """Return ``entry``, as a new file if its old path was never reviewed: a rename must not let code in."""
    if entry.old_path != entry.path and entry.new_oid is not None:
        left_out = path_reason(entry.old_path, exclude) or settings.route(entry.old_path).skip
        if left_out or not same_checks(entry.old_path, entry.path):
            return entry.alone()
    return of_its_kind(entry)


def reason_key(entry: Entry) -> str:
    """Return the cache key of the reason why the content of ``entry`` is not reviewed."""
    return content_key("triage", _VERSION, entry)


def _content_reasons(snapshot: Snapshot, entries: Sequence[Entry], cache: Cache) -> Mapping[str, str]:
    """Return why the content of each path is not reviewed; empty if it is."""
    keys = {entry.path: reason_key(entry) for entry in entries}
    known = cache.get(keys.values())
    read = ((path, text_of(known.get(key))) for path, key in keys.items())
    reasons = {path: reason for path, reason in read if reason is not None and is_reason(reason)}
    unknown = [entry for entry in entries if entry.path not in reasons]
    if unknown:
        sizes = snapshot.sizes(unknown)
        small = [entry for entry in unknown if sizes[entry.path] <= MAX_BYTES]
        contents = snapshot.contents(small)
        fresh = {
            entry.path: content_reason(contents[entry.path]) if entry.path in contents else too_large(sizes[entry.path])
            for entry in unknown
        }
        cache.put({keys[path]: reason.encode() for path, reason in fresh.items()})
        reasons |= fresh
    return reasons
