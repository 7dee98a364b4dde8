"""What kind of change a file has, told by cheap local means: boilerplate needs no expensive model to repair it."""

from __future__ import annotations

import re
from enum import StrEnum
from posixpath import splitext

from ralph_hooks.core.change import Content, Entry


class Kind(StrEnum):
    """Everything but `LOGIC` is boilerplate."""

    LOGIC = "logic"
    DOCUMENTATION = "documentation"
    CONFIGURATION = "configuration"
    TEST_DATA = "test data"
    FORMATTING = "formatting"
    """The program is the same: white space, line breaks, comments."""
    RENAME = "rename"

    @property
    def boilerplate(self) -> bool:
        """True where a mistake is easy to mend."""
        return self is not Kind.LOGIC


_DOCUMENTS = frozenset((".md", ".rst", ".txt", ".adoc", ".mdx"))
_NAMES = re.compile(
    r"(?:^|/)(?:LICENSE|LICENCE|NOTICE|AUTHORS|CHANGELOG|CHANGES|README|CODEOWNERS)[^/]*$", re.IGNORECASE
)
_CONFIGURATION = frozenset(
    (".toml", ".yaml", ".yml", ".ini", ".cfg", ".conf", ".json", ".json5", ".properties", ".env")
)
_DATA = frozenset((".csv", ".tsv", ".jsonl", ".xml", ".html", ".sql", ".log", ".out", ".expected", ".golden"))
_TEST_FOLDER = re.compile(r"(?:^|/)(?:tests?|spec|__tests__|testdata|fixtures|__snapshots__)/")
_PYTHON = frozenset((".py", ".pyi"))
# White space between tokens means nothing in these, so that the same words are the same program.
_FREE_FORM = frozenset((
    ".js", ".jsx", ".ts", ".tsx", ".css", ".scss", ".c", ".h", ".cc", ".cpp", ".hpp", ".java", ".kt", ".go", ".rs",
    ".cs", ".swift", ".php", ".json",
))  # fmt: skip


def kind_of(entry: Entry, content: Content) -> Kind:
    """The kind of change that ``entry`` is: by its content first, then by its name."""
    if entry.old_path != entry.path and entry.old_oid == entry.new_oid:
        return Kind.RENAME
    if content.old is not None and content.new is not None and _same_program(entry.path, content.old, content.new):
        return Kind.FORMATTING
    return kind_of_path(entry.path)


def kind_of_path(path: str) -> Kind:
    """As much as a name tells."""
    suffix = splitext(path)[1].lower()
    if _TEST_FOLDER.search(path) and suffix in _DATA | _CONFIGURATION | _DOCUMENTS:
        return Kind.TEST_DATA
    if suffix in _DOCUMENTS or _NAMES.search(path):
        return Kind.DOCUMENTATION
    return Kind.CONFIGURATION if suffix in _CONFIGURATION else Kind.LOGIC


def _same_program(path: str, old: bytes, new: bytes) -> bool:
    suffix = splitext(path)[1].lower()
    if suffix in _FREE_FORM:
        return old.split() == new.split()
    return suffix in _PYTHON and _same_python(old, new)


def _same_python(old: bytes, new: bytes) -> bool:
    import ast

    try:
        return ast.dump(ast.parse(old)) == ast.dump(ast.parse(new))
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # what is no program is not the same one
        return False
