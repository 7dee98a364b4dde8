"""Names for answers in the store: everything an answer depends on goes into its key."""

from __future__ import annotations

import hashlib

from ralph_hooks.core.change import Entry


def key(*parts: str) -> str:
    """A key from ``parts``, none of which can be mistaken for another."""
    material = "\0".join(parts).encode("utf-8", "surrogateescape")
    return hashlib.blake2b(material, digest_size=16).hexdigest()


def content_key(what: str, version: str, entry: Entry) -> str:
    """A key for an answer about one file of a change, by path and content."""
    return key(what, version, entry.path, entry.old_path, entry.old_oid or "", entry.new_oid or "")
