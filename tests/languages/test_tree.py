"""Parsing ends in time, whatever is parsed."""

from __future__ import annotations

import pytest

from ralph_hooks.languages import tree
from ralph_hooks.languages.table import language_of
from ralph_hooks.languages.tree import Grammar, broken, find, parse


def grammar_of(path: str) -> Grammar:
    language = language_of(path)
    assert language
    assert language.grammar
    return language.grammar


def test_a_parser_is_stopped_by_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    grammar = grammar_of("a.js")
    data = b"a = [1, 2, 3];\n" * 10_000
    assert parse(grammar, data) is not None
    monkeypatch.setattr(tree, "SECONDS", -1.0)
    assert parse(grammar, data) is None
    monkeypatch.undo()
    assert parse(grammar, data) is not None


def test_a_file_that_is_too_large_is_not_parsed() -> None:
    assert parse(grammar_of("a.js"), b" " * 1_000_000) is not None
    assert parse(grammar_of("a.js"), b" " * 1_000_001) is None


def test_broken_places_come_in_order_and_are_capped() -> None:
    parsed = parse(grammar_of("a.js"), b"f(1;\n" * 50)
    assert parsed
    rows = [node.start_point[0] for node in broken(parsed, 5)]
    assert len(rows) == 5
    assert rows == sorted(rows)


def test_words_of_an_older_edition_are_parsed_at_their_place() -> None:
    parsed = parse(grammar_of("a.rs"), b"fn f() { try!(g()); h( }")
    assert parsed
    assert [node.start_byte for node in broken(parsed, 5)] == [21]


def test_outer_nodes_are_found_first() -> None:
    parsed = parse(grammar_of("a.js"), b"a(b());\nc();\n")
    assert parsed
    texts = [node.text for node in find(grammar_of("a.js"), ("call_expression",), parsed.root_node)]
    assert texts == [b"a(b())", b"b()", b"c()"]
