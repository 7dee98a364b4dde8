"""Statements that print a mark, put before changed statements of a scratch copy, to see which of them run.

For languages that have no trace function in reach: a mark goes in front of the statement, on the same line, so that
line numbers stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from ralph_hooks.languages.table import language_of
from ralph_hooks.languages.tree import parse

if TYPE_CHECKING:
    from tree_sitter import Node

MARK = "@ralph-hooks-line"
_BLOCKS = frozenset(("statement_block", "statement_list", "block", "constructor_body"))
_FUNCTIONS = re.compile(r"function|method|arrow|constructor_declaration|func_literal|closure|lambda")
_FIRST = frozenset(("explicit_constructor_invocation",))
"""Statements that must stay first in their block."""
_SEEN = re.compile(rf"{MARK} (\d+) ([^\n\"']+?)@")


def instrumented(path: str, data: bytes, lines: Collection[int], statement: str) -> bytes:
    """Return ``data`` with a mark before each statement of a function that the changed ``lines`` are part of.

    ``statement`` prints ``{mark}``. As it is where no parser knows the language or no such statement is there.
    """
    language = language_of(path)
    tree = parse(language.grammar, data) if language is not None and language.grammar is not None else None
    if tree is None:
        return data
    places = {(place, line) for line in lines for place in _places(tree.root_node, line - 1)}
    for place, line in sorted(places, reverse=True):
        mark = statement.format(mark=f"{MARK} {line} {path}@").encode()
        data = data[:place] + mark + data[place:]
    return data


def seen(output: str) -> tuple[tuple[str, int], ...]:
    """Return path and line of the marks in what a run printed, each once."""
    return tuple(dict.fromkeys((path, int(line)) for line, path in _SEEN.findall(output)))


def _places(root: Node, row: int) -> Iterator[int]:
    """Yield the start of the innermost statement of a function that covers the 0-based ``row``."""
    node, best = root, None
    while True:
        inner = next((child for child in node.children if child.start_point[0] <= row <= child.end_point[0]), None)
        if inner is None:
            break
        for child in node.children:  # of several on one line the last one that begins there
            if child.start_point[0] == row and child.is_named:
                inner = child
                break
        if node.type in _BLOCKS and inner.is_named and inner.type not in _FIRST and "comment" not in inner.type:
            best = inner
        node = inner
    if best is not None and _in_function(best):
        yield best.start_byte


def _in_function(node: Node) -> bool:
    parent = node.parent
    while parent is not None:
        if _FUNCTIONS.search(parent.type):
            return True
        parent = parent.parent
    return False
