"""Answers in the store: everything an answer depends on goes into its key."""

from __future__ import annotations

import hashlib
from typing import TypeVar

import msgspec

from ralph_hooks.core.change import Entry
from ralph_hooks.core.codec import from_json

Kept = TypeVar("Kept")


def key(*parts: str) -> str:
    """A key from ``parts``, none of which can be mistaken for another."""
    material = "\0".join(parts).encode("utf-8", "surrogateescape")
    return hashlib.blake2b(material, digest_size=16).hexdigest()


def content_key(what: str, version: str, entry: Entry) -> str:
    """A key for an answer about one file of a change, by path and content."""
    return key(what, version, entry.path, entry.old_path, entry.old_oid or "", entry.new_oid or "")


def read_back(data: bytes | None, shape: type[Kept]) -> Kept | None:
    """What the store keeps; None where that is nothing, or was written by a release that has another shape for it.

    All releases share one store. What cannot be read is not known, and is asked again.
    """
    if data is None:
        return None
    try:
        return from_json(data, shape)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
