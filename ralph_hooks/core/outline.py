"""What a file is made of, and as much of it as a task needs: an expensive model is not sent what it need not read."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Collection, Iterator, Sequence

from msgspec import Struct

from ralph_hooks.core.text import plural
from ralph_hooks.core.usage import estimate_tokens

_PYTHON = (".py", ".pyi", ".pyw")
_WORDS = (
    r"(?:export|default|pub(?:\([a-z]+\))?|public|private|protected|internal|static|final|abstract|async|unsafe|virtual"
    r"|override|inline|const)\s+"
)
_KINDS = r"def|class|function\*?|fn|func|fun|impl|struct|enum|interface|trait|type|module|namespace|sub|record|object"
_HEADING = re.compile(
    rf"\s*(?:{_WORDS})*(?:(?:{_KINDS})\s+(?:\([^)]*\)\s*)?(?P<name>[A-Za-z_$][\w$.]*)"
    r"|(?!return|else|new|throw|await|yield|case|if|for|while|switch|catch)"
    r"[A-Za-z_][\w<>\[\],.:*& ]*[ *&](?P<typed>[A-Za-z_]\w*)\s*\([^;]*$)"
)
_CLOSING = re.compile(r"\s*(?:[)\]}]+[;,)]*|\{|end)\s*$")  # lines at the level of a heading that belong to it
_STATEMENT = 4  # lines; a longer one at the top of a module is data
_HEAD = 60  # lines in front of the first definition of other languages
_REACHES = (60, 20, 5)  # lines around a place, where its whole definition does not fit
_LOOSE = 10  # lines around a place that is in no definition


class Definition(Struct, frozen=True):
    """A class or function. Lines are 1-based."""

    name: str
    """With the classes around it: ``Garage.leave``."""
    first: int
    """Its first line, decorators included."""
    body: int
    """The first line behind its signature."""
    last: int

    @property
    def lines(self) -> range:
        """All of it."""
        return range(self.first, self.last + 1)


class _Anatomy(Struct, frozen=True):
    definitions: tuple[Definition, ...]
    head: frozenset[int]
    """Lines with imports and constants."""


def definitions(path: str, text: str) -> tuple[Definition, ...]:
    """The classes and functions of a file, methods too, in its order; by indentation where it is not Python."""
    return _anatomy(path, text).definitions


def view(
    path: str, text: str, *, whole: int, limit: int, names: Collection[str] = (), lines: Collection[int] = ()
) -> str:
    """``text`` where it has at most ``whole`` tokens, else the parts that matter, in about ``limit``.

    That is the definitions called ``names`` and those around ``lines``, the imports, and the signatures of the rest.
    Where lines are left out, one in brackets says how many.
    """
    if estimate_tokens(text) <= whole:
        return text
    rows = text.removesuffix("\n").split("\n")
    anatomy = _anatomy(path, text)
    wanted = [d for d in anatomy.definitions if _is_called(d, names)]
    wanted += [inner for line in lines if (inner := _innermost(anatomy.definitions, line))]
    bodies = {line for d in wanted for line in d.lines}
    loose = _near([line for line in lines if line not in bodies], _LOOSE)
    signatures = {line for d in anatomy.definitions for line in range(d.first, d.body)}
    core = anatomy.head | bodies | loose
    for kept in (core | signatures, core, *(signatures & bodies | loose | _near(lines, reach) for reach in _REACHES)):
        shown = _shown(rows, kept)
        if (lines or kept >= core) and estimate_tokens(shown) <= limit:
            return shown
    return _shown(rows, _first(rows, core, limit))


def _near(lines: Collection[int], reach: int) -> set[int]:
    return {near for line in lines for near in range(line - reach, line + reach + 1)}


def _first(rows: Sequence[str], kept: Collection[int], limit: int) -> set[int]:
    """As many of ``kept``, from the top, as hold ``limit`` tokens."""
    fitting: set[int] = set()
    room = limit
    for line in sorted(line for line in kept if 0 < line <= len(rows)):
        room -= estimate_tokens(rows[line - 1] + "\n")
        if room < 0:
            break
        fitting.add(line)
    return fitting


def _shown(rows: Sequence[str], kept: Collection[int]) -> str:
    texts: list[str] = []
    skipped: list[str] = []
    for number, row in enumerate(rows, start=1):
        if number in kept:
            texts += [*_gap(skipped), row]
            skipped = []
        else:
            skipped.append(row)
    return "\n".join([*texts, *_gap(skipped)]) + "\n"


def _gap(skipped: Sequence[str]) -> Sequence[str]:
    """What stands for lines that are left out; blank ones take less room than a word about them."""
    return [f"[... {plural(len(skipped), 'line')} left out ...]"] if any(map(str.strip, skipped)) else skipped


def _is_called(definition: Definition, names: Collection[str]) -> bool:
    return any(definition.name == name or definition.name.endswith(f".{name}") for name in names)


def _innermost(found: Sequence[Definition], line: int) -> Definition | None:
    return min((d for d in found if line in d.lines), key=lambda d: len(d.lines), default=None)


def _anatomy(path: str, text: str) -> _Anatomy:
    if path.endswith(_PYTHON):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Python's advice on code is for its author
                return _python(ast.parse(text))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            pass  # told by indentation instead
    return _indented(text.split("\n"))


def _python(tree: ast.Module) -> _Anatomy:
    head = {
        line
        for node in tree.body
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        for last in [node.end_lineno or node.lineno]
        if last - node.lineno < _STATEMENT or isinstance(node, ast.Import | ast.ImportFrom)
        for line in range(node.lineno, last + 1)
    }
    return _Anatomy(tuple(_members(tree, "")), frozenset(head))


def _members(node: ast.AST, prefix: str) -> Iterator[Definition]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            first = min([child.lineno, *(decorator.lineno for decorator in child.decorator_list)])
            name = prefix + child.name
            body = max(child.lineno + 1, min(part.lineno for part in child.body))
            yield Definition(name, first, body, child.end_lineno or child.lineno)
            if isinstance(child, ast.ClassDef):
                yield from _members(child, f"{name}.")
        elif isinstance(child, ast.If | ast.Try | ast.With):
            yield from _members(child, prefix)


def _indented(rows: Sequence[str]) -> _Anatomy:
    found: list[Definition] = []
    open_: list[tuple[int, str, int]] = []  # indentation, name, place in `found`
    last = 0
    for number, row in enumerate(rows, start=1):
        if not row.strip():
            continue
        indent = len(row) - len(row.lstrip())
        closes = _CLOSING.match(row) is not None
        while open_ and (indent < open_[-1][0] or (indent == open_[-1][0] and not closes)):
            _close(found, open_.pop()[2], last)
        heading = _HEADING.match(row)
        if heading:
            name = ".".join([*(outer[1] for outer in open_), heading["name"] or heading["typed"]])
            open_.append((indent, heading["name"] or heading["typed"], len(found)))
            found.append(Definition(name, number, number + 1, number))
        last = number
    for _, _, place in open_:
        _close(found, place, last)
    top = min((d.first for d in found), default=_HEAD + 1)
    return _Anatomy(tuple(found), frozenset(range(1, min(top, _HEAD + 1))))


def _close(found: list[Definition], place: int, last: int) -> None:
    begun = found[place]
    found[place] = Definition(begun.name, begun.first, begun.body, max(begun.first, last))
