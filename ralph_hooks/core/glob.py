"""Path patterns as .gitignore users know them, without the import cost of a library (pathspec: 60 ms).

A pattern without a slash matches a name at any depth; one with a slash is anchored at the top. ``*`` and ``?`` stop at
a slash, ``**`` does not, ``[...]`` is a class. A pattern that names a folder matches everything below it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

_TOKEN = re.compile(r"\*\*/|/\*\*$|\*\*|\*|\?|\[!?\]?[^\]]*\]|.", re.DOTALL)
_SPECIAL = frozenset("*?[/")
_MEANINGS = {"**/": "(?:.*/)?", "/**": "/.*", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def _translate(token: str) -> str:
    if token in _MEANINGS:
        return _MEANINGS[token]
    if token.startswith("[") and token.endswith("]") and len(token) > 2:  # noqa: PLR2004 - brackets and one member
        inner = token[1:-1].replace("\\", r"\\").replace("[", r"\[")
        return f"(?!/)[{'^' + inner[1:] if inner.startswith('!') else inner}]"
    return re.escape(token)


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    anchored = "/" in pattern.rstrip("/")
    body = "".join(_translate(token) for token in _TOKEN.findall(pattern.strip("/")))
    return re.compile(f"{'' if anchored else '(?:.*/)?'}{body}(?:/.*)?", re.DOTALL)


def matches(path: str, pattern: str) -> bool:
    """True where ``pattern`` covers ``path`` (relative to the top of the repository, with forward slashes)."""
    name = pattern.rstrip("/")  # most patterns are a name or an ending, and an expression takes long to compile
    if _SPECIAL.isdisjoint(name):
        return name in path.split("/")
    if name[0] == "*" and _SPECIAL.isdisjoint(name[1:]):
        return any(part.endswith(name[1:]) for part in path.split("/"))
    return _compiled(pattern).fullmatch(path) is not None


def first_match(path: str, patterns: Iterable[str]) -> str | None:
    """The first of ``patterns`` that covers ``path``."""
    return next((pattern for pattern in patterns if matches(path, pattern)), None)
