"""Which paths of a change have anything to judge, and why the others do not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from ralph_hooks.core.change import Content, Entry, Status
from ralph_hooks.core.exclude import RULES, marked_generated
from ralph_hooks.core.glob import first_match
from ralph_hooks.core.ports.change import Snapshot
from ralph_hooks.core.ports.store import Cache
from ralph_hooks.core.report import Cause, Unreviewed
from ralph_hooks.engine.cache_keys import content_key

MAX_BYTES = 1_000_000
"""A larger file is listed, not read: nobody wrote it by hand, and no model has room for it."""

_LFS = b"version https://git-lfs.github.com/spec/"
_NUL_REACH = 8000  # bytes that git itself looks at to tell binary from text
_VERSION = "1"
_GENERATED = "generated"
EMPTY = "empty"
"""The reason of a file without content: nothing is lost where nobody reads it."""


class Triage(Struct, frozen=True):
    """The paths of a change, sorted by what can be done with them."""

    review: tuple[Entry, ...]
    """Written by people: for every check and for the models."""
    scan: tuple[Entry, ...]
    """Left out of the review by a rule, but still text: the secret scan reads them."""
    unreviewed: tuple[Unreviewed, ...]


def triage(snapshot: Snapshot, exclude: Sequence[str], store: Cache) -> Triage:
    """Sort the entries of ``snapshot``: by mode and id first, then by path, then by content (kept by content id)."""
    unreviewed: list[Unreviewed] = []
    text: list[Entry] = []
    for entry in map(of_its_kind, snapshot.change.entries):
        reason = entry.unreadable()
        if reason:
            unreviewed.append(Unreviewed(entry.path, reason, Cause.CONTENT))
        else:
            text.append(entry)
    contents = _content_reasons(snapshot, text, store)
    replaced = [entry.alone() for entry in text if in_its_place(entry, contents[entry.path])]
    if replaced:
        contents = {**contents, **_content_reasons(snapshot, replaced, store)}
        text = list(({entry.path: entry for entry in text} | {entry.path: entry for entry in replaced}).values())
    review: list[Entry] = []
    scan: list[Entry] = []
    for entry in text:
        reason = contents[entry.path]
        if not is_text(reason):
            unreviewed.append(Unreviewed(entry.path, reason, Cause.CONTENT))
            continue
        excluded = _excluded(entry.path, exclude) or reason
        if excluded:
            unreviewed.append(Unreviewed(entry.path, excluded, Cause.EXCLUDED))
            scan.append(entry)
        else:
            review.append(entry)
    return Triage(tuple(review), tuple(scan), tuple(unreviewed))


def of_its_kind(entry: Entry) -> Entry:
    """``entry``, but by itself where a file is in the place of a link or a submodule, or the other way round."""
    return entry.alone() if entry.status is Status.TYPE_CHANGED else entry


def in_its_place(entry: Entry, reason: str) -> bool:
    """Whether there may be something to read all the same in what has this ``reason``, in the place of what has not."""
    return not is_text(reason) and entry.old_oid is not None and entry.new_oid is not None


def _excluded(path: str, exclude: Sequence[str]) -> str | None:
    pattern = first_match(path, exclude)
    if pattern is not None:
        return f"excluded by {pattern!r}"
    return next((reason for reason, patterns in RULES if first_match(path, patterns)), None)


def reason_key(entry: Entry) -> str:
    """Where the store keeps why the content of ``entry`` is not for review."""
    return content_key("triage", _VERSION, entry)


def is_text(reason: str) -> bool:
    """Whether what has this reason is text all the same: written by a tool, or nothing is the matter with it."""
    return reason in {"", _GENERATED}


def too_large(size: int) -> str:
    """The reason not to read ``size`` bytes."""
    return f"too large ({size / 1e6:,.1f} MB)"


def _content_reasons(snapshot: Snapshot, entries: Sequence[Entry], store: Cache) -> Mapping[str, str]:
    """Why the content of each path is not for review; empty where it is."""
    keys = {entry.path: reason_key(entry) for entry in entries}
    known = store.get(keys.values())
    reasons = {path: known[key].decode() for path, key in keys.items() if key in known}
    unknown = [entry for entry in entries if entry.path not in reasons]
    if unknown:
        sizes = snapshot.sizes(unknown)
        small = [entry for entry in unknown if sizes[entry.path] <= MAX_BYTES]
        contents = snapshot.contents(small)
        fresh = {
            entry.path: content_reason(contents[entry.path]) if entry.path in contents else too_large(sizes[entry.path])
            for entry in unknown
        }
        store.put({keys[path]: reason.encode() for path, reason in fresh.items()})
        reasons |= fresh
    return reasons


def content_reason(content: Content) -> str:
    """Why ``content`` is not for review; empty where it is."""
    sides = [side for side in (content.new, content.old) if side is not None]
    if any(side.startswith(_LFS) for side in sides):
        return "Git LFS pointer"
    if any(b"\0" in side[:_NUL_REACH] for side in sides):
        return "binary"
    if not any(sides):
        return EMPTY
    return _GENERATED if any(marked_generated(side) for side in sides[:1]) else ""
