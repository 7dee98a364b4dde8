"""Credentials told by what stands before them: the name they are assigned to, or the user name in an address."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct, structs

from ralph_hooks.secrets import Secret
from ralph_hooks.secrets.formats import made_up
from ralph_hooks.secrets.piece import Piece
from ralph_hooks.secrets.values import (
    SHORTEST,
    SIGNS,
    crossed,
    is_placeholder,
    mixed,
    random_looking,
    refers,
    scrambled,
)

_SHORTEST_PHRASE = 10  # characters of a password that is letters alone

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
_TOKEN = re.compile(r"://(?=[A-Za-z_-]*\d)([A-Za-z0-9_-]{20,})@[\w.-]")  # what git takes in the place of a user name
_NOWHERE = re.compile(
    r"(?i)(?:^|\.)(?:example(?:\.\w+)?|localhost|local|test|invalid|host(?:name)?|domain(?:\.\w+)?|server)$|^127\.|^.$"
)


def in_addresses(piece: Piece) -> Iterator[Secret]:
    """Passwords in addresses. One that is a placeholder, such as ``user:password@``, is uncertain."""
    for match in _ADDRESS.finditer(piece.text):
        password, host = match[1], match[2]
        unlikely = is_placeholder(password)
        if refers(password) or (unlikely and len(password) < SHORTEST):
            continue
        certain = not unlikely and not _NOWHERE.search(host) and len(password) >= SHORTEST
        yield Secret("password in an address", *match.span(1), certain and not is_test_data(piece.path))
    for match in _TOKEN.finditer(piece.text):
        yield Secret("token in an address", *match.span(1), certain=False)


# --- assignments ---------------------------------------------------------------------------------------------------

_OWNERS = "api|auth|access|private|account|client|service|encryption|signing|master|shared|storage|license|database|db"
# Each begins with letters that do not vary: to search for one after the other takes a tenth of the time.
_PASS = r"pass(?:word|wd|phrase|(?![a-z]))"
_NAMES = [re.compile(name) for name in (_PASS, "db[_-]?pass", "pwd", "secret", "contrase[nñ]a", "token", "credential")]
_NO_CREDENTIAL = ("publickey", "next", "next_", "nextpage", "next_page_", "continuation", "continuation_")  # …token
_KEY = re.compile("key")
_OWNED = re.compile(rf"(?:{_OWNERS})[_-]?$")
_LONGEST_OWNER = 11  # characters
_REST = re.compile(r"[\w-]{0,40}")
_VALUE = re.compile(
    r"(?:\[\d{0,4}\])?(?P<closed>[\"'`])?[\])]{0,2}\s{0,8}"
    r"(?::\s{0,4}[\w.\[\] |]{1,40}(?==))?"  # a type
    r"(?:(?P<operator>=>|:=|={1,3}|!==?|:|,|>|value\s{0,4}=|(?:\.assign)?\()\s{0,8}|(?<=\s)(?=[\"']))"
    r"(?:[@bBfFrRuU]{0,2}(?P<quote>[\"'`])(?P<quoted>[^\"'`\n]{1,200})(?P=quote)"
    r"|(?P<bare>[^\s\"'`<>;&#,(){}\[\]\\]{6,200})(?=[\s\"'`<;&#,\\]|$)"
    r"|(?P<signs>(?=[^\s\"'`]{8})))"
)
_UNQUOTED = re.compile(r"(?![A-Za-z_][\w.]*[(\[]\S*[)\]][,;:]?(?!\S))[^\s\"'`]{7,199}[^\s\"'`,;]")  # no call or item
# The value first: ``"…" == password``, and ``value="…" name="password"`` of XML.
_AHEAD = re.compile(
    r"(?P<of>value\s{0,2}=\s{0,2})?([\"'`])(?P<value>[^\"'`\n]{1,200})\2"
    r"(?:\s{0,4}[!=]==?\s{0,4}|(?(of)\s{1,4}(?:name|key|id)\s{0,2}=\s{0,2}[\"']|(?!)))[\w.]{0,40}$"
)
_AHEAD_REACH = 300  # characters
# What a name ends in that speaks about a credential instead of being one.
_ABOUT = re.compile(
    r"(?i)(?:name|id|header|field|path|file|dir|ur[il]|type|hash|hasher|algo|alg|algorithm|label|title|text|prompt|hint"
    r"|help|message|msg|error|regex|pattern|format|len|length|size|env|var|prefix|suffix|arn|version|ref|policy|provider"
    r"|manager|class|param|attr|column|selector|role|scope|store|expiry|ttl|timeout|count|encoding|location|endpoint"
    r"|backend|mode|rule|kind|pos|index|mgr|realm|i[sz]er|i[sz]ed?|encryption|mechanism|method|strength|time|date|at"
    r"|expir\w*)s?$"
)
_CONFIG = re.compile(
    r"(?i)(?:\.(?:env|ya?ml|eyaml|ini|cfg|conf|cnf|properties|sh|bash|zsh|fish|ps1|bat|xml|config|service|tfvars)"
    r"|(?:^|/)(?:\.env[\w.-]*|Dockerfile[\w.-]*|Containerfile|\.npmrc|\.pypirc|\.netrc|\.pgpass|\.?envrc))$"
)
_START_OF_LINE = re.compile(r"[-+ ]?\d*\s*(?:\|\s+)?(?:-\s+)?(?:export\s+|set\s+|ENV\s+|ARG\s+)?[\w.-]*$")


class _Assigned(Struct, frozen=True):
    """A value and the name that it is given to."""

    text: str
    word: str
    """What makes the name one of a credential, in small letters: ``password``."""
    rest: str
    """What follows it in the name."""
    begin: int
    """Where the word is in ``text``."""
    value: str
    start: int
    """Where the value is."""
    quoted: bool
    operator: str
    """What stands between the two: ``=``, ``:``, ``(``."""
    closed: bool = False
    """True where the name is in quotes."""

    @property
    def given(self) -> bool:
        """True where the name is all that is said of the value: not for ``get("password", "…")``."""
        return self.operator in {"=", ":=", ":", "=>"}

    @property
    def called(self) -> bool:
        """True for ``secret("…")``."""
        return self.operator.endswith("(")


def assigned(piece: Piece) -> Iterator[Secret]:
    """Passwords, keys and tokens that are written down as the value of a name that says so.

    Without quotes they count in formats that need none; elsewhere they may be a variable, and are uncertain.
    """
    config = _CONFIG.search(piece.path) is not None
    for found in _assignments(piece):
        if _ABOUT.search(found.rest):
            continue
        literal = found.quoted or config or _in_connection_string(found)
        likely = _is_credential(found, literal=literal)
        if likely or _may_be_credential(found):
            certain = likely and literal and not found.called and not is_test_data(piece.path)
            end = found.start + len(found.value)
            yield Secret(f"{found.word} written down", found.start, end, certain and not made_up(found.value))


def _assignments(piece: Piece) -> Iterator[_Assigned]:
    """Every value that is given to the name of a credential, or compared with it."""
    text, reached = piece.text, 0
    for begin, end in _names(piece):
        if begin < reached:
            continue
        word = text[begin:end].lower()
        after = _end(_REST, text, end)
        rest = text[end:after]
        if ahead := _AHEAD.search(text, max(0, begin - _AHEAD_REACH), begin):
            yield _Assigned(text, word, rest, begin, ahead["value"], ahead.start("value"), quoted=True, operator="==")
        match = _VALUE.match(text, after)
        if match and (found := _given(match, word, rest, begin)):
            reached = match.end()
            yield found


def _given(match: re.Match[str], word: str, rest: str, begin: int) -> _Assigned | None:
    text, group = match.string, match.lastgroup or ""
    found = _Assigned(
        text,
        word,
        rest,
        begin,
        match[group],
        match.start(group),
        quoted=group == "quoted",
        operator=match["operator"] or "",
        closed=match["closed"] is not None,
    )
    if found.operator == "," and (word == "pass" or not found.closed):  # a keyword, or an argument, among others
        return None
    return found if found.quoted else _unquoted(found)


def _unquoted(found: _Assigned) -> _Assigned | None:
    """``found`` with all of its value, which may hold signs that end one elsewhere; None where it is code."""
    whole = _UNQUOTED.match(found.text, found.start)
    if whole and (crossed(whole[0]) or (scrambled(whole[0]) and _begins_its_line(found))):
        return structs.replace(found, value=whole[0])
    return found if found.value and not found.called else None


def _names(piece: Piece) -> list[tuple[int, int]]:
    """Where names speak of a credential, from the word that does."""
    lower = piece.lower
    spans = [match.span() for name in _NAMES for match in name.finditer(lower)]
    spans += [
        (owned.start(), key.end())
        for key in _KEY.finditer(lower)
        if (owned := _OWNED.search(lower, max(0, key.start() - _LONGEST_OWNER), key.start()))
    ]
    return sorted(span for span in spans if not _within_a_word(piece, *span))


def _within_a_word(piece: Piece, begin: int, end: int) -> bool:
    """``bypass``, but not ``smtpPass``; the publicKeyToken of .NET; a token that leads to the next page."""
    before, first = piece.text[begin - 1 : begin], piece.text[begin]
    part = piece.lower[begin:end] == "pass" and before.isalpha() and not (before.islower() and first.isupper())
    return part or piece.lower.endswith(_NO_CREDENTIAL, 0, begin)


def _end(pattern: re.Pattern[str], text: str, start: int) -> int:
    match = pattern.match(text, start)
    return match.end() if match else start


def _is_credential(found: _Assigned, *, literal: bool) -> bool:
    if refers(found.value) or is_placeholder(found.value):
        return False
    return random_looking(found.value) or _is_phrase(found) or _is_password(found, literal=literal)


_PASSPHRASE = re.compile(r"[a-z]{2,}(?: [a-z0-9]{2,}){3,}$")


def _may_be_credential(found: _Assigned) -> bool:
    """What is too weak to hold a change back, and need not be sent either.

    A token is as often a parser's: what is a credential of that name has to look random.
    """
    value = found.value
    if found.word == "token":
        return False
    if found.quoted and found.given and _PASSPHRASE.match(value):
        return True
    if refers(value):
        return False
    if value.isdigit():
        return len(value) >= SHORTEST and (found.quoted or _begins_its_line(found))
    if is_placeholder(value):
        return _asks_for_a_password(found) and _in_connection_string(found)
    return crossed(value) or _is_weak(found)


def _is_weak(found: _Assigned) -> bool:
    if not found.quoted:
        return _asks_for_a_password(found) and _in_connection_string(found)
    return _is_a_word(found) or (mixed(found.value) and not _may_be_a_name(found))


def _in_connection_string(found: _Assigned) -> bool:
    """``"Server=db;Password=hunter2;"``: part of a string, so it is no variable."""
    end = found.start + len(found.value)
    before, after = found.text[max(0, found.begin - 2) : found.begin].rstrip(" ")[-1:], found.text[end : end + 1]
    return not found.quoted and found.operator == "=" and before in set(";&?\"'") and after in {*";&\"'\n", ""}


def _asks_for_a_password(found: _Assigned) -> bool:
    """True where the name asks for a password, which is anything that somebody has thought of."""
    return found.word.startswith(("pass", "pwd", "contra", "db"))


def _is_password(found: _Assigned, *, literal: bool) -> bool:
    if not _asks_for_a_password(found) or not mixed(found.value) or _may_be_a_name(found):
        return False
    return literal or _begins_its_line(found)


def _may_be_a_name(found: _Assigned) -> bool:
    """``get_password("service1")`` asks for one."""
    return found.called and not any(sign in SIGNS for sign in found.value)


def _begins_its_line(found: _Assigned) -> bool:
    line = found.text[found.text.rfind("\n", 0, found.begin) + 1 : found.begin]
    return _START_OF_LINE.match(line) is not None


def _is_phrase(found: _Assigned) -> bool:
    """``PASSWORD = "correcthorsebattery"``."""
    return _is_a_word(found) and found.word.startswith("pass") and len(found.value) >= _SHORTEST_PHRASE


def _is_a_word(found: _Assigned) -> bool:
    """Letters alone, which count only where the name says nothing else: not ``"password": "Passwort"``."""
    shortest = SHORTEST if _asks_for_a_password(found) else _SHORTEST_PHRASE
    plain = found.quoted and found.operator in {"=", ":="} and not found.closed and not found.rest
    return plain and found.value.isalpha() and len(found.value) >= shortest
