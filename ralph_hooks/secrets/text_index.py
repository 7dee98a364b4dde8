"""A text as the searches want it: they are many, and each is cheap where there is little to look at."""

from __future__ import annotations

from msgspec import Struct

from ralph_hooks.core.lazy_pattern import lazy

_SHORTEST = 13  # characters: the least that any format of a key has
_LONG_WORD = 20  # characters: what nearly all have

SHOWN = (
    r"(?:[-+]?\d+ |\+|-(?=\w)|[ \t]*\| (?:[E>] {1,7})?|[E>] {1,7}| {2}code: "
    r"|TASK: [^\n]{0,300}?asks: |C\d+: [^\n`]{1,300}\(`)?"
)
"""For expressions: the prefix of a displayed line; `+12` in a change, `E` in a test's output."""


class TextIndex(Struct, frozen=True):
    """A text, and what can be known of it once for all searches. Made by `piece`."""

    text: str
    lower: str
    """In small letters, each where it is in ``text``."""
    words: str
    """The words between white space that are long enough to hold a key: a quarter of ordinary code."""
    long: str
    """The words that are long enough for nearly all formats."""
    path: str


def piece(text: str, path: str) -> TextIndex:
    """Return the index of ``text`` of the file ``path``."""
    lower = text.replace("\u0130", "I").lower()  # the one letter that becomes two
    words = [word for word in text.split() if len(word) >= _SHORTEST]
    return TextIndex(text, lower, " ".join(words), " ".join([word for word in words if len(word) >= _LONG_WORD]), path)


# Formats that detect-secrets recognises by a prefix; the second tuple case-insensitively.
_PREFIXES = (
    "A3T", "ABIA", "ACCA", "AKIA", "ASIA", "AKC", "eyJ", "sk-", "GOCSPX", "k_live_", "sq0csp-", "hvs.", "ya29.", "Q~",
    "AccountKey=", "_authToken",
)  # fmt: skip
_WORDS = ("xox", "slack", "softlayer", "cloudant")
_ARTIFACTORY = lazy(r"AP[\dA-F]")
_GITLAB = lazy(r"gl[a-z]{2,5}-")
_CLOUDANT = lazy(r"cl(?:ou)?[_-]?(?:api|key|pass|pw|token)")
_RUN = lazy(r"[A-Za-z0-9_+/-]{20,}")
_LONG = 32  # characters, where there is no digit


def may_hold_key(given: TextIndex) -> bool:
    """Return False if detect-secrets cannot find anything in ``given``, as in most code.

    What it knows has a prefix, or is long and mixes letters with digits or capitals with small letters. Several simple
    searches, because one expression for all of it takes eight times as long.
    """
    return (
        any(prefix in given.words for prefix in _PREFIXES)
        or any(word in given.lower for word in _WORDS)
        or _ARTIFACTORY.search(given.words) is not None
        or _GITLAB.search(given.words) is not None
        or _CLOUDANT.search(given.lower) is not None
        or any(map(_like_a_key, _RUN.findall(given.words)))
    )


def _like_a_key(run: str) -> bool:
    return any(map(str.isdigit, run)) or (len(run) >= _LONG and not run.islower() and not run.isupper())
