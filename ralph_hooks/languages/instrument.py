"""Statements that print a mark, put before changed statements of a scratch copy, to see which of them run.

For languages that have no trace function in reach: a mark goes in front of the statement, on the same line, so that
line numbers stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, NamedTuple

from ralph_hooks.languages.table import language_of
from ralph_hooks.languages.tree import parse

if TYPE_CHECKING:
    from tree_sitter import Node

MARK = "@ralph-hooks-line"
_BLOCKS = frozenset(("statement_block", "statement_list", "block", "constructor_body"))
_ARMS = frozenset(
    ("switch_case", "switch_default", "switch_block_statement_group", "switch_rule", "match_arm", "expression_case",
     "default_case", "type_case", "communication_case")
)  # fmt: skip
"""Parts of a statement, only one of which runs."""
_OPEN_ARMS = frozenset(("switch_case", "switch_default", "switch_block_statement_group"))
"""Those whose statements need no block."""
_PARTS = {
    **dict.fromkeys(("for_statement", "for_in_statement", "enhanced_for_statement", "while_statement"), ("body",)),
    "do_statement": ("body",), "if_statement": ("consequence", "alternative"), "closure_expression": ("body",),
}  # fmt: skip
"""Fields whose node need not be a block; a mark needs one around it."""
_FUNCTIONS = re.compile(r"function|method|arrow|constructor_declaration|func_literal|closure|lambda")
_NO_STATEMENT = re.compile(r"comment|explicit_constructor_invocation|switch_label")
_SEEN = re.compile(rf"{MARK} (\d+) ([^\n\"']+?)@")
_LINES = re.compile(rf"^.*{MARK}.*\n?", re.MULTILINE)


def instrumented(path: str, data: bytes, lines: Collection[int], statement: str) -> bytes:
    """Return ``data`` with a mark before each statement of a function that the changed ``lines`` are part of.

    ``statement`` prints ``{mark}``. As it is where no parser knows the language or no such statement is there.
    """
    language = language_of(path)
    tree = parse(language.grammar, data) if language is not None and language.grammar is not None else None
    if tree is None:
        return data
    pieces: list[tuple[int, int, bytes]] = []
    for line in sorted(lines):
        place = _place(tree.root_node, line - 1)
        if place is None or place.node is None or not _in_function(place.node):
            continue
        mark = statement.format(mark=f"{MARK} {line} {path}@").encode()
        if place.is_value:
            mark = mark.rstrip(b"; ") + b", "
        pieces.append((place.node.start_byte, line, place.opening + mark))
        pieces.append((place.node.end_byte, -line, place.closing))  # the inner one ends first
    for offset, _, piece in sorted(pieces, reverse=True):
        data = data[:offset] + piece + data[offset:]
    return data


def seen(output: str) -> tuple[tuple[str, int], ...]:
    """Return path and line of the marks in what a run printed, each once."""
    return tuple(dict.fromkeys((path, int(line)) for line, path in _SEEN.findall(output)))


def without_marks(output: str, statement: str = "") -> str:
    """Return ``output`` without printed marks, and without ``statement`` in source lines that it shows."""
    if statement:
        before, after = map(re.escape, statement.split("{mark}"))
        output = re.sub(rf"{before}{MARK} \d+ [^\n]+?@{after}", "", output)
    return _LINES.sub("", output)


class _Place(NamedTuple):
    """A place for a mark; without a node none can be put there."""

    row: int
    node: Node | None
    opening: bytes = b""
    closing: bytes = b""
    is_value: bool = False


def _place(root: Node, row: int) -> _Place | None:
    """Return the place whose mark is printed if the 0-based ``row`` runs; None if it is in no statement."""
    places = list(_places(root, row))
    beginning = [place for place in places if place.row == row]
    return beginning[0] if beginning else places[-1] if places else None


def _places(node: Node, row: int) -> Iterator[_Place]:
    """Yield the places for statements in ``node`` that cover ``row``, outer ones first."""
    for child in node.children:
        if not child.start_point[0] <= row <= child.end_point[0] or not child.is_named:
            continue
        begins = child.start_point[0]
        if child.type in _ARMS:
            value = child.child_by_field_name("value") if child.type == "match_arm" else None
            if value is None or value.type in _BLOCKS:
                yield _Place(begins, _first_statement(child))
            else:
                yield _Place(begins, value, b"{ ", b" }")
        elif child.type in _BLOCKS or child.type == "else_clause" or _NO_STATEMENT.search(child.type):
            pass
        elif node.type in _BLOCKS or (node.type in _OPEN_ARMS and child != node.child_by_field_name("value")):
            yield _Place(begins, child)
        elif node.type == "else_clause" or child in _parts(node):
            yield _Place(begins, child, b"{ ", b" }")
        elif node.type == "arrow_function" and child == node.child_by_field_name("body"):
            yield _Place(begins, child, b"(", b")", is_value=True)
        elif node.type in {"match_arm", "switch_rule", "lambda_expression"} and child == node.children[-1]:
            yield _Place(begins, None)
        yield from _places(child, row)


def _parts(node: Node) -> list[Node | None]:
    return [node.child_by_field_name(name) for name in _PARTS.get(node.type, ())]


def _first_statement(arm: Node) -> Node | None:
    """Return the first statement of ``arm``; None if it has none that a mark can be put before."""
    value = arm.child_by_field_name("value")
    inner = arm.children_by_field_name("body") if arm.type in {"switch_case", "switch_default"} else arm.named_children
    for child in inner:
        if child.type in _BLOCKS:
            return child.named_children[0] if child.named_children else None
        if arm.type in _OPEN_ARMS and child != value and not _NO_STATEMENT.search(child.type):
            return child
    return None


def _in_function(node: Node) -> bool:
    parent = node.parent
    while parent is not None:
        if _FUNCTIONS.search(parent.type):
            return True
        parent = parent.parent
    return False
