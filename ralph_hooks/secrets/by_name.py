"""Credentials recognised by the name they are assigned to, or compared with."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from msgspec import Struct, structs

from ralph_hooks.core.lazy_pattern import lazy
from ralph_hooks.secrets.by_format import made_up
from ralph_hooks.secrets.literals import Role, literals
from ralph_hooks.secrets.names import Name, about, is_test_data
from ralph_hooks.secrets.secret import Secret
from ralph_hooks.secrets.text_index import SHOWN, TextIndex
from ralph_hooks.secrets.values import (
    SHORTEST,
    SIGNS,
    has_unbalanced_brackets,
    is_placeholder,
    is_reference,
    mixed,
    noise,
    random_looking,
    worded,
)

_SHORTEST_PHRASE = 10  # characters of a password that is letters alone
_SHORTEST_SMALL = 8  # small letters; a translation begins with a capital
_LONGEST_JOINED = 400  # characters
_MANY_DIGITS = 4  # variables have fewer

_WHAT = (
    r"(?:[@bBfFrRuU]{0,2}(?P<quote>[\"'`])(?P<quoted>[^\"'`\n]{1,200})(?P=quote)"
    r"|(?P<bare>(?!#)[^\s\"'`<>;&,(){}\[\]\\]{6,200})(?=[\s\"'`<>;&,)\]}\\]|$)"
    r"|(?P<signs>(?=[^\s\"'`]{8})))"
)
_VALUE = lazy(
    r"(?:\[\d{0,4}\])?(?P<closed>[\"'`])?[\])]{0,2}\s{0,8}"
    r"(?::\s{0,4}[\w.\[\] |]{1,40}(?==))?"  # a type
    r"(?:(?P<operator>=>|[:?]=|={1,3}|!==?|:|,|>|(?:is|or)(?=\s)|\|\||\?\?|value\s{0,4}=|(?:\.assign)?\()\s{0,8}|(?<=\s)(?=[\"']))"
    r"(?:\([ \t]{0,8}\n" + SHOWN + r"[ \t]*)?" + _WHAT
)
# A literal that goes on: ``"ghp_" + "q7Rk…"``, also on the next line.
_MORE = lazy(
    r"[\"'`][ \t]{0,8}[+.]?[ \t]{0,8}(?:\\?\n"
    + SHOWN
    + r"[ \t]*)?[+.]?[ \t]{0,8}[fFrRbB]?[\"'`](?P<part>[^\"'`\n]{1,200})(?=[\"'`])"
)
# The name of a setting, then its value: ``- name: PASSWORD``, ``value: …``; ``variable "password" { default = "…" }``.
_PAIR = lazy(
    r"(?P<closed>[\"'`])?[ \t]*(?:,?[ \t]*(?:\n" + SHOWN + r"[ \t]*)?"
    r"|\{(?:[^\n{}]{0,100}\n" + SHOWN + r"[ \t]*){1,5}?)"
    r"[\"']?(?:value|default)[\"']?\s{0,4}(?P<operator>[:=])\s{0,4}" + _WHAT
)
# ``--password …`` and ``ENV PASSWORD …``.
_OPTION = lazy(r"(?P<closed>(?!))?(?P<operator>[ \t])[ \t]{0,4}[\[(]?" + _WHAT)
_BEFORE_AN_OPTION = lazy(r"(?:(?<![\w-])--[\w-]*|\bENV[ \t]+\w*)$")
_LONGEST_OPTION = 60  # characters
_PATTERN = lazy(r"[\s(\[|\\]|^\W*/|\{\}")  # a regular expression, a path, a template
_PHRASE = lazy(r"[a-z]{2,}(?: [a-z0-9]{2,}){3,}$")
# One without quotes. Prose says what a password is, or must be.
_BARE_PHRASE = lazy(
    r"(?P<closed>[\"'])?[ \t]{0,4}(?P<operator>[:=])[ \t]{1,4}"
    r"(?!(?:the|an?|any|each|this|that|your|its|if|when|where|whether|which|used?|using|optional|required|must|should|may"
    r"|can|not?|is|are|for|to|of|in|on|from|with|by|as|see|path|name|one|it|or|and|there|enter|string|value to)\b)"
    r"(?P<phrase>[a-z]{2,}(?: [a-z0-9]{2,}){3,})[ \t]*(?=\n|$)"
)
_UNQUOTED = lazy(r"(?![A-Za-z_][\w.]*[(\[]\S*[)\]][,;:]?(?!\S))[^\s\"'`]{7,199}[^\s\"'`,;]")  # no call or item
_ELEMENT = lazy(r"([^\n]{1,200}?)</")
_TAG = lazy(r"<[\w.:-]*$")
_LONGEST_TAG = 60  # characters
# The value first: ``"…" == password``, and ``value="…" name="password"`` of XML.
_AHEAD = lazy(
    r"(?P<of>value\s{0,2}=\s{0,2})?([\"'`])(?P<value>[^\"'`\n]{1,200})\2"
    r"(?:\s{0,4}(?:[!=]==?|->>?)\s{0,4}|\s{1,4}TO\s{1,4}|(?(of)\s{1,4}(?:name|key|id)\s{0,2}=\s{0,2}[\"']|(?!)))[\w.]{0,40}$"
)
_AHEAD_REACH = 300  # characters
# Prose behind a name, which no notation of a value begins with: five words, or some and the end of the line.
_PROSE_WORD = r"[ \t]{1,4}(?!(?:is|or|value|default|to|if|else|new|await|const|mut|static)\b)[^\W\d_]+\.?(?![^ \t\r\n])"
_PROSE = lazy(rf"(?i)\.?(?:(?:{_PROSE_WORD}){{5}}|(?:{_PROSE_WORD}){{1,4}}[ \t]*\r?\n)")
_CONFIG = lazy(
    r"(?i)(?:\.(?:env|ya?ml|eyaml|ini|cfg|conf|cnf|properties|sh|bash|zsh|fish|ps1|bat|xml|config|service|tfvars)"
    r"|(?:^|/)(?:\.env[\w.-]*|Dockerfile[\w.-]*|Containerfile|\.npmrc|\.pypirc|\.netrc|\.pgpass|\.?envrc))$"
)
_START_OF_LINE = lazy(SHOWN + r"[ \t]*(?:-\s+)?(?:export\s+|set\s+|ENV\s+|ARG\s+)?[\w.-]*$")


class _Assigned(Struct, frozen=True):
    """A value and the name that it is given to."""

    text: str
    name: Name
    value: str
    start: int
    """Offset of the value."""
    quoted: bool
    operator: str
    """The sign between the two: ``=``, ``:``, ``(``."""
    closed: bool = False
    """True if the name is in quotes."""
    plain: bool = False
    """True if no quotes are wanted: ``<password>…</password>``, ``--password …``, ``PASSWORD=…``."""
    reach: int = 0
    """End of a value of several literals."""
    role: Role = Role.VALUE

    @property
    def word(self) -> str:
        """The part that makes the name one of a credential, in small letters: ``password``."""
        return self.text[self.name.begin : self.name.end].lower()

    @property
    def rest(self) -> str:
        """The rest of the name behind that part."""
        return self.text[self.name.end : self.name.after]

    @property
    def given(self) -> bool:
        """True if the name is all that is said of the value: not for ``get("password", "…")``."""
        return self.operator in {"=", ":=", "?=", ":", "=>"}

    @property
    def called(self) -> bool:
        """True for ``secret("…")``."""
        return self.operator.endswith("(")

    @property
    def weak(self) -> bool:
        """True if it is never certain enough to block."""
        return self.called or self.name.weak or self.operator == "is" or self.role is not Role.VALUE

    @property
    def end(self) -> int:
        """End of the value."""
        return self.reach or self.start + len(self.value)


def assigned(piece: TextIndex, names: Sequence[Name]) -> Iterator[Secret]:
    """Yield passwords, keys and tokens that are the value of a name that suggests a credential.

    Without quotes they count in formats that need none; elsewhere they may be a variable, and are uncertain.
    """
    config = _CONFIG.search(piece.path) is not None
    for found in _assignments(piece.text, names):
        literal = found.quoted or config or _in_connection_string(found)
        likely = _is_credential(found, literal=literal)
        joined = _joined(found) if found.quoted else found  # or text in other quotes follows
        for whole in (joined, found):
            if likely or _is_credential(whole, literal=literal) or _may_be_credential(whole):
                certain = likely and literal and not found.weak and not is_test_data(piece.path)
                certain = certain and not made_up(found.value)
                yield Secret(f"{found.word} written down", found.start, whole.end, certain)
                break


def _assignments(text: str, names: Sequence[Name]) -> Iterator[_Assigned]:
    """Yield every value that is assigned to the name of a credential, or compared with it."""
    reached = 0
    for name in names:
        if name.begin < reached:
            continue
        ahead = _ahead(text, name.begin)
        given = [] if about(text[name.end : name.after]) else list(_given(text, name))
        if given and given[-1].quoted:  # without quotes it may be the next name
            reached = given[-1].end
        if ahead and not about(text[name.end : name.after]):
            yield _Assigned(text, name, ahead["value"], ahead.start("value"), quoted=True, operator="==")
        yield from given


def _ahead(text: str, begin: int) -> re.Match[str] | None:
    """Return the value before the name at ``begin``; a search takes much longer than to look for its quotes."""
    start = max(0, begin - _AHEAD_REACH)
    return _AHEAD.search(text, start, begin) if any(text.find(quote, start, begin) >= 0 for quote in "\"'`") else None


def _given(text: str, name: Name) -> Iterator[_Assigned]:
    """Yield the values that follow ``name``: one, or those of a list or of a condition."""
    if _PROSE.match(text, name.after) and not _is_option(text, name.begin):
        return
    found, certain = _next(text, name)
    if not certain:
        others = [
            _Assigned(
                text, name, text[each.start : each.end], each.start, quoted=True, operator=each.operator, role=each.role
            )
            for each in literals(text, name.after)
            if each.end > each.start and not (each.operator in {",", ""} and _is_keyword(text, name))
        ]
        if others:
            if found:  # the name may stand inside a string that ends before them: "password=…", "other"
                yield found
            yield from others
            return
    if found := found or _spoken(text, name):
        yield found


def _next(text: str, name: Name) -> tuple[_Assigned | None, bool]:
    """Return the value right after ``name``, and True if it is certainly the value."""
    option = _is_option(text, name.begin)
    if match := (option and _OPTION.match(text, name.after)) or _PAIR.match(text, name.after):
        return _whole(_read(match, name), plain=True), True
    if (match := _BARE_PHRASE.match(text, name.after)) and _begins_its_line(phrase := _read(match, name)):
        return phrase, True
    match = _VALUE.match(text, name.after)
    found = _valued(_read(match, name), plain=option) if match else None
    return found, found is not None and found.quoted


def _spoken(text: str, name: Name) -> _Assigned | None:
    """Return the value in ``with password 1qnWgRHH75Dg``."""
    if match := _OPTION.match(text, name.after):
        found = _whole(_read(match, name), plain=False)
        if found and not found.quoted and _asks_for_a_password(found) and _is_no_word(found.value):
            return structs.replace(found, operator="is")
    return None


def _is_no_word(value: str) -> bool:
    digits = _digits(value)
    return digits > 1 or (digits > 0 and (noise(value) or (mixed(value) and any(sign in SIGNS for sign in value))))


def _is_option(text: str, begin: int) -> bool:
    start = max(0, begin - _LONGEST_OPTION)
    likely = text.find("--", start, begin) >= 0 or text.find("ENV", start, begin) >= 0  # a search takes much longer
    return likely and _BEFORE_AN_OPTION.search(text, start, begin) is not None


def _valued(found: _Assigned, *, plain: bool) -> _Assigned | None:
    keyword = found.operator in {",", ""} and _is_keyword(found.text, found.name)
    if keyword or (found.operator == "," and not found.closed):  # an argument among others
        return None
    if found.operator == ">" and (content := _ELEMENT.match(found.text, found.start)) and _is_element(found):
        return structs.replace(found, value=content[1], plain=True)
    return _whole(found, plain=plain or _of_a_file(found))


def _is_keyword(text: str, name: Name) -> bool:
    word = text[name.begin : name.end].lower()
    return word == "pass" or (word == "pw" and name.weak)


def _read(match: re.Match[str], name: Name) -> _Assigned:
    group = match.lastgroup or ""
    return _Assigned(
        match.string,
        name,
        match[group],
        match.start(group),
        quoted=group == "quoted",
        operator=match["operator"] or "",
        closed=match["closed"] is not None,
    )


_LINE = lazy(r"=[^\s,(]+[ \t]*(?=\n|$)")


def _of_a_file(found: _Assigned) -> bool:
    """Return True for ``PASSWORD=…``, wherever it stands, and ``smtp.password=…`` that is all of a line."""
    if found.closed or found.operator not in {"=", ":"}:
        return False
    if found.text[found.name.begin : found.name.end].isupper():
        return True
    return _LINE.match(found.text, found.name.after) is not None and _begins_its_line(found)


def _is_element(found: _Assigned) -> bool:
    """Return True for ``<password>…``, also with a prefix."""
    begin = found.name.begin
    return _TAG.search(found.text, max(0, begin - _LONGEST_TAG), begin) is not None


def _whole(found: _Assigned, *, plain: bool) -> _Assigned | None:
    """Return ``found`` with all of its value, which may hold characters that end others; None if it is code."""
    if found.quoted:
        return found
    found = structs.replace(found, plain=plain)
    if (setting := _setting(found)) and (whole := setting.match(found.text, found.start)):
        return structs.replace(found, value=whole[0])
    whole = _UNQUOTED.match(found.text, found.start)
    if whole and (has_unbalanced_brackets(whole[0]) or _is_noise(structs.replace(found, value=whole[0]))):
        return structs.replace(found, value=whole[0])
    return found if found.value and not found.called else None


def _joined(found: _Assigned) -> _Assigned:
    """Return ``found`` with the literals that continue it."""
    value, end = found.value, found.end
    while (more := _MORE.match(found.text, end)) and len(value) < _LONGEST_JOINED:
        value, end = value + more["part"], more.end()
    return structs.replace(found, value=value, reach=end) if end > found.end else found


def _is_noise(found: _Assigned) -> bool:
    """Return True for noise where code is unlikely."""
    value = found.value
    if found.name.weak or not noise(value) or (value.isalnum() and found.operator == ","):
        return False
    if found.quoted or found.plain:
        return True
    if found.word == "token":
        return False
    telling = any(map(str.isdigit, value)) or not any(map(str.isalpha, value[1:]))
    return telling and (found.operator == "is" or _begins_its_line(found))


def _is_credential(found: _Assigned, *, literal: bool) -> bool:
    if found.role is not Role.VALUE:
        return random_looking(found.value) and not _PATTERN.search(found.value) and not made_up(found.value)
    if is_reference(found.value) or is_placeholder(found.value):
        return False
    return random_looking(found.value) or _is_phrase(found) or _is_password(found, literal=literal)


def _may_be_credential(found: _Assigned) -> bool:
    """Return True for a value that is too doubtful to block, but is masked.

    A token is as often a parser's: a credential of that name has to look random.
    """
    if found.role is not Role.VALUE:
        return _asks_for_a_password(found) and _is_distant_password(found)
    if _is_noise(found):
        return True
    value = found.value
    if found.word in {"token", "key"}:
        return False
    if has_unbalanced_brackets(value) or (found.given and _PHRASE.match(value)):
        return True
    return not is_reference(value) and _is_weak(found)


def _is_distant_password(found: _Assigned) -> bool:
    """Return True for a literal that looks like a password and is one of several, or an argument."""
    value = found.value
    if is_placeholder(value):
        return False
    return (mixed(value) and not worded(value) and not is_reference(value)) or (
        found.role is Role.ELEMENT and noise(value)
    )


def _is_weak(found: _Assigned) -> bool:
    value, password = found.value, _asks_for_a_password(found)
    if value.isdigit():
        return len(value) >= SHORTEST and (found.quoted or found.plain or _begins_its_line(found))
    if password and _in_connection_string(found):
        return True
    return not is_placeholder(value) and (_is_a_word(found) or (mixed(value) and _is_mixed_password(found)))


def _is_mixed_password(found: _Assigned) -> bool:
    if found.quoted:
        return not (_may_be_a_name(found) and worded(found.value))
    if found.plain or (_asks_for_a_password(found) and not worded(found.value)):
        return True
    if _asks_for_a_password(found) or not _begins_its_line(found):
        return False
    return _digits(found.value) >= (1 if found.word == "secret" and not found.rest else _MANY_DIGITS)


def _digits(value: str) -> int:
    return sum(map(str.isdigit, value))


# Of settings in a string: what ends one, by what stands before it.
_SETTINGS = {
    **dict.fromkeys(";\"'", lazy(r"[^\s\"';]{6,200}(?=[;\"'\s]|$)")),
    **dict.fromkeys("&?", lazy(r"[^\s\"'&;]{6,200}(?=[&;\"'\s]|$)")),
    " ": lazy(r"[^\s\"',;]{6,200}(?=[ \"'\n]|$)"),
}
_LIBPQ = lazy(r"[\s\"'][A-Za-z_]+=[^\s\"',;()=]+ $")  # ``host=db user=ada password=…``
_LONGEST_SETTING = 100  # characters


def _setting(found: _Assigned) -> re.Pattern[str] | None:
    """Return the pattern of a value in ``"Server=db;Password=hunter2;"``: part of a string, so it is no variable."""
    if found.quoted or found.closed or found.operator != "=":
        return None
    text, begin = found.text, found.name.begin
    if _LIBPQ.search(text, max(0, begin - _LONGEST_SETTING), begin):
        return _SETTINGS[" "]
    return _SETTINGS.get(text[max(0, begin - 2) : begin].rstrip(" ")[-1:])


def _in_connection_string(found: _Assigned) -> bool:
    setting = _setting(found)
    return setting is not None and setting.match(found.text, found.start) is not None


_NO_PASSWORDS = ("secret", "token", "credential", "psk", "key")


def _asks_for_a_password(found: _Assigned) -> bool:
    """Return True if the name is that of a password, which can be any text."""
    return not found.word.endswith(_NO_PASSWORDS)


def _is_password(found: _Assigned, *, literal: bool) -> bool:
    if not _asks_for_a_password(found) or not mixed(found.value) or _may_be_a_name(found):
        return False
    return literal or _begins_its_line(found)


def _may_be_a_name(found: _Assigned) -> bool:
    """Return True for ``get_password("service1")``, which requests one."""
    return found.called and not any(sign in SIGNS for sign in found.value)


def _begins_its_line(found: _Assigned) -> bool:
    line = found.text[found.text.rfind("\n", 0, found.name.begin) + 1 : found.name.begin]
    return _START_OF_LINE.match(line) is not None


def _is_phrase(found: _Assigned) -> bool:
    """Return True for ``PASSWORD = "correcthorsebattery"``."""
    alone = found.quoted and found.operator in {"=", ":="} and not found.closed and not found.rest
    return alone and _is_a_word(found) and found.word.startswith("pass") and len(found.value) >= _SHORTEST_PHRASE


def _is_a_word(found: _Assigned) -> bool:
    """Return True for letters alone, which count only where the name is unambiguous: not ``"password": "Passwort"``."""
    if not found.value.isalpha() or len(found.value) < SHORTEST:
        return False
    if not _asks_for_a_password(found):
        alone = found.quoted and found.operator in {"=", ":="} and not found.closed and not found.rest
        return alone and len(found.value) >= _SHORTEST_PHRASE
    if found.quoted:
        return found.operator in {"=", ":=", ""} or (found.operator == ":" and _is_small(found.value))
    return found.plain and _is_small(found.value)


def _is_small(value: str) -> bool:
    return value.islower() and len(value) >= _SHORTEST_SMALL
