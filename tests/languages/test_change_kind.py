"""What a change is taken for decides who repairs it: never boilerplate where there may be logic."""

from __future__ import annotations

import pytest

from ralph_hooks.core.change import Content, Entry, Status
from ralph_hooks.core.change_kind import Kind
from ralph_hooks.languages.change_kind import kind_of, kind_of_path


def entry(path: str, old_path: str = "", *, same: bool = False) -> Entry:
    return Entry(
        path=path,
        status=Status.RENAMED if old_path else Status.MODIFIED,
        old_path=old_path or path,
        old_mode="100644",
        new_mode="100644",
        old_oid="1" * 40,
        new_oid=("1" if same else "2") * 40,
    )


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("src/pay.py", Kind.LOGIC),
        ("Makefile", Kind.LOGIC),
        ("migrations/0001.sql", Kind.LOGIC),
        ("tests/test_pay.py", Kind.LOGIC),
        ("docs/index.md", Kind.DOCUMENTATION),
        ("CHANGELOG", Kind.DOCUMENTATION),
        ("pyproject.toml", Kind.CONFIGURATION),
        ("deploy/values.YAML", Kind.CONFIGURATION),
        ("tests/fixtures/order.json", Kind.TEST_DATA),
        ("spec/golden/a.html", Kind.TEST_DATA),
    ],
)
def test_a_name_tells_what_it_can(path: str, kind: Kind) -> None:
    assert kind_of_path(path) is kind
    assert kind.boilerplate is (kind is not Kind.LOGIC)


@pytest.mark.parametrize(
    ("path", "old", "new", "formatting"),
    [
        ("a.py", "x = [1,2]\n", "x = [\n    1,\n    2,\n]  # two\n", True),
        ("a.py", "x = 1\n", "x = 2\n", False),
        ("a.py", "if a:\n    b()\nc()\n", "if a:\n    b()\n    c()\n", False),
        ("a.py", "x = (\n", "x =  (\n", False),
        ("a.ts", "f( a );\n", "f(   a );\n\n", True),
        ("a.ts", "f(a, b)", "f(b, a)", False),
        ("a.sh", "rm -r a\n", "rm  -r a\n", False),
    ],
)
def test_formatting_is_the_same_program(path: str, old: str, new: str, *, formatting: bool) -> None:
    found = kind_of(entry(path), Content(old.encode(), new.encode()))
    assert (found is Kind.FORMATTING) is formatting


def test_a_pure_rename_is_one_whatever_it_is_called() -> None:
    same = Content(b"x\n", b"x\n")
    assert kind_of(entry("b.py", "a.py", same=True), same) is Kind.RENAME
    assert kind_of(entry("b.py", "a.py"), Content(b"x = 1\n", b"x = 2\n")) is Kind.LOGIC
