"""Find the literals that code assigns to a name, in any language: one small tokenizer in place of a pattern a notation.

From the name on, everything that languages put between a name and its value is skipped: type annotations, generics,
property accessors, wrappers such as ``Some(``, ``Field(default=`` or ``ref<string>(``, casts, conditions. The end of
the statement, a comma outside brackets or a keyword ends the walk, and so does its bound on tokens and characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum, auto

from msgspec import Struct

from ralph_hooks.core.lazy_pattern import lazy
from ralph_hooks.secrets.text_index import SHOWN

_REACH = 400  # characters from the name to its value
_MOST_TOKENS = 60
_LONGEST = 400  # characters of a literal
_MOST_WORDS = 4  # of a type, as in ``password : constant String := "..."``


class Role(Enum):
    """The relation of a literal to the name."""

    VALUE = auto()
    """Its value, directly or in a wrapper."""
    ELEMENT = auto()
    """One of several values."""
    ARGUMENT = auto()
    """An argument of a function whose result is the value."""


class Literal(Struct, frozen=True):
    """A literal that belongs to a name, without its quotes."""

    start: int
    end: int
    operator: str
    """The sign that binds it: ``=``, ``:``, ``(``, ``,`` or nothing."""
    role: Role


_TOKEN = lazy(
    r"(?P<space>[ \t]+|/\*[^*\n]{0,80}\*/|(?<=[&<])'[a-z_]\w*(?![\w'])|'static\b(?!'))"  # also a lifetime of Rust
    r"|(?P<line>\\?\r?\n)"
    r"|(?P<string>[@$]{0,2}(?:[bBcCfFkKlLnNrRsSuUxX]{1,2}8?)?#{0,4}[\"'`]|%?[qQwW]{1,2}[({\[|!]|%[({]"
    r"|\[=*\[(?=[^\s\"'\[\]])|\$\$)"
    r"|(?P<word>(?:[^\W\d]|\$)[\w$]*(?:(?:\.|::|->|\\)[A-Za-z_]\w*)*)"
    r"|(?P<bind><<?-|:=|=>|[?+|]=|={1,3}|!==?|\|\||\?\?|\?:|::?)"
    r"|(?P<open>[(\[{<])|(?P<close>[)\]}>])"
    r"|(?P<sign>//|[^\n])"
)
_CLOSERS = lazy(r"[*?!]{0,2}(?:(?P<quote>[\"'`])[\])}]{0,2}|\])?")
_ATTRIBUTE = lazy(r"\.(?!(?i:set|assign|value|of|new|from|default)\w*)")
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_GENERIC = lazy(r"<[\w\s,.&|\[\]?:'*]{1,80}(?:<[\w\s,.&|\[\]?:'*]{0,80}>[\w\s,.&|\[\]?]{0,40})?>")
_SUBSCRIPT = lazy(r"\[[^\[\]\n]{0,200}(?:\[[^\[\]\n]{0,100}\][^\[\]\n]{0,100}){0,3}\]")
_ACCESSORS = lazy(r"\{[^{}\n\"'`]{0,120}\}")
_DEFINITION = lazy(r"(?i)\{[ \t]{0,4}(?:[lu]?[\"']|[^{}]{0,200}\b(?:default|value|initial)\w*[\"']?\s{0,4}[:=])")
_TUPLE = lazy(r",[ \t]{0,4}\w{1,40}[ \t]{0,4}:?=(?!=)")
_PAIR = lazy(r",[ \t]{0,4}(?=<{0,2}[\"'])")
_PAIR_OF_ATOM = lazy(r",[ \t]{0,4}(?=<{0,2}\"[^\"\n]{1,200}\">{0,2}[ \t]{0,4}\})")  # of Erlang
_IS_KEY = lazy(r"\s{0,4}(?:=>|[:=](?![:=]))")
_NEXT_LINE = lazy(SHOWN + r"[ \t]*")
_BEFORE_GENERIC = lazy(r"([\w.:]{1,60})<[^<>()]{0,80}>$")
_OR_ELSE = lazy(r"(?i)or|else|default|fallback")  # ``var("PASSWORD").unwrap_or("...")``
_LONGEST_CALLEE = 150  # characters

_ENDS = frozenset(
    [
        *("and", "for", "in", "return", "def", "fn", "func", "function", "while", "import", "from", "then", "do"),
        *("raise", "throw", "with", "is", "not"),
    ]
)
_ALTERNATIVES = frozenset(["||", "??", "?:", "or", "else", "if", "?"])
_COMPARISONS = frozenset(["==", "===", "!=", "!=="])
_SPELLINGS = {"<-": "=", "<<-": "=", "?=": "=", "+=": "=", "|=": "=", "::": ":", "===": "==", "!==": "=="}
_NO_VALUES = frozenset(["new", "await", "const", "mut", "static"])
_VALUE_KEY = lazy(
    r"(?i)_?(?:default|dflt|fallback|initial|init|plain|static|raw|fixed)?_?(?:value|val|text|string|secret)?$"
)
_LOOKUP = lazy(
    r"(?i)(?:^|[._:>])_{0,2}(?:get|env|read|load|fetch|find|look|query|open|input|prompt|ask|retrieve|resolve|config|setting"
    r"|param|header|cookie|t$|_$|i18n|translate|print|log|len$|isinstance|require|import|select)"
)
_WRAPPER = lazy(
    r"(?:^|\.|::)_{0,2}(?:[A-Z]\w*|ref|useState|signal|observable|str|string|bytes|bytearray|unicode|text|from|of|new|pack"
    r"|to_\w+|lit|literal|quote|q|field|secret|const|value|some|just|ok|lazy|mutableStateOf|stringWithString)$"
)


class _Group(Struct):
    """Brackets that the walk is in."""

    role: Role
    lookup: bool = False
    """True if the first argument says what is looked up."""
    many: bool = False
    """True if every entry is a value, whatever its key."""
    key: str = ""
    argument: int = 0

    def role_of_next(self) -> Role | None:
        """Return the role of a literal that comes next; None for those that are no value."""
        if self.key and not _VALUE_KEY.match(self.key):
            return Role.ARGUMENT if self.many else None
        if self.key:
            return self.role
        if self.lookup and not self.argument:
            return None
        return self.role if not self.argument or self.role is Role.ELEMENT else Role.ARGUMENT


def literals(text: str, after: int) -> Iterator[Literal]:
    """Yield the literals given to the name that ends at ``after``."""
    return iter(()) if _ATTRIBUTE.match(text, after) else _Walk(text, after).run()


class _Walk:
    """One pass over the tokens behind a name."""

    def __init__(self, text: str, after: int) -> None:
        closers = _CLOSERS.match(text, after)
        self._text = text
        self._at = closers.end() if closers else after
        self._limit = min(len(text), after + _REACH)
        self._closed = bool(closers and closers["quote"])
        self._plural = text[after - 1 : after] in {"s", "S"}
        self._operator = ""
        self._words = 0  # since the operator, outside brackets
        self._last = ""  # the last token but space
        self._read = False  # a value was read, and no alternative has followed
        self._groups: list[_Group] = []
        self._takes = {
            "word": self._word,
            "bind": self._bind,
            "open": self._open,
            "close": self._close,
            "sign": self._sign,
        }

    def run(self) -> Iterator[Literal]:
        """Yield literals until the statement ends."""
        for _ in range(_MOST_TOKENS):
            token = _TOKEN.match(self._text, self._at, self._limit)
            kind = token.lastgroup if token else None
            if token is None or (kind == "line" and not self._goes_on(token[0])):
                return
            self._at = token.end()
            if kind == "string":
                content = _content(self._text, token)
                if content is None or not (self._operator or self._is_next(token.start())):
                    return
                yield from self._literal(*content)
            elif kind == "line":
                if shown := _NEXT_LINE.match(self._text, self._at):
                    self._at = shown.end()
            elif kind in self._takes:
                if not self._takes[kind](token[0]):
                    return
                self._last = token[0]

    def _literal(self, begin: int, end: int, after: int) -> Iterator[Literal]:
        self._at = after
        if self._groups and _IS_KEY.match(self._text, after):
            self._last = self._text[begin:end]
            return
        roles = [group.role_of_next() for group in self._groups]
        if None not in roles:
            role = max([each for each in roles if each] or [Role.VALUE], key=lambda each: each.value)
            if role is Role.VALUE and self._words and self._operator:
                role = Role.ELEMENT
            operator = ":" if self._groups and self._operator != "(" else self._operator
            yield Literal(begin, end, operator, role)
        self._read, self._last = True, '"'

    def _is_next(self, start: int) -> bool:
        """Return True if the literal follows the name without an operator, as in Lisp."""
        return not self._words and self._text[start - 1].isspace()

    def _goes_on(self, end: str) -> bool:
        """Return True if the statement continues on the next line."""
        return bool(self._groups) or end.startswith("\\") or self._last in {"=", ":=", "=>", "<-", "+"}

    def _word(self, word: str) -> bool:
        if word in _ENDS or word.lower() in {"and", "for", "in"}:
            return False
        if word in _ALTERNATIVES:
            self._read = False
        elif not self._groups:
            if self._read:
                return False
            self._words += word not in _NO_VALUES
        return self._words <= _MOST_WORDS

    def _bind(self, sign: str) -> bool:
        if self._groups:
            if sign in {"=", ":", "=>"}:
                self._groups[-1].key = self._last.rpartition(".")[2]
            return True
        if sign in _ALTERNATIVES:
            self._operator = self._operator or "="
        elif self._operator:
            if sign in _COMPARISONS or (self._read and sign != ":"):  # the next condition
                return False
            self._operator = self._operator if sign == ":" else _SPELLINGS.get(sign, sign)
        elif self._words and (self._closed or sign in {":", "::"}):  # text, or an attribute
            return False
        else:
            self._operator = _SPELLINGS.get(sign, sign)
        self._read, self._words = False, 0
        return True

    def _open(self, sign: str) -> bool:
        if sign == "<":
            return self._skip(_GENERIC)
        before = self._text[self._at - 2 : self._at - 1]
        adjacent = before.isalnum() or before in {"_", ">", ")", "]", "!"}
        if not self._operator and not self._binds(sign):
            return self._skip(_SUBSCRIPT if sign == "[" else _ACCESSORS)
        if sign == "[" and adjacent:
            return self._skip(_SUBSCRIPT)
        self._groups.append(
            self._call() if sign == "(" and adjacent and self._operator != "(" else self._collection(sign)
        )
        return True

    def _binds(self, sign: str) -> bool:
        """Return True for brackets that give a value to the name: ``setPassword(``, ``password{"..."}``."""
        if sign == "(" and (not self._words or (self._closed and _OR_ELSE.search(self._last))):
            self._operator = "," if self._words else "("
        elif sign == "{" and _DEFINITION.match(self._text, self._at - 1):
            self._operator = ":"
        return bool(self._operator)

    def _call(self) -> _Group:
        generic = _BEFORE_GENERIC.search(self._text, max(0, self._at - _LONGEST_CALLEE), self._at - 1)
        callee = generic[1] if generic else self._last
        if not self._groups:
            self._words = 0
        lookup = _LOOKUP.search(callee) is not None
        wraps = not lookup and _WRAPPER.search(callee) is not None
        return _Group(Role.VALUE if wraps else Role.ARGUMENT, lookup=lookup)

    def _collection(self, sign: str) -> _Group:
        return _Group(Role.ELEMENT if sign == "[" else Role.VALUE, many=self._plural)

    def _skip(self, brackets: re.Pattern[str]) -> bool:
        match = brackets.match(self._text, self._at - 1)
        if match:
            self._at = match.end()
        return match is not None

    def _close(self, _: str) -> bool:
        if not self._groups:
            return self._closed and not self._operator  # of ``fetch("PASSWORD")``
        self._groups.pop()
        self._read = self._read and not self._groups
        return True

    def _sign(self, sign: str) -> bool:
        if sign == ",":
            return self._comma()
        if sign == "?":
            self._read, self._words = False, 0
        return sign not in {"#", "//"} and (sign != ";" or bool(self._groups))

    def _comma(self) -> bool:
        if self._groups:
            group = self._groups[-1]
            group.key, group.argument = "", group.argument + 1
            return True
        if self._operator:
            return False
        if (_PAIR if self._closed else _PAIR_OF_ATOM).match(self._text, self._at - 1):
            self._operator = ","
        elif match := _TUPLE.match(self._text, self._at - 1):
            self._at, self._operator = match.end(), "="
        return bool(self._operator)


_PLAIN = {quote: lazy(rf"(?:[^{quote}\\\n]|\\.|{quote}{quote}(?=[^\s,;)\]}}.]))*+{quote}") for quote in "\"'`"}


def _content(text: str, token: re.Match[str]) -> tuple[int, int, int] | None:
    """Return begin and end of the content of the literal that ``token`` opens, and the end of the literal."""
    opening, start = token[0], token.end()
    quote = opening[-1]
    if quote not in _PLAIN:
        long = opening in {"$$", "[["} or opening.startswith("[=")
        return _until(text, start, opening.replace("[", "]") if long else _CLOSING.get(quote, quote))
    if fence := opening.count("#"):
        return _until(text, start, quote + "#" * fence)
    if text.startswith(quote * 2, start):
        return _until(text, start + 2, quote * 3)
    match = _PLAIN[quote].match(text, start, start + _LONGEST)
    return (start, match.end() - 1, match.end()) if match else None


def _until(text: str, start: int, closing: str) -> tuple[int, int, int] | None:
    end = text.find(closing, start, start + _LONGEST)
    return None if end < 0 else (start, end, end + len(closing))
