"""Classify a file's change by cheap local means: boilerplate needs no expensive model to repair it."""

from __future__ import annotations

import re
from posixpath import splitext

from ralph_hooks.core.change import Content, Entry
from ralph_hooks.core.change_kind import Kind
from ralph_hooks.languages.table import language_of
from ralph_hooks.languages.test_files import is_test_file

_DOCUMENTS = frozenset((".md", ".rst", ".txt", ".adoc", ".mdx"))
_NAMES = re.compile(
    r"(?:^|/)(?:LICENSE|LICENCE|NOTICE|AUTHORS|CHANGELOG|CHANGES|README|CODEOWNERS)[^/]*$", re.IGNORECASE
)
_CONFIGURATION = frozenset(
    (".toml", ".yaml", ".yml", ".ini", ".cfg", ".conf", ".json", ".json5", ".properties", ".env")
)
_DATA = frozenset((".csv", ".tsv", ".jsonl", ".xml", ".html", ".sql", ".log", ".out", ".expected", ".golden"))


def kind_of(entry: Entry, content: Content) -> Kind:
    """Return the kind of change that ``entry`` is: by its content first, then by its name."""
    if entry.old_path != entry.path and entry.old_oid == entry.new_oid:
        return Kind.RENAME
    if content.old is not None and content.new is not None and _same_program(entry.path, content.old, content.new):
        return Kind.FORMATTING
    return kind_of_path(entry.path)


def kind_of_path(path: str) -> Kind:
    """Return the kind of change as far as the name shows it."""
    suffix = splitext(path)[1].lower()
    if is_test_file(path) and suffix in _DATA | _CONFIGURATION | _DOCUMENTS:
        return Kind.TEST_DATA
    if suffix in _DOCUMENTS or _NAMES.search(path):
        return Kind.DOCUMENTATION
    return Kind.CONFIGURATION if suffix in _CONFIGURATION else Kind.LOGIC


def _same_program(path: str, old: bytes, new: bytes) -> bool:
    language = language_of(path)
    if language is None:
        return False
    if language.free_form:
        return old.split() == new.split()
    return language.is_python and _same_python(old, new)


def _same_python(old: bytes, new: bytes) -> bool:
    import ast

    try:
        return ast.dump(ast.parse(old)) == ast.dump(ast.parse(new))
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # a file that does not parse is not equal to any
        return False
