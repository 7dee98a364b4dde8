"""Promises of a project about its behaviour: docstrings and comments of its code, its documents, its tests."""

from __future__ import annotations

import ast
import re

from ralph_hooks.languages.syntax import python_tree
from ralph_hooks.languages.table import language_of
from ralph_hooks.languages.test_files import is_test_file

_DOCUMENTS = (".md", ".rst", ".txt", ".adoc", ".markdown")
_LEAST = 12  # letters of a quote: a shorter one is in every text


def is_document(path: str) -> bool:
    """Return whether ``path`` is written for people."""
    return path.lower().endswith(_DOCUMENTS)


def promised(quote: str, path: str, text: str) -> bool:
    """Return True if ``quote`` is in a docstring, comment, document or test, ignoring differences in white space."""
    wanted = _letters(quote)
    return len(wanted) >= _LEAST and wanted in _letters(_speaking(path, text))


def _letters(text: str) -> str:
    return "".join(re.findall(r"\w+", text.lower()))


def _speaking(path: str, text: str) -> str:
    """Return the parts of a file that say how it behaves; of Python all strings that are statements."""
    if is_document(path) or is_test_file(path):
        return text
    language = language_of(path)
    if language is None:
        return ""
    tree = python_tree(text) if language.is_python else None
    if tree is not None:
        texts = (n.value.value for n in ast.walk(tree) if isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant))
        return "\n".join(text for text in texts if isinstance(text, str))
    starts = (*language.line_comments, *(start for start, _ in language.block_comments), "*", "///", "//!")
    return "\n".join(line for line in text.splitlines() if line.lstrip().startswith(starts))
