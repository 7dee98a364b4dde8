"""Definitions of a file and calls on its lines: by `ast` for Python, by tree-sitter for the rest and broken Python."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from ralph_hooks.core.lazy_pattern import lazy
from ralph_hooks.languages.syntax import python_tree
from ralph_hooks.languages.table import Language, language_of
from ralph_hooks.languages.tree import Grammar, find, parse

if TYPE_CHECKING:
    from tree_sitter import Node, Tree

_LONGEST_NAME = 200  # characters
_FIRST_LINE = 200  # characters
_HEAD = 60  # lines in front of the first definition of other languages
_STATEMENT = 4  # lines; a longer one at the top of a module is data
_CALLABLE = ("function", "method", "constructor", "lambda", "delegate", "property")
_TYPE_ARGUMENTS = lazy(r"<[^<>]*>")
_VALUES = frozenset(("arrow_function", "function_expression", "generator_function", "function", "class"))
_WRAPPERS = frozenset(("export_statement", "template_declaration"))
_DECORATORS = frozenset(("attribute_item", "decorator"))


class Definition(Struct, frozen=True, array_like=True):
    """A class, function or the like. Lines are 1-based."""

    name: str
    """With the names around it: ``Garage.leave``."""
    first: int
    """Its first line, decorators included."""
    body: int
    """The first line behind its signature."""
    last: int

    @property
    def lines(self) -> range:
        """All of it."""
        return range(self.first, self.last + 1)

    @property
    def signature(self) -> range:
        """The lines in front of its body."""
        return range(self.first, self.body)

    @property
    def short_name(self) -> str:
        """The name without those around it."""
        return self.name.rpartition(".")[2]


class CalledName(Struct, frozen=True, array_like=True):
    """A place that calls something."""

    name: str
    """The last part of `written`: ``leave``."""
    written: str
    """As the code says it, without arguments: ``self.garage.leave``."""
    line: int


def definitions(path: str, text: str) -> tuple[Definition, ...]:
    """Return the definitions of a file in its order: classes, their members, functions, but none within a function.

    Nothing if no parser knows the language.
    """
    language = _language(path, text)
    if language is None:
        return ()
    tree = python_tree(text) if language.is_python else None
    if tree is not None:
        return tuple(_members(tree, ""))
    data = text.encode(errors="replace")
    parsed = parse(language.grammar, data) if language.grammar is not None else None
    if language.grammar is None or parsed is None:
        return ()
    return tuple(_by_grammar(language.grammar, parsed, data))


class Outline(Struct, frozen=True, array_like=True):
    """Definitions of a file and the calls in it, in the order of the file."""

    definitions: tuple[Definition, ...] = ()
    calls: tuple[CalledName, ...] = ()
    imported: tuple[str, ...] = ()
    """Names that imports bind; of Python alone. `*` stands for names that are not known."""


def outline(path: str, text: str) -> Outline:
    """Return definitions and calls of a file from one parse; nothing if no parser knows the language."""
    language = _language(path, text)
    if language is None:
        return Outline()
    tree = python_tree(text) if language.is_python else None
    if tree is not None:
        return Outline(tuple(_members(tree, "")), *_python_calls(tree))
    grammar = language.grammar
    data = text.encode(errors="replace")
    parsed = parse(grammar, data) if grammar is not None else None
    if grammar is None or parsed is None:
        return Outline()
    return Outline(tuple(_by_grammar(grammar, parsed, data)), tuple(_grammar_calls(grammar, parsed)))


def enclosing(found: Sequence[Definition], line: int) -> Definition | None:
    """Return the innermost of ``found`` around ``line``."""
    return min((each for each in found if line in each.lines), key=lambda each: len(each.lines), default=None)


def head_lines(path: str, text: str) -> frozenset[int]:
    """Return the lines with imports and short constants; of other languages than Python those above all definitions."""
    language = _language(path, text)
    tree = python_tree(text) if language is not None and language.is_python else None
    if tree is not None:
        return frozenset(_python_head(tree))
    top = min((each.first for each in definitions(path, text)), default=_HEAD + 1)
    return frozenset(range(1, min(top, _HEAD + 1)))


def _language(path: str, text: str) -> Language | None:
    return language_of(path, text[:_FIRST_LINE].encode(errors="replace"))


def _python_head(tree: ast.Module) -> Iterator[int]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        last = node.end_lineno or node.lineno
        if last - node.lineno < _STATEMENT or isinstance(node, ast.Import | ast.ImportFrom):
            yield from range(node.lineno, last + 1)


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


_LEAVES = frozenset((ast.Name, ast.Constant, str, type(None)))
_PARENTS = (ast.expr, ast.stmt, ast.arguments, ast.keyword)


def _python_calls(tree: ast.Module) -> tuple[tuple[CalledName, ...], tuple[str, ...]]:
    """Return the calls in a file, and the names that it imports."""
    found: list[CalledName] = []
    imported: set[str] = set()
    stack: list[ast.AST] = [tree]
    while stack:  # ast.walk takes three times as long
        node = stack.pop()
        for field in node._fields:
            value = getattr(node, field, None)
            if value.__class__ is list:
                stack += [item for item in value if item.__class__ not in _LEAVES]
            elif isinstance(value, _PARENTS):
                stack.append(value)
        if isinstance(node, ast.Call):
            written = _dotted(node.func)
            if written:
                found.append(CalledName(written.rpartition(".")[2], written, node.func.end_lineno or node.lineno))
        elif isinstance(node, ast.ImportFrom):
            imported |= {alias.asname or alias.name for alias in node.names}
    return tuple(sorted(found, key=lambda call: (call.line, call.written))), tuple(sorted(imported))


def _dotted(node: ast.expr) -> str:
    """Return ``a.b.c`` as it is written; what is no name in front is left out."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name):
        parts.append(node.id)
    return ".".join(reversed(parts))


def _by_grammar(grammar: Grammar, tree: Tree, data: bytes) -> Iterator[Definition]:
    around: list[tuple[int, str]] = []  # where each definition around ends, and its name; no name within a function
    for node in find(grammar, (*grammar.definitions, *grammar.values), tree.root_node):
        while around and node.start_byte >= around[-1][0]:
            around.pop()
        if around and not around[-1][1]:
            continue
        name = _name(grammar, node)
        if not name:
            continue
        full = ".".join([*(outer for _, outer in around[-1:]), name])
        yield Definition(full, _first_line(node), *_body_and_last(node, data))
        around.append((node.end_byte, "" if _is_callable(grammar, node) else full))


def _is_callable(grammar: Grammar, node: Node) -> bool:
    if node.type in grammar.values:
        value = node.child_by_field_name(grammar.values[node.type])
        return value is None or value.type != "class"
    return any(word in node.type for word in _CALLABLE) and not node.type.endswith("_signature")


def _name(grammar: Grammar, node: Node) -> str:
    """Return the name that ``node`` defines; empty if it defines nothing that has one."""
    if node.type in grammar.values:
        value = node.child_by_field_name(grammar.values[node.type])
        if value is None or value.type not in _VALUES:
            return ""
    if node.type.endswith("_specifier") and node.child_by_field_name("body") is None:
        return ""  # `struct point p;` uses it
    named = node.child_by_field_name(grammar.names.get(node.type, "name"))
    while named is not None and (inner := named.child_by_field_name("declarator")) is not None:
        named = inner  # C: `int *f(void)` is a pointer to a function to a name
    if named is None or named.text is None:
        return ""
    name = _plain(named.text)
    receiver = node.child_by_field_name(grammar.receivers.get(node.type, "")) if grammar.receivers else None
    owner = re.search(rb"([A-Za-z_]\w*)\s*(?:\[[^\]]*\])?\s*\)$", receiver.text or b"") if receiver else None
    return f"{owner[1].decode()}.{name}" if owner else name


def _plain(text: bytes) -> str:
    name = _TYPE_ARGUMENTS.sub("", _TYPE_ARGUMENTS.sub("", text.decode(errors="replace")))  # of `impl<T> Tr for S<T>`
    return re.sub(r"\s+", " ", name).strip("\"'` ").replace("::", ".")[:_LONGEST_NAME]


def _first_line(node: Node) -> int:
    if node.parent is not None and node.parent.type in _WRAPPERS:
        node = node.parent
    first = node.start_point[0]
    before = node.prev_named_sibling
    while before is not None and before.type in _DECORATORS:
        first = before.start_point[0]
        before = before.prev_named_sibling
    return first + 1


def _body_and_last(node: Node, data: bytes) -> tuple[int, int]:
    last = _last_line(node)
    inner = _body(node)
    if inner is None:
        return last + 1, last
    start = inner.start_point[0] + 1
    opens = data[inner.start_byte : inner.start_byte + 1] in {b"{", b":"}
    return min(max(start + opens, node.start_point[0] + 2), last + 1), last


def _body(node: Node) -> Node | None:
    """Return what follows the signature: the body, also that of a value (JavaScript), or the type (Go)."""
    for field in ("body", "value", "type"):
        inner = node.child_by_field_name(field)
        if inner is not None and inner.end_byte == node.end_byte:
            return inner.child_by_field_name("body") or inner
    if node.named_children and node.named_children[-1].type.endswith("_body"):
        return node.named_children[-1]  # Kotlin has no fields for it
    return node.child_by_field_name("body")


def _last_line(node: Node) -> int:
    row, column = node.end_point
    return row + 1 if column or row == node.start_point[0] else row  # some nodes end with the line break


def _grammar_calls(grammar: Grammar, tree: Tree) -> Iterator[CalledName]:
    for node in find(grammar, tuple(grammar.calls), tree.root_node):
        field = grammar.calls[node.type]
        called = node.child_by_field_name(field) if field else next(iter(node.named_children), None)
        if called is None or called.text is None:
            continue
        written = _written(called.text)
        name = re.search(r"[A-Za-z_$][\w$-]*[?!]?$", written)
        if name:
            yield CalledName(name[0], written, called.end_point[0] + 1)


def _written(text: bytes) -> str:
    """Return the callee as a dotted name: the last part of a chain where there are arguments in between."""
    plain = re.sub(r"\s+", "", text.decode(errors="replace")).replace("::", ".").replace("->", ".").replace("?.", ".")
    plain = re.sub(r"\.?(?:<[^<>()]*>|\[[^\[\]()]*\])$", "", plain)  # type arguments
    return re.split(r"[^\w$.!?-]", plain)[-1].strip(".")[-_LONGEST_NAME:]
