"""What the value of a name looks like: a credential, or where one is, or what stands for one in an example."""

from __future__ import annotations

import re

SHORTEST = 6  # characters of a password with digits or signs
_SHORTEST_KEY = 16  # of a random-looking key
SIGNS = "!@#$%^&*?+~"
"""What passwords have and names have not."""

_REFERENCE = re.compile(
    r"\$(?![\w$]*[!@#%^&*])|%[(\w]|.*(?:\{.*\}|<.*>|\$\(|%\(|\(\)|::|->|\s)"  # variables, templates, calls, prose
    r"|[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+$"  # a.dotted.name
    r"|(?:https?|file|ssh|urn|arn):|\.{0,2}/(?!(?:.*\d){4})|~/|@"  # somewhere else; a key may start with a slash
)


def refers(value: str) -> bool:
    """True where ``value`` says where a credential is, instead of being one."""
    return not crossed(value) and not scrambled(value) and _REFERENCE.match(value) is not None


_CLOSES = {"(": ")", "[": "]", "{": "}"}


def crossed(value: str) -> bool:
    """True where brackets do not pair up, as in ``a{b)c``: neither a template nor code."""
    opened: list[str] = []
    for sign in value:
        if sign in _CLOSES:
            opened.append(_CLOSES[sign])
        elif sign in ")]}" and opened and opened.pop() != sign:
            return True
    return False


_TEMPLATE = re.compile(r"\$?\{+[\w\s.:!?=+/-]*\}+|<[\w\s./-]*>|\$\([\w\s./<-]*\)|%\(\w*\)[a-z]|\$\w+|%[a-z]|\w*\(\)")
_TELLING = re.compile(r"\s|[a-z]{4}|[A-Z]{4}|a-z|A-Z|0-9|\\[dswb]|\(\?|\[\^")  # words, and patterns
_SHORTEST_SCRAMBLED = 8  # characters
_KINDS = 3


def scrambled(value: str) -> bool:
    """True for ``X:<4f)Is{<p``: signs, digits, capitals and small letters, no word and nothing to be filled in."""
    rest = _TEMPLATE.sub("", value)
    if len(rest) < _SHORTEST_SCRAMBLED or _TELLING.search(rest):
        return False
    kinds = (str.islower, str.isupper, str.isdigit, lambda sign: not sign.isalnum())
    return sum(any(map(kind, rest)) for kind in kinds) >= _KINDS


_PLACEHOLDER = re.compile(
    r"(?i)example|placeholder|change[-_ ]?(?:me|it|this)|your|dummy|fake|sample|redact|mock|todo|insert|replace|default"
    r"|not[-_ ]?(?:a|the|so)?[-_ ]?(?:real|secret)|x{4}|\*{3}|\.{3}|^(?:no|my|some|the|an?)[-_]|^(.)\1*$"
    r"|^(?:base64(?:url)?|utf-?8|latin-?1|md5|(?:scram-|hmac-)?sha-?\d+|bcrypt|argon2\w*|pbkdf2\w*|aes-?\d+)$"
    r"|^(?:test|foo|bar|baz|user|admin|pass|password|passwd|pwd|secret|token|key|value|string|none|null|true|false"
    r"|undefined|required|optional|guest|root|hidden|dev|abc|[-_:.\d])*$"
)


def is_placeholder(value: str) -> bool:
    """True for ``changeme``, ``your-key`` and the like."""
    return _PLACEHOLDER.search(value) is not None


_WORDS = re.compile(r"(?:[A-Za-z]+\d{0,3}|\d{1,4})(?:[-_./: ,](?:[A-Za-z]+\d{0,3}|\d{1,4}))*[-_./:]?$")


_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d")


def random_looking(value: str) -> bool:
    """True for a long one with letters and digits mixed as nobody names things."""
    return (
        len(value) >= _SHORTEST_KEY
        and any(map(str.isdigit, value))
        and any(map(str.isalpha, value))
        and _WORDS.match(value) is None
        and _TIMESTAMP.match(value) is None
        and len(set(value)) >= _SHORTEST_KEY // 2
    )


_VERSION = re.compile(r"v?\d+(?:\.\d+)+$|[a-z]+[-_]?\d{3}$", re.IGNORECASE)


def mixed(value: str) -> bool:
    """True for letters with digits or with signs that names do not have, as passwords are."""
    return (
        len(value) >= SHORTEST
        and any(map(str.isalpha, value))
        and any(sign.isdigit() or sign in SIGNS for sign in value)
        and (crossed(value) or scrambled(value) or not any(sign in "()[]|\\ " for sign in value))
        and _VERSION.match(value) is None
    )
