"""Path patterns as .gitignore users know them, without the import cost of a library (pathspec: 60 ms).

A pattern without a slash matches a name at any depth; one with a slash is anchored at the top. ``*`` and ``?`` stop at
a slash, ``**`` does not, ``[...]`` is a class. A pattern that names a folder matches everything below it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

_TOKEN = re.compile(r"(?:^|(?<=/))\*\*/|/\*\*$|\*\*|\*|\?|\[!?\]?[^\]]*\]|.", re.DOTALL)
_SPECIAL = frozenset("*?[/")
_WIDE = {"**/": "(?:.*?/)??", "/**": "/.*", "**": ".*?"}  # wildcards that extend beyond a slash


def _translate(token: str) -> str:
    if token == "?":
        return "[^/]"
    if token.startswith("[") and token.endswith("]") and len(token) > 2:  # noqa: PLR2004 - brackets and one member
        inner = token[1:-1].replace("\\", r"\\").replace("[", r"\[")
        return f"(?!/)[{'^' + inner[1:] if inner.startswith('!') else inner}]"
    return re.escape(token)


@lru_cache(maxsize=1024)
def _test(pattern: str) -> Callable[[str, Sequence[str]], bool]:
    """Return a function that tests if a path is covered; it takes the path and its names.

    Most patterns are a name or an ending, and need no expression: compiling them would add 7 ms to a fully cached
    commit.
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
    """Return the expression for ``pattern``, in which each star is matched without backtracking.

    The part between two stars is matched at its first occurrence, which leaves the most to the second star. Without
    atomic groups (``(?>...)``) a regex engine would backtrack to later ones, which takes years for
    ``*a*a*a*a*a*a*a*a*b``.
    """
    tokens = _TOKEN.findall(pattern.strip("/"))
    if "/" not in pattern.rstrip("/"):
        tokens.insert(0, "**/")
    gaps = [position for position, token in enumerate(tokens) if token in _WIDE]
    begin, *ends = [*gaps, len(tokens)]
    body = _between(tokens[:begin])
    for gap, end in zip(gaps, ends, strict=True):
        part = _WIDE[tokens[gap]] + _between(tokens[gap + 1 : end])
        body += part if end == len(tokens) or tokens[end] == "/**" else f"(?>{part})"
    return re.compile(f"{body}(?:/.*)?", re.DOTALL)


def _between(tokens: Sequence[str]) -> str:
    """Return the expression for the part between two gaps that extend beyond a slash."""
    pieces = [""]
    stars: list[int] = []  # the pieces that begin with one
    for token in tokens:
        if token == "*":
            stars.append(len(pieces))
            pieces.append("")
        elif token == "/":
            pieces.append("/")
        else:
            pieces[-1] += _translate(token)
    return "".join(
        piece if number not in stars else f"(?>[^/]*?{piece})" if number + 1 in stars else f"[^/]*{piece}"
        for number, piece in enumerate(pieces)
    )


def matches(path: str, pattern: str) -> bool:
    """Return True if ``pattern`` covers ``path`` (relative to the top of the repository, with forward slashes)."""
    return _test(pattern)(path, path.split("/"))


def first_match(path: str, patterns: Iterable[str]) -> str | None:
    """Return the first of ``patterns`` that covers ``path``."""
    names = path.split("/")
    return next((pattern for pattern in patterns if _test(pattern)(path, names)), None)
