"""Puts everything that finds credentials together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from ralph_hooks.core.lazy_pattern import lazy
from ralph_hooks.secrets.by_format import KeyFormat, formats, library, made_up, private_keys
from ralph_hooks.secrets.by_heading import inserted, nested
from ralph_hooks.secrets.by_name import assigned
from ralph_hooks.secrets.escapes import unescaped
from ralph_hooks.secrets.in_urls import in_addresses
from ralph_hooks.secrets.names import Name, is_test_data, named
from ralph_hooks.secrets.secret import Secret
from ralph_hooks.secrets.text_index import SHOWN, TextIndex, may_hold_key, piece

_WINDOW, _OVERLAP = 4_000, 1_000  # characters
_BLOCK = 500  # characters at least
_LONG_LINE = lazy(rf"(?m)^[^\n]{{{_WINDOW + 1},}}")


def scan(text: str, path: str, *, doubtful: bool = True) -> tuple[Secret, ...]:
    """Find credentials: see `ralph_hooks.secrets.find`."""
    found = list(private_keys(text))
    for start, part in _pieces(text):
        for secret in _in_piece(piece(part, path), doubtful=doubtful):
            end = _whole(text, start + secret.end)
            found.append(Secret(secret.kind, start + secret.start, end, secret.certain))
    return tuple(secret for secret in _merged(found) if doubtful or secret.certain)


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """Yield ``text`` in pieces without very long lines: some patterns take time quadratic in the line."""
    position = 0
    for line in _LONG_LINE.finditer(text):
        yield position, text[position : line.start()]
        for start in range(line.start(), line.end(), _WINDOW - _OVERLAP):
            yield start, text[start : min(start + _WINDOW, line.end())]
        position = line.end()
    yield position, text[position:]


def _in_piece(whole: TextIndex, *, doubtful: bool) -> Iterator[Secret]:
    yield from _of(formats(whole, doubtful=doubtful), whole)
    if may_hold_key(whole):
        for start, text in _blocks(whole.text):
            block = piece(text, whole.path)
            if may_hold_key(block):
                for secret in (*_of(library(block), block), *(_random(text) if doubtful else ())):
                    yield Secret(secret.kind, start + secret.start, start + secret.end, secret.certain)
    if doubtful:
        yield from _alone(whole.text)
    yield from in_addresses(whole)
    names = named(whole)
    yield from _of_names(whole, names, doubtful=doubtful)
    for part in unescaped(whole.text, names):
        inner = piece(part.text, whole.path)
        for secret in (*_of_names(inner, named(inner), doubtful=doubtful), *in_addresses(inner)):
            yield Secret(secret.kind, part.origin(secret.start), part.origin(secret.end), secret.certain)


def _of_names(where: TextIndex, names: Sequence[Name], *, doubtful: bool) -> Iterator[Secret]:
    yield from assigned(where, names)
    if not doubtful:
        return
    yield from nested(where, names)
    if "values" in where.lower:
        yield from inserted(where, names)


def _of(shapes: Iterable[KeyFormat], where: TextIndex) -> Iterator[Secret]:
    for shape in shapes:
        for match in shape.pattern.finditer(where.lower if shape.lower else where.text):
            if shape.accepts is None or shape.accepts(match[0]):
                certain = not shape.doubtful and not made_up(match[0])
                certain = certain and not (shape.generic and is_test_data(where.path))
                yield Secret(shape.kind, *match.span(shape.group), certain)


def _blocks(text: str) -> Iterator[tuple[int, str]]:
    """Yield ``text`` in whole lines: detect-secrets' formats fit in one line, and searching everything is slow."""
    start = 0
    while start < len(text):
        end = text.find("\n", start + _BLOCK) + 1 or len(text)
        yield start, text[start:end]
        start = end


_MORE = lazy(r"[\w+/=-]*(?:\.[\w+/=-]{16,})*")


def _whole(text: str, end: int) -> int:
    """Return the end of a credential: formats name the least length, and no rest of a longer key may be left."""
    if not text[end - 1].isalnum():
        return end
    match = _MORE.match(text, end)
    return match.end() if match else end


def _merged(found: Iterable[Secret]) -> Iterator[Secret]:
    """Yield ``found`` in order, with overlaps merged; a certain one determines the kind."""
    held: Secret | None = None
    for secret in sorted(found, key=lambda s: (s.start, not s.certain, -s.end)):
        if held is None or secret.start >= held.end:
            if held:
                yield held
            held = secret
        else:
            better = secret if secret.certain and not held.certain else held
            held = Secret(better.kind, held.start, max(held.end, secret.end), better.certain)
    if held:
        yield held


# A key without a form of its own, in prose: "the API key is 0f3a…". The line has to speak of one.
_SPOKEN_OF = lazy(r"(?im)^[^\n]*(?:key|token|secret|pass?w|cred|auth|pwd|_pw)[^\n]*")
_PLAIN = lazy(r"(?<![\w+/-])[A-Za-z0-9+/_-]{20,}={0,2}")
_PLAIN_DIGITS = 4
_LONG = 32  # characters; three of a thousand keys of this length have no digit
_PLAIN_ENTROPY = 3.0  # bits a character; 32 random hexadecimal digits have 3.6 on average
_RUN = lazy(r"(?<![\w+/-])(?=[A-Za-z+/_-]*\d)[A-Za-z0-9_+/-]{24,}={0,2}")
_SHORTEST_RANDOM = 20  # characters; shorter ones are abbreviated object ids, colours, identifiers
_LEAST_OF_EACH = 3  # digits, capitals, small letters
_SIGN_EVERY = 16  # characters
_LONG_IN_ONE_CASE = 40  # characters; hexadecimal digits have too little entropy, however many
_RUN_ENTROPY = 4.2  # bits a character; 24 random ones of base64 have 4.3


@lru_cache(maxsize=1)
def _entropy_plugins() -> tuple[Any, ...]:
    from detect_secrets.plugins.high_entropy_strings import Base64HighEntropyString, HexHighEntropyString

    return Base64HighEntropyString(), HexHighEntropyString()


def _random(text: str) -> Iterator[Secret]:
    """Yield strings of high entropy: too often a checksum to block, too often a key to be sent."""
    for plugin in _entropy_plugins():
        for match in plugin.regex.finditer(text):
            value = match[2]
            if len(value) >= _SHORTEST_RANDOM and plugin.calculate_shannon_entropy(value) > plugin.entropy_limit:
                yield Secret("random string", match.start(2), match.end(2), certain=False)
    base64 = _entropy_plugins()[0]
    for match in _RUN.finditer(text):
        value = match[0]
        counts = [sum(map(test, value)) for test in (str.isdigit, str.isupper, str.islower)]
        few = counts[0] < _LEAST_OF_EACH or max(counts[1:]) < _LEAST_OF_EACH
        one_case = min(counts) < _LEAST_OF_EACH
        if few or (one_case and not (value.isalnum() and len(value) >= _LONG_IN_ONE_CASE)) or _has_many(value, "/", 4):
            continue
        if base64.calculate_shannon_entropy(value) > _RUN_ENTROPY:
            yield Secret("random string", match.start(), match.end(), certain=False)
    for line in _SPOKEN_OF.finditer(text):
        for match in _PLAIN.finditer(line[0]):
            if _looks_drawn(match[0], base64.calculate_shannon_entropy(match[0])):
                yield Secret("random string", line.start() + match.start(), line.start() + match.end(), certain=False)


def _has_many(value: str, signs: str, many: int) -> bool:
    """Return True if ``signs`` separate words: a path has more slashes than base64, with one among 64 characters."""
    return sum(map(value.count, signs)) >= max(many, len(value) // _SIGN_EVERY)


_TABLE = 4  # lines with nothing but hexadecimal digits are data
_DIGITS = lazy(r"\d[\dA-Fa-f]{6,}|\d\d[ \t]*(?=\n|\Z)")
_NUMBER = r"(?=\d*[A-Fa-f])(?!\d+[Ee]\d+\s)[\dA-Fa-f]{10,}"  # hexadecimal, and not one with an exponent
_ALONE = lazy(rf"{SHOWN}(?:[ \t]*(?P<number>{_NUMBER})|[ \t]+(?P<word>[A-Za-z]{{4,}}\d{{2,}}))[ \t]*$")


def _alone(text: str) -> Iterator[Secret]:
    """Yield values that are a line of their own, as in a list of passwords: hexadecimal digits, a word with digits."""
    run: list[Secret] = []
    reached = end_of_run = 0
    for match in _DIGITS.finditer(text):
        if match.start() < reached:
            continue
        start = text.rfind("\n", 0, match.start()) + 1
        reached = text.find("\n", start) + 1 or len(text)
        if line := _ALONE.match(text[start:reached]):
            if start != end_of_run:
                yield from _no_table(run)
                run = []
            begin, end = line.span(line.lastgroup or 0)
            run.append(Secret("random string", start + begin, start + end, certain=False))
            end_of_run = reached
    yield from _no_table(run)


def _no_table(run: list[Secret]) -> list[Secret]:
    return run if len(run) < _TABLE else []


def _looks_drawn(value: str, entropy: float) -> bool:
    """Return True if it contains no words: names have underscores, paths have slashes, and both repeat letters."""
    digits, capitals, small = (sum(map(test, value)) for test in (str.isdigit, str.isupper, str.islower))
    if _has_many(value, "/_", 3):
        return False
    if min(capitals, small) >= _LEAST_OF_EACH:
        return (digits > 0 or len(value) >= _LONG) and entropy > _RUN_ENTROPY
    return digits >= _PLAIN_DIGITS and capitals + small >= _LEAST_OF_EACH and entropy > _PLAIN_ENTROPY
