"""Brackets that do not balance, in languages whose grammar alone cannot be believed.

Macros, conditional compilation and dialects make a parser fail on sound files. Such a failure is certain only if the
brackets outside of comments and strings do not balance either, whichever branches of ``#if`` are compiled.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

_PAIRS = {")": "(", "]": "[", "}": "{"}
_TEXTS = {
    "C++": r'(?:u8|[uUL])?R"(?P<mark>[^\s()\\]{0,16})\(.*?\)(?P=mark)"|',
    "C#": r'\$*"""+.*?"""+|\$?@\$?"(?:""|[^"])*"|',
    "CSS": r"url\([^)\"']*\)|\\.|",
}
"""Texts that only one language has."""
_TOKENS = (
    r"/\*.*?\*/|//(?:\\\r?\n|[^\n])*"
    r"|(?P<directive>^[ \t]*\#(?:\\\r?\n|/\*.*?\*/|[^\n])*)"
    r"|\b\d(?:'?\w)*"  # 1'000'000
    r"|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'"
    r"|(?P<bracket>[()\[\]{}])|(?P<unknown>['\"]|/\*)"
)
_CSS = (
    r"/\*.*?\*/|\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|(?P<directive>(?!))"
    r"|(?P<bracket>[()\[\]{}])|(?P<unknown>['\"]|/\*)"
)
_DEAD = re.compile(r"\s*\#\s*if\s+0\b")
_CONDITION = re.compile(r"\s*\#\s*(if|ifdef|ifndef|elif|elifdef|elifndef|else|endif)\b\s*(.*)")

_Step = tuple[int, str]
"""A line and the bracket, or the directive, on it."""


@cache
def _pattern(language: str) -> re.Pattern[str]:
    return re.compile(_TEXTS.get(language, "") + (_CSS if language == "CSS" else _TOKENS), re.DOTALL | re.MULTILINE)


def unbalanced(language: str, data: bytes) -> tuple[int, str] | None:
    """Return the line of a bracket without a partner, and the problem; None if there is none, or it may be meant."""
    steps = list(_steps(language, data.decode(errors="replace")))
    if any(what == "unknown" for _, what in steps):
        return None
    found = [_alone(_compiled(steps, branches)) for branches in ("first", "last", "all")]
    return found[0] if all(found) else None


def _steps(language: str, text: str) -> Iterator[_Step]:
    line, end = 1, 0
    for token in _pattern(language).finditer(text):
        line += text.count("\n", end, token.start())
        end = token.start()
        if token.lastgroup in {"bracket", "directive"}:
            yield line, token[0]
        elif token.lastgroup == "unknown":
            yield line, "unknown"


def _compiled(steps: list[_Step], branches: str) -> Iterator[_Step]:
    """Yield the brackets that are compiled if of each ``#if`` the first, the last or all ``branches`` are.

    Without ``#else`` the last branch is the empty one.
    """
    chains = _chains(steps)
    taken: list[bool] = []
    for index, (line, what) in enumerate(steps):
        kind = _kind(what)
        if not kind:
            if all(taken):
                yield line, what
            continue
        if kind != "if" and taken:
            taken.pop()
        if kind != "endif":
            chain = chains.get(index, [index])
            chosen = {"first": index == chain[0], "last": index == chain[-1] and kind == "else", "all": True}
            taken.append(chosen[branches] and not _DEAD.match(what))


def _chains(steps: list[_Step]) -> dict[int, list[int]]:
    """Return for each directive of a conditional the places of its ``#if``, ``#elif`` and ``#else``."""
    opened: list[list[int]] = []
    chains: dict[int, list[int]] = {}
    for index, (_, what) in enumerate(steps):
        kind = _kind(what)
        if kind == "if":
            opened.append([index])
        elif kind in {"elif", "else"} and opened:
            opened[-1].append(index)
        elif kind == "endif" and opened:
            chain = opened.pop()
            chains |= dict.fromkeys(chain, chain)
    return chains


def _kind(what: str) -> str:
    """Return if, elif, else or endif; empty for a bracket and for any other directive."""
    found = _CONDITION.match(what)
    if found is None:
        return ""
    word = found[1]
    return "if" if word.startswith("if") else "elif" if word.startswith("elif") else word


def _alone(steps: Iterator[_Step]) -> tuple[int, str] | None:
    open_: list[_Step] = []
    for line, what in steps:
        if what not in _PAIRS:
            if len(what) == 1:
                open_.append((line, what))
        elif open_ and open_[-1][1] == _PAIRS[what]:
            open_.pop()
        else:
            told = f"`{what}` closes nothing" if not open_ else f"`{what}` closes a `{open_[-1][1]}`"
            return line, told
    return (open_[-1][0], f"`{open_[-1][1]}` is never closed") if open_ else None
