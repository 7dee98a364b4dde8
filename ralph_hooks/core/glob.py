"""Path patterns as .gitignore users know them, without the import cost of a library (pathspec: 60 ms).

A pattern without a slash matches a name at any depth; one with a slash is anchored at the top. ``*`` and ``?`` stop at
a slash, ``**`` does not, ``[...]`` is a class. A pattern that names a folder matches everything below it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
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
def _test(pattern: str) -> Callable[[str, Sequence[str]], bool]:
    """Tells whether a path is covered; the path comes with its names.

    Most patterns are a name or an ending, and need no expression: to compile those would take a known commit 7 ms.
    """
    name = pattern.rstrip("/")
    if _SPECIAL.isdisjoint(name):
        return lambda _, names: name in names
    if name[0] == "*" and _SPECIAL.isdisjoint(name[1:]):
        ending = name[1:]
        return lambda _, names: any(each.endswith(ending) for each in names)
    expression = _compiled(pattern)
    return lambda path, _: expression.fullmatch(path) is not None


def _compiled(pattern: str) -> re.Pattern[str]:
    anchored = "/" in pattern.rstrip("/")
    body = "".join(_translate(token) for token in _TOKEN.findall(pattern.strip("/")))
    return re.compile(f"{'' if anchored else '(?:.*/)?'}{body}(?:/.*)?", re.DOTALL)


def matches(path: str, pattern: str) -> bool:
    """True where ``pattern`` covers ``path`` (relative to the top of the repository, with forward slashes)."""
    return _test(pattern)(path, path.split("/"))


def first_match(path: str, patterns: Iterable[str]) -> str | None:
    """The first of ``patterns`` that covers ``path``."""
    names = path.split("/")
    return next((pattern for pattern in patterns if _test(pattern)(path, names)), None)
