"""A file finds its language by name or first line."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest
from tree_sitter import Language as Loaded

from ralph_hooks.languages.outline import definitions
from ralph_hooks.languages.table import LANGUAGES, Language, language_of


@pytest.mark.parametrize(
    ("path", "first_line", "expected"),
    [
        ("src/a.py", b"", "Python"),
        ("A.JAVA", b"", "Java"),
        ("types.d.ts", b"", "TypeScript"),
        ("Gemfile", b"", "Ruby"),
        ("App.csproj", b"<Project/>", "XML"),
        ("tool", b"#!/usr/bin/env python3", "Python"),
        ("tool", b"#!/usr/local/bin/python3.12 -u", "Python"),
        ("tool", b"#!/usr/bin/env -S node --no-warnings", "JavaScript"),
        ("tool", b"#! /bin/bash -e", "shell"),
        ("tool", b"#!/bin/sh", "shell"),
        ("run.py", b"#!/bin/sh", "Python"),
        ("tool", b"#!/usr/bin/env fish", None),
        ("tool", b"", None),
        ("a.sql", b"", None),
        ("LICENSE", b"MIT", None),
    ],
)
def test_language_is_found_by_name_or_first_line(path: str, first_line: bytes, expected: str | None) -> None:
    found = language_of(path, first_line)
    assert (found.name if found else None) == expected


def test_no_two_languages_claim_the_same_file() -> None:
    for field in ("suffixes", "file_names", "interpreters"):
        claimed = [name for language in LANGUAGES for name in getattr(language, field)]
        assert len(claimed) == len(set(claimed))


@pytest.mark.parametrize("language", [each for each in LANGUAGES if each.grammar], ids=lambda each: each.name)
def test_every_grammar_loads_and_knows_the_nodes_of_the_table(language: Language) -> None:
    grammar = language.grammar
    assert grammar
    loaded = Loaded(getattr(importlib.import_module(grammar.package), grammar.function)())
    kinds = {loaded.node_kind_for_id(number) for number in range(loaded.node_kind_count)}
    assert {*grammar.definitions, *grammar.names, *grammar.values, *grammar.receivers, *grammar.calls} <= kinds


def test_only_the_grammar_of_the_file_is_loaded() -> None:
    script = (
        "import sys; from ralph_hooks.languages.outline import definitions; definitions('a.go', 'package a');"
        "print(sorted(name for name in sys.modules if name.startswith('tree_sitter') and '.' not in name))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['tree_sitter', 'tree_sitter_go']"


def test_python_needs_no_grammar() -> None:
    script = (
        "import sys; from ralph_hooks.languages.outline import definitions; definitions('a.py', 'def f(): pass');"
        "print(any(name.startswith('tree_sitter') for name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_file_that_is_too_large_is_not_parsed() -> None:
    assert definitions("a.go", "package a\nfunc f() {}\n") != ()
    assert definitions("a.go", "package a\nfunc f() {}\n" + "// x\n" * 200_000) == ()
