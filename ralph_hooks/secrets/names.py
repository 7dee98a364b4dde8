"""Credentials told by what stands before them: the name they are assigned to, or the user name in an address."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ralph_hooks.secrets import Secret
from ralph_hooks.secrets.formats import made_up

_SHORTEST = 6  # characters of a password with digits or signs
_SHORTEST_PHRASE = 10  # of one that is letters alone
_SHORTEST_KEY = 16  # of a random-looking key

_TEST_DATA = re.compile(
    r"(?i)(?:^|/)(?:tests?|testing|__tests__|specs?|fixtures?|test[_-]?data|mocks?)/|(?:^|/)(?:test_[^/]*|conftest)\.\w+$"
    r"|[._-](?:test|tests|spec)\.\w+$|\.(?:example|sample|template|dist|tmpl)$|\.env\.(?:example|sample|template|test)"
)


def is_test_data(path: str) -> bool:
    """True for paths where made-up passwords are daily bread."""
    return _TEST_DATA.search(path) is not None


# --- addresses -----------------------------------------------------------------------------------------------------

# user:password@host of https://www.rfc-editor.org/rfc/rfc3986#section-3.2.1; passwords of real life hold characters
# that should have been percent-encoded, so the last @ counts.
_ADDRESS = re.compile(r"://[^\s:/?#@\"'<>`]{0,100}:([^\s/?#\"'<>`]{1,200})@([\w.-]{1,253})")
_NOWHERE = re.compile(
    r"(?i)(?:^|\.)(?:example(?:\.\w+)?|localhost|local|test|invalid|host(?:name)?|domain(?:\.\w+)?|server)$|^127\.|^.$"
)


def in_addresses(text: str, path: str) -> Iterator[Secret]:
    """Passwords in addresses."""
    for match in _ADDRESS.finditer(text):
        password, host = match[1], match[2]
        if _refers(password) or _is_placeholder(password):
            continue
        certain = not is_test_data(path) and not _NOWHERE.search(host) and len(password) >= _SHORTEST
        yield Secret("password in an address", *match.span(1), certain)


# --- assignments ---------------------------------------------------------------------------------------------------

_KEYS = "api|auth|access|private|account|client|service|encryption|signing|master|shared|storage|license|database|db"
_ASSIGNED = re.compile(
    r"(?<!publickey)(?P<word>pass(?:word|wd|phrase)|pwd|secret|contrase[nñ]a|token|credential"  # publicKeyToken of .NET
    rf"|(?:{_KEYS})[_-]?key|db[_-]?pass)"
    r"(?P<rest>[\w-]{0,40})"
    r"(?:(?P<closed>[\"'`])?[\])]{0,2}\s{0,8}(?::\s{0,4}[\w.\[\] |]{1,40}(?==))?"
    r"(?P<operator>=>|:=|={1,3}|!==?|:|,|>)\s{0,8}|\s{1,4}(?=[\"']))"
    r"(?:[@bfru]{0,2}(?P<quote>[\"'`])(?P<quoted>[^\"'`\n]{1,200})(?P=quote)"
    r"|(?P<bare>[^\s\"'`<>;&#,(){}\[\]\\]{6,200})(?=[\s\"'`<;&#,\\]|$))",
    re.IGNORECASE,
)
# What a name ends in that speaks about a credential instead of being one.
_ABOUT = re.compile(
    r"(?i)(?:name|id|header|field|path|file|dir|ur[il]|type|hash|hasher|algo|alg|algorithm|label|title|text|prompt|hint"
    r"|help|message|msg|error|regex|pattern|format|len|length|size|env|var|prefix|suffix|arn|version|ref|policy|provider"
    r"|manager|class|param|attr|column|selector|role|scope|store|expiry|ttl|timeout|count|encoding|location|endpoint"
    r"|backend|mode|rule|kind|pos|index|mgr|realm|i[sz]er|i[sz]ed?)s?$"
)
_CONFIG = re.compile(
    r"(?i)(?:\.(?:env|ya?ml|eyaml|ini|cfg|conf|cnf|properties|sh|bash|zsh|fish|ps1|bat|xml|config|service|tfvars)"
    r"|(?:^|/)(?:\.env[\w.-]*|Dockerfile[\w.-]*|Containerfile|\.npmrc|\.pypirc|\.netrc|\.pgpass|\.?envrc))$"
)
_START_OF_LINE = re.compile(r"[-+ ]?\d*\s*(?:-\s+)?(?:export\s+|set\s+|ENV\s+|ARG\s+)?[\w.-]*$")


def assigned(text: str, path: str) -> Iterator[Secret]:
    """Passwords, keys and tokens that are written down as the value of a name that says so.

    Without quotes they count in formats that need none; elsewhere they may be a variable, and are uncertain.
    """
    config = _CONFIG.search(path) is not None
    for match in _assignments(text):
        group = "quoted" if match["quoted"] is not None else "bare"
        value = match[group]
        if _ABOUT.search(match["rest"]) or _refers(value) or _is_placeholder(value):
            continue
        literal = group == "quoted" or config or _in_connection_string(match)
        if _random_looking(value) or _is_phrase(match) or _is_password(match, value, literal=literal):
            certain = literal and not is_test_data(path) and not made_up(value)
            yield Secret(f"{match['word'].lower()} written down", *match.span(group), certain)


_NAME = re.compile(
    rf"pass(?:word|wd|phrase)|pwd|secret|contrase|token|credential|(?:{_KEYS})[_-]?key|db[_-]?pass"  # as `_ASSIGNED`
)


def _assignments(text: str) -> Iterator[re.Match[str]]:
    """What `_ASSIGNED` finds in ``text``, tried only where a name begins: on its own it takes eight times as long."""
    lower = text.lower()
    if len(lower) != len(text):  # there are letters that become two
        yield from _ASSIGNED.finditer(text)
        return
    position = 0
    while name := _NAME.search(lower, position):
        match = _ASSIGNED.match(text, name.start())
        position = match.end() if match else name.start() + 1
        if match:
            yield match


def _in_connection_string(match: re.Match[str]) -> bool:
    """``"Server=db;Password=hunter2;"``: part of a string, so it is no variable."""
    around = match.string[match.start() - 1 : match.start()], match.string[match.end() : match.end() + 1]
    return all(char and char in ";\"'" for char in around)


def _is_password(match: re.Match[str], value: str, *, literal: bool) -> bool:
    if not match["word"].lower().startswith(("pass", "pwd", "contra", "db")) or not _mixed(value):
        return False
    text = match.string
    return literal or _START_OF_LINE.match(text[text.rfind("\n", 0, match.start()) + 1 : match.start()]) is not None


def _is_phrase(match: re.Match[str]) -> bool:
    """``PASSWORD = "correcthorsebattery"``: letters alone count only where the name says nothing else."""
    value = match["quoted"] or ""
    return (
        not match["rest"]
        and not match["closed"]
        and match["operator"] in {"=", ":="}
        and match["word"].lower().startswith("pass")
        and value.isalpha()
        and len(value) >= _SHORTEST_PHRASE
    )


_REFERENCE = re.compile(
    r"\$|%[(\w]|.*(?:\{.*\}|<.*>|\$\(|%\(|\(\)|::|->|\s)"  # variables, templates, calls, prose
    r"|[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+$"  # a.dotted.name
    r"|(?:https?|file|ssh|urn|arn):|\.{0,2}/(?!(?:.*\d){4})|~/|@"  # somewhere else; a key may start with a slash
)


def _refers(value: str) -> bool:
    """True where ``value`` says where a credential is, instead of being one."""
    return _REFERENCE.match(value) is not None


_PLACEHOLDER = re.compile(
    r"(?i)example|placeholder|change[-_ ]?(?:me|it|this)|your|dummy|fake|sample|redact|mock|todo|insert|replace|default"
    r"|not[-_ ]?(?:a|the|so)?[-_ ]?(?:real|secret)|x{4}|\*{3}|\.{3}|^(?:no|my|some|the|an?)[-_]|^(.)\1*$"
    r"|^(?:test|foo|bar|baz|user|admin|pass|password|passwd|pwd|secret|token|key|value|string|none|null|true|false"
    r"|undefined|required|optional|guest|root|hidden|dev|abc|[-_:.\d])*$"
)


def _is_placeholder(value: str) -> bool:
    return _PLACEHOLDER.search(value) is not None


_WORDS = re.compile(r"(?:[A-Za-z]+\d{0,3}|\d{1,4})(?:[-_./: ,](?:[A-Za-z]+\d{0,3}|\d{1,4}))*[-_./:]?$")


def _random_looking(value: str) -> bool:
    """Long, with letters and digits mixed as nobody names things."""
    return (
        len(value) >= _SHORTEST_KEY
        and any(map(str.isdigit, value))
        and any(map(str.isalpha, value))
        and _WORDS.match(value) is None
        and len(set(value)) >= _SHORTEST_KEY // 2
    )


_VERSION = re.compile(r"v?\d+(?:\.\d+)+$|[a-z]+[-_]?\d{3}$", re.IGNORECASE)


def _mixed(value: str) -> bool:
    """As passwords are: letters with digits or with signs that names do not have."""
    return (
        len(value) >= _SHORTEST
        and any(map(str.isalpha, value))
        and any(sign.isdigit() or sign in "!@#$%^&*?+~" for sign in value)
        and not any(sign in "()[]|\\ " for sign in value)
        and _VERSION.match(value) is None
    )
