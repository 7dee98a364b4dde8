"""Syntax trees by tree-sitter (https://tree-sitter.github.io). A grammar is loaded when the first file needs it."""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    from tree_sitter import Node, Parser, Point, Query, Tree

MAX_BYTES = 1_000_000
"""Size in bytes above which a file is not parsed: it is rarely hand-written."""
SECONDS = 2.0
"""The most CPU time that one file may take; the median is 2 ms. By the clock a busy machine would parse less."""
_CHUNK = 65_536  # bytes between two looks at the clock


class Grammar(Struct, frozen=True, kw_only=True):
    """A tree-sitter grammar and the names of its nodes."""

    package: str
    """The Python package that ships it."""
    function: str = "language"
    """The function of the package that returns it."""
    definitions: tuple[str, ...] = ()
    """Nodes that define something with a name."""
    names: Mapping[str, str] = {}
    """The field with the name, if it is not ``name``, by node."""
    values: Mapping[str, str] = {}
    """Nodes that name the content of this field: a definition if that is a function."""
    receivers: Mapping[str, str] = {}
    """The field with the type that a definition belongs to, if it is outside of the type."""
    calls: Mapping[str, str] = {}
    """Nodes that call something, and the field that says what; empty if no field does."""
    spellings: tuple[tuple[bytes, bytes], ...] = ()
    """Tokens of older editions that the grammar does not know, and tokens of the same length that it does."""


def parse(grammar: Grammar, data: bytes) -> Tree | None:
    """Return the syntax tree of ``data``; None if it is too large, or takes more than `SECONDS`."""
    if len(data) > MAX_BYTES:
        return None
    for old, new in grammar.spellings:
        data = data.replace(old, new)
    end = time.thread_time() + SECONDS

    def read(offset: int, _point: Point) -> bytes:
        return data[offset : offset + _CHUNK]

    parser = _parser(grammar.package, grammar.function)
    try:
        return parser.parse(read, progress_callback=lambda _offset, _has_error: time.thread_time() > end)
    except ValueError:  # "Parsing failed": stopped by the clock
        parser.reset()
        return None


def broken(tree: Tree, most: int) -> list[Node]:
    """Return the nodes that the parser had to skip or make up, in their order, at most ``most``."""
    return [node for node, _ in zip(_broken(tree.root_node), range(most), strict=False)]


def _broken(root: Node) -> Iterator[Node]:
    stack = [root]
    while stack:
        node = stack.pop()
        if node.is_error or node.is_missing:
            yield node
        elif node.has_error:
            stack += reversed(node.children)


def find(grammar: Grammar, types: tuple[str, ...], root: Node) -> list[Node]:
    """Return the nodes below ``root`` of these ``types`` in their order, outer ones first."""
    if not types:
        return []
    from tree_sitter import QueryCursor

    cursor = QueryCursor(_query(grammar.package, grammar.function, types))
    return sorted(cursor.captures(root).get("it", ()), key=lambda node: (node.start_byte, -node.end_byte))


@cache
def _query(package: str, function: str, types: tuple[str, ...]) -> Query:
    from tree_sitter import Query

    return Query(_language(package, function), "[" + " ".join(f"({node})" for node in types) + "] @it")


@cache
def _language(package: str, function: str) -> Any:  # noqa: ANN401 - tree_sitter is not imported here
    from tree_sitter import Language

    return Language(getattr(importlib.import_module(package), function)())


def _parser(package: str, function: str) -> Parser:
    """Return a parser of its own: one must not be shared by threads."""
    from tree_sitter import Parser

    return Parser(_language(package, function))
