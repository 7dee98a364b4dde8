"""A push as git reports it: the refs that move, with their old and new objects."""

from __future__ import annotations

from msgspec import Struct

_KINDS = (("refs/heads/", ""), ("refs/tags/", "tag "))


class Update(Struct, frozen=True):
    """One ref that a push moves. An oid is None on the side where the ref does not exist."""

    local_ref: str
    """Pushed ref, as the user named it; ``(delete)`` if the remote ref is deleted."""
    local_oid: str | None
    remote_ref: str
    """In full: ``refs/heads/main``."""
    remote_oid: str | None
    """Object id of the ref on the remote when git read it: this clone may not have that object."""


class Commit(Struct, frozen=True):
    """A commit with the two trees that its hook compared, so that a verdict on them is found again."""

    oid: str
    tree: str
    base: str
    """The tree of its first parent; the empty tree if it has none."""


class Message(Struct, frozen=True):
    """Message of a commit or of an annotated tag."""

    oid: str
    size: int
    """Bytes of the whole object."""
    text: bytes | None
    """Without the object's own fields; None if it is too large to be read."""
    header: bytes = b""
    """Its own fields except object ids and signatures: author, committer and any others."""


def short(ref: str) -> str:
    """Return a ref for people: ``main``, ``tag v1.0``."""
    return next((kind + ref.removeprefix(prefix) for prefix, kind in _KINDS if ref.startswith(prefix)), ref)
