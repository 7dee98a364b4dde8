"""Variable names that suggest a credential, and paths where fake ones are common."""

from __future__ import annotations

from msgspec import Struct

from ralph_hooks.core.lazy_pattern import lazy
from ralph_hooks.languages.test_files import is_test_file
from ralph_hooks.secrets.text_index import TextIndex

_EXAMPLE = lazy(
    r"(?i)(?:^|/)mocks?/|[._-]tests\.\w+$|\.(?:example|sample|template|dist|tmpl)$|\.env\.(?:example|sample|template|test)"
)


def is_test_data(path: str) -> bool:
    """Return True for paths where fake passwords are common."""
    return is_test_file(path) or _EXAMPLE.search(path) is not None


_OWNERS = "api|auth|access|private|account|client|service|encryption|signing|master|shared|storage|license|database|db"
_NAMES = (  # a string that every match begins with, then the pattern
    ("pass", lazy(r"pass(?:word|wort|code|wd|phrase|(?![a-z]))")),
    ("db", lazy("db[_-]?pass(?:word|wd)?")),
    ("pwd", lazy("pwd")),
    ("psk", lazy("psk")),
    ("secret", lazy("secret")),
    ("token", lazy("token")),
    ("credential", lazy("credential")),
    ("contrase", lazy("contrase[nñ]a")),
    ("kennwort", lazy("kennwort")),
    ("wachtwoord", lazy("wachtwoord")),
    ("senha", lazy("senha")),
    ("mot", lazy("mot[ _-]?de[ _-]?passe")),
    ("пароль", lazy("пароль")),
    ("密", lazy("密[码碼]")),
    ("パスワード", lazy("パスワード")),
    ("비밀번호", lazy("비밀번호")),
)
_NO_CREDENTIAL = (
    "publickey",
    "hashed_",
    "next",
    "next_",
    "nextpage",
    "next_page_",
    "continuation",
    "continuation_",
)  # …token
# Those of a request have to be unique, not secret: `ClientToken` and `LockToken` of AWS, `idempotency_token`.
_OF_A_REQUEST = ("client", "client_", "request", "request_", "idempotency", "idempotency_", "lock", "lock-", "lock_")
_OF_A_TYPE = lazy(r"::\w*$")
_LONGEST_TYPE = 60  # characters
_KEY = lazy("key")
_PW = lazy(r"pw(?!s?[a-rt-z])")
_OWNER_OF_PW = lazy(r"(?:bind|root|admin|user|db|ldap|smtp|mail|ftp|login|my|sys|super|service|[_-])$")
_SHOUTED_KEY = lazy(r"[A-Z0-9]_KEY(?![A-Za-z])")
_OWNED = lazy(rf"(?:{_OWNERS})[_-]?$")
_LONGEST_OWNER = 11  # characters
_REST = lazy(r"[\w-]{0,40}")
# Endings of names that describe a credential instead of holding one.
_ABOUT = lazy(
    r"(?i)(?:name|id|header|field|path|file|dir|ur[il]|type|hash|hasher|algo|alg|algorithm|label|title|text|prompt|hint"
    r"|help|message|msg|error|regex|pattern|format|len|length|size|env|var|prefix|suffix|arn|version|ref|policy|provider"
    r"|manager|class|param|attr|column|selector|role|scope|store|expiry|ttl|timeout|count|encoding|location|endpoint"
    r"|backend|mode|rule|kind|pos|index|mgr|realm|i[sz]er|i[sz]ed?|encryption|mechanism|method|strength|time|date|at"
    r"|expir\w*)s?$"
)


class Name(Struct, frozen=True):
    """A name that suggests a credential."""

    begin: int
    """Offset of the part that does, such as ``password``."""
    end: int
    after: int
    """End of the whole name."""
    weak: bool = False
    """True if it is probably something else: ``ClientToken``, or ``APP_KEY``, which may be anything."""


def about(rest: str) -> bool:
    """Return True if the rest of a name shows that it only describes a credential: ``password_file``."""
    return _ABOUT.search(rest) is not None


def named(piece: TextIndex) -> list[Name]:
    """Return every name that suggests a credential, in order."""
    lower = piece.lower
    spans = {match.span(): False for needle, name in _NAMES if needle in lower for match in name.finditer(lower)}
    for key in _KEY.finditer(lower):
        if owned := _OWNED.search(lower, max(0, key.start() - _LONGEST_OWNER), key.start()):
            spans[owned.start(), key.end()] = False
        elif _SHOUTED_KEY.match(piece.text, max(0, key.start() - 2)):
            spans[key.span()] = True
    for pw in _PW.finditer(lower):
        of_somebody = _OWNER_OF_PW.search(lower, max(0, pw.start() - _LONGEST_OWNER), pw.start()) is not None
        if of_somebody or not piece.text[pw.start() - 1 : pw.start()].isalnum() or piece.text[pw.start()] == "P":
            spans[pw.span()] = not of_somebody
    return [
        Name(begin, end, after, weak or _is_something_else(piece, begin, end, after))
        for (begin, end), weak in sorted(spans.items())
        if not _within_a_word(piece, begin, end)
        for after in [_end(piece.text, end)]
    ]


def _end(text: str, start: int) -> int:
    match = _REST.match(text, start)
    return match.end() if match else start


def _is_something_else(piece: TextIndex, begin: int, end: int, after: int) -> bool:
    """Return True for a request's token, and a quoted type name: ``"AWS::ApiGateway::ApiKey": "48205d4ffd7feba3"``."""
    if piece.text[after : after + 1] in {'"', "'"} and _OF_A_TYPE.search(
        piece.text, max(0, begin - _LONGEST_TYPE), begin
    ):
        return True
    return piece.lower[begin:end] == "token" and piece.lower.endswith(_OF_A_REQUEST, 0, begin)


def _within_a_word(piece: TextIndex, begin: int, end: int) -> bool:
    """Return True for ``bypass``, but not ``smtpPass``; the publicKeyToken of .NET; a pagination token."""
    before, first = piece.text[begin - 1 : begin], piece.text[begin]
    part = piece.lower[begin:end] == "pass" and before.isalpha() and not (before.islower() and first.isupper())
    return part or piece.lower.endswith(_NO_CREDENTIAL, 0, begin)
