"""Distinguish credentials from references, placeholders and ordinary words by the form of a value."""

from __future__ import annotations

from ralph_hooks.core.lazy_pattern import lazy

SHORTEST = 6  # characters of a password with digits or signs
SHORTEST_UNMISTAKABLE = 8  # of one that has no other sign
_SHORTEST_KEY = 16  # of a random-looking key
SIGNS = "!@#$%^&*?+~"
"""Characters of passwords that names do not have."""

_REFERENCE = lazy(
    r"\$(?![\w$]*[!@#%^&*])|%[(\w]|.*(?:\{.*\}|<.*>|\$\(|%\(|\(\)|::|->|\s)"  # variables, templates, calls, prose
    r"|[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+$"  # a.dotted.name
    r"|#[\dA-Fa-f]{3,8}$"  # a colour
    r"|(?:https?|file|ssh|urn|arn):|\.{0,2}/(?!(?:.*\d){4})|~/|@"  # somewhere else; a key may start with a slash
)


def is_reference(value: str) -> bool:
    """Return True if ``value`` refers to a credential instead of being one."""
    return not has_unbalanced_brackets(value) and not is_random(value) and _REFERENCE.match(value) is not None


_CLOSES = {"(": ")", "[": "]", "{": "}"}


def has_unbalanced_brackets(value: str) -> bool:
    """Return True if brackets do not pair up, as in ``a{b)c``: neither a template nor code."""
    opened: list[str] = []
    for sign in value:
        if sign in _CLOSES:
            opened.append(_CLOSES[sign])
        elif sign in ")]}" and opened and opened.pop() != sign:
            return True
    return False


_TEMPLATE = lazy(r"\$?\{+[\w\s.:!?=+/-]*\}+|<[\w\s./-]*>|\$\([\w\s./<-]*\)|%\(\w*\)[a-z]|\$\w+|%[a-z]|\w*\(\)")
_TELLING = lazy(r"\s|[a-z]{4}|[A-Z]{4}|a-z|A-Z|0-9|\\[dswb]|\(\?|\[\^")  # words, and patterns
_SHORTEST_SCRAMBLED = 8  # characters
_KINDS = 3  # of small letters, capitals, digits and signs


def is_random(value: str) -> bool:
    """Return True for ``X:<4f)Is{<p``: signs, digits, capitals and small letters, no word and no placeholder."""
    rest = _TEMPLATE.sub("", value)
    if len(rest) < _SHORTEST_SCRAMBLED or _TELLING.search(rest):
        return False
    kinds = (str.islower, str.isupper, str.isdigit, lambda sign: not sign.isalnum())
    return sum(any(map(kind, rest)) for kind in kinds) >= _KINDS


_FILLED_IN = lazy(
    r"\$?\{+\s*[A-Za-z_$][^{}]*\}+|<[a-z_./ -]*>|<[A-Z_./ -]*>|\$\([\w\s./<-]*\)|%\(\w*\)[a-z]|%[a-z]"
    r"|\$(?:[A-Z_][A-Z_\d]*|[a-z_][A-Za-z_]*)(?!\w)|\w*\(\)"
)
_ELSEWHERE = lazy(r"(?i)(?:https?|file|ssh|urn|arn):|.*(?:\s|a-z|0-9|\\[dswb]|\(\?|\[\^)")  # prose, patterns
_NAME = lazy(r"[@./~:#]*(?:[A-Za-z]+\d{0,3}|\d{1,4})(?:[-_./:,|=](?:[A-Za-z]+\d{0,3}|\d{1,4}))*[-_./:*]?$")
_WORD = lazy(r"[A-Z]?[a-z]{4,}|[A-Z]{4,}")
_CAMEL = lazy(r"[a-z]{0,14}(?:[A-Z][a-z]{2,14}|[A-Z]{2,6}(?![a-z]))*$")
_HUMP = lazy(r"[a-z][A-Z]")
_SHORTEST_NOISE = 5  # characters beside what is to be filled in
_MOST_WORDS = 0.6  # of the characters
_LEAST_ALNUM, _SIGNS_ALONE = 3, 8


def worded(value: str) -> bool:
    """Return True for ``a.name/of-parts2`` and ``camelCase``."""
    return (_CAMEL if value.isalpha() and not value.islower() else _NAME).match(value) is not None


def noise(value: str) -> bool:
    """Return True for text that is no name, template, pattern or prose: ``V(Zh5LENPJ6D``, also ``a{b)c``.

    Certain enough to mask a value assigned to a password, but not to block.
    """
    rest = _FILLED_IN.sub("", value)
    if len(rest) < _SHORTEST_NOISE or _ELSEWHERE.match(value) or worded(value):
        return False
    if value.isalpha():
        return len(value) >= _SHORTEST_SCRAMBLED and len(_HUMP.findall(value)) > 1
    signs = {sign for sign in rest if not sign.isalnum()}
    if sum(map(str.isalnum, rest)) < _LEAST_ALNUM:
        return len(signs) >= _SIGNS_ALONE
    if sum(map(len, _WORD.findall(rest))) >= _MOST_WORDS * len(rest):
        return False
    kinds = (any(map(kind, rest)) for kind in (str.islower, str.isupper, str.isdigit))
    return sum(kinds) + bool(signs - {"_"}) >= _KINDS


_PLACEHOLDER = lazy(
    r"(?i)example|placeholder|change[-_ ]?(?:me|it|this)|your|dummy|fake|sample|redact|mock|todo|insert|replace|default"
    r"|not[-_ ]?(?:a|the|so)?[-_ ]?(?:real|secret)|x{4}|\*{3}|\.{3}|^(?:no|my|some|the|an?)[-_](?=[a-z]{2})|^(.)\1*$"
    r"|^(?:base64(?:url)?|utf-?8|latin-?1|md5|(?:scram-|hmac-)?sha-?\d+|bcrypt|argon2\w*|pbkdf2\w*|aes-?\d+)$"
    r"|^(?:test|foo|bar|baz|user|admin|pass|password|passwd|pwd|secret|token|key|value|string|none|null|true|false"
    r"|undefined|required|optional|guest|root|hidden|dev|abc|[-_:.\d])*$"
)


def is_placeholder(value: str) -> bool:
    """Return True for ``changeme``, ``your-key`` and the like."""
    return _PLACEHOLDER.search(value) is not None


_WORDS = lazy(r"(?:[A-Za-z]+\d{0,3}|\d{1,4})(?:[-_./: ,|](?:[A-Za-z]+\d{0,3}|\d{1,4}))*[-_./:]?$")


_TIMESTAMP = lazy(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d")


def random_looking(value: str) -> bool:
    """Return True for a long one that mixes letters and digits unlike any name."""
    return (
        len(value) >= _SHORTEST_KEY
        and any(map(str.isdigit, value))
        and any(map(str.isalpha, value))
        and _WORDS.match(value) is None
        and _TIMESTAMP.match(value) is None
        and len(set(value)) >= _SHORTEST_KEY // 2
    )


_VERSION = lazy(r"(?i)v?\d+(?:\.\d+)+$|[a-z]+[-_]?\d{3}$")


def mixed(value: str) -> bool:
    """Return True for letters with digits or with signs that names do not have, like passwords."""
    return (
        len(value) >= SHORTEST
        and any(map(str.isalpha, value))
        and any(sign.isdigit() or sign in SIGNS for sign in value)
        and (has_unbalanced_brackets(value) or is_random(value) or not any(sign in "()[]|\\ " for sign in value))
        and _VERSION.match(value) is None
    )
