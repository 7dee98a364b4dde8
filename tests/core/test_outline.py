"""A large file is shown by what matters in it."""

from __future__ import annotations

import pytest

from ralph_hooks.core.outline import definitions, view
from ralph_hooks.core.usage import estimate_tokens

BODY = "".join(f"        self.total += {number}  # one of many lines\n" for number in range(40))
PYTHON = f'''\
"""A shop."""
import os
from decimal import (
    Decimal,
    ROUND_UP,
)

VAT = 19
TABLE = [
    1,
    2,
    3,
    4,
]


@decorated
class Cart:
    size: int = 0

    @property
    def full(
        self,
    ) -> bool:
        return self.size > 3

    def fill(self) -> None:
{BODY}

def checkout(cart):
    return cart.total * VAT
'''


def shown(text: str = PYTHON, path: str = "shop.py", limit: int = 400, **wanted: object) -> str:
    return view(path, text, whole=50, limit=limit, **wanted)  # type: ignore[arg-type] # names, lines


def test_a_small_file_is_shown_whole() -> None:
    assert view("shop.py", PYTHON, whole=10_000, limit=1, lines=[1]) == PYTHON


def test_a_large_one_by_what_is_asked_for_its_imports_and_the_signatures_of_the_rest() -> None:
    text = shown(names=["checkout"])
    assert "    return cart.total * VAT\n" in text
    assert "import os\nfrom decimal import (\n    Decimal,\n" in text
    assert "VAT = 19\n[... 8 lines left out ...]" in text
    assert "@decorated\nclass Cart:\n" in text
    assert "    @property\n    def full(\n        self,\n    ) -> bool:\n[... 2 lines left out ...]\n" in text
    assert "    def fill(self) -> None:\n[... 42 lines left out ...]\n" in text


def test_a_place_brings_the_innermost_definition_around_it() -> None:
    number = PYTHON.splitlines().index("        return self.size > 3") + 1
    text = shown(lines=[number])
    assert "        return self.size > 3\n" in text
    assert "return cart.total" not in text


def test_a_method_is_found_by_its_own_name_too() -> None:
    assert "self.size > 3" in shown(names=["full"])
    assert "self.size > 3" in shown(names=["Cart.full"])


def test_a_definition_that_is_too_long_is_cut_around_the_place() -> None:
    number = next(index for index, line in enumerate(PYTHON.splitlines(), 1) if "+= 20 " in line)
    text = shown(limit=200, lines=[number])
    assert "+= 20 " in text
    assert "def fill" in text
    assert "+= 0 " not in text
    assert estimate_tokens(text) <= 200


@pytest.mark.parametrize("limit", [20, 60, 150])
def test_the_limit_holds_whatever_is_asked_for(limit: int) -> None:
    assert estimate_tokens(shown(limit=limit, names=["Cart", "checkout"])) <= limit + 20


def test_definitions_have_their_decorators_and_their_end() -> None:
    lines = PYTHON.splitlines()
    found = {d.name: (lines[d.first - 1], lines[d.last - 1]) for d in definitions("shop.py", PYTHON)}
    assert found["Cart"][0] == "@decorated"
    assert found["Cart.full"] == ("    @property", "        return self.size > 3")
    assert found["checkout"] == ("def checkout(cart):", "    return cart.total * VAT")


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        (
            "a.js",
            "let x;\n\nexport class Foo {\n  async bar(b) {\n    return 1;\n  }\n}\n\nfunction baz() {\n}\n",
            {"Foo": (3, 7), "Foo.bar": (4, 6), "baz": (9, 10)},
        ),
        (
            "a.c",
            "#include <x.h>\nint f(int a)\n{\n    if (a) g();\n    return h(a);\n}\nstatic void *g(char *p) {\n}\n",
            {"f": (2, 6), "g": (7, 8)},
        ),
        ("a.go", "package x\n\nfunc (s *S) Do(a int) error {\n\treturn nil\n}\n", {"Do": (3, 5)}),
        ("a.rs", "pub(crate) fn run() -> u8 {\n    1\n}\n", {"run": (1, 3)}),
        ("a.rb", "class A\n  def b\n    1\n  end\nend\n", {"A": (1, 5), "A.b": (2, 4)}),
        ("broken.py", "def a(:\n    pass\n\n\ndef b():\n    pass\n", {"a": (1, 2), "b": (5, 6)}),
        ("a.txt", "no code\n", {}),
    ],
)
def test_other_languages_are_read_by_indentation(path: str, text: str, expected: dict[str, tuple[int, int]]) -> None:
    assert {d.name: (d.first, d.last) for d in definitions(path, text)} == expected
