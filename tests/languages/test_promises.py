"""Promises of a project, and code that is none."""

from __future__ import annotations

import pytest

from ralph_hooks.languages.promises import is_document, promised

PYTHON = (
    'def days(hours):\n    """A day has\n    24 hours."""\n    text = "A day has 25 hours."\n    return hours // 24\n'
)


@pytest.mark.parametrize(
    ("quote", "path", "text", "found"),
    [
        ("A day has 24 hours.", "shop.py", PYTHON, True),
        ("A day has 25 hours.", "shop.py", PYTHON, False),
        ("return hours // 24", "shop.py", PYTHON, False),
        ("a day", "shop.py", PYTHON, False),
        ("returns zero for nothing", "a.go", "// Rate returns zero\n// for nothing.\nfunc Rate() {}\n", True),
        ("func Rate() int {}", "a.go", "// Rate.\nfunc Rate() int {}\n", False),
        ("A day has 24 hours", "README.md", "A *day* has 24 hours.", True),
        ("A day has 24 hours", "data.bin", "A day has 24 hours", False),
    ],
)
def test_promise_is_in_words_for_people(quote: str, path: str, text: str, *, found: bool) -> None:
    assert promised(quote, path, text) is found


def test_documents_are_known_by_their_names() -> None:
    assert is_document("docs/A.MD")
    assert not is_document("a.py")
