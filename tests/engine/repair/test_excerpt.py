"""A large file is shown by what matters in it."""

from __future__ import annotations

import pytest

from ralph_hooks.core.usage import estimate_tokens
from ralph_hooks.engine.repair.excerpt import view

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


def test_a_broken_file_is_shown_around_the_place() -> None:
    text = shown(f"def broken(:\n{PYTHON}", lines=[30])
    assert "[..." in text
    assert PYTHON.splitlines()[28] in text


def test_another_language_is_shown_by_its_definitions() -> None:
    text = (
        "package shop\n\nfunc Total() int {\n" + "\tx()\n" * 60 + "\treturn 1\n}\n\nfunc Vat() int {\n\treturn 19\n}\n"
    )
    assert shown(text, "shop.go", names=["Vat"]) == (
        "package shop\n\nfunc Total() int {\n[... 63 lines left out ...]\nfunc Vat() int {\n\treturn 19\n}\n"
    )
