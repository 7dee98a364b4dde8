"""Which files a model gets to see, and how much of them."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from ralph_hooks.engine.models.access import withheld
from ralph_hooks.engine.repair.context import FileContext
from tests.support.configuration import load_texts

SKIPS = '[tool.ralph-hooks]\n[[tool.ralph-hooks.routes]]\npaths = ["private/**"]\nskip = true\n'
LONG = "".join(f"def f{n}():\n    return {n}  # {'long ' * 20}\n\n\n" for n in range(300))
FILES = {
    "src/shop.py": b"def total():\r\n    return 1\r\n",
    "src/tax.py": b"TAX = 19\n",
    "src/long.py": LONG.encode(),
    "tests/test_shop.py": b"def test_total():\n    pass\n",
    "other/tax.py": b"",
    "private/key.py": b"KEY = 1\n",
    "logo.png": b"\x89PNG\0",
    "big.csv": b"1,2\n" * 300_000,
}


@pytest.fixture
def sight(tmp_path: Path) -> FileContext:
    settings = load_texts(tmp_path, SKIPS)
    return FileContext(partial(withheld, settings, settings.gate.exclude), sorted(FILES), FILES.get)


def test_files_are_shown_as_text_until_the_room_is_used_up(sight: FileContext) -> None:
    chosen = sight.choose({"src/shop.py": (), "src/long.py": ("f7",), "src/tax.py": ()}, {}, 1_000)
    assert [file.path for file in chosen.shown] == ["src/shop.py", "src/tax.py"]
    assert chosen.shown[0].text == "def total():\n    return 1\n"
    assert chosen.left_out == ("src/long.py does not fit",)
    wide = sight.choose({"src/long.py": ()}, {"src/long.py": [2]}, 24_000)
    assert "return 0 " in wide.shown[0].text
    assert "return 1 " not in wide.shown[0].text
    assert wide.tokens < wide.of / 2


@pytest.mark.parametrize("path", ["private/key.py", "logo.png", "big.csv", "no/such.py"])
def test_what_no_model_may_or_can_read_is_not_shown_and_said(sight: FileContext, path: str) -> None:
    chosen = sight.choose({path: ()}, {}, 24_000)
    assert (chosen.shown, chosen.left_out) == ((), (f"{path} cannot be shown",))
    assert sight.outline([path]) == ""


def test_an_outline_has_the_definitions_of_as_many_files_as_fit(sight: FileContext) -> None:
    assert sight.outline(["src/shop.py", "tests/test_shop.py"]) == (
        "src/shop.py (2 lines)\n  total 1-2\ntests/test_shop.py (2 lines)\n  test_total 1-2"
    )
    assert sight.outline(["src/long.py", "src/tax.py"], 20) == "src/long.py (1200 lines)\nsrc/tax.py (1 lines)"


def test_further_files_come_from_the_same_folders_first_and_skipped_ones_not_at_all(sight: FileContext) -> None:
    listed = sight.listed(["src/shop.py"])
    assert listed[:2] == ["src/long.py", "src/tax.py"]
    assert "private/key.py" not in listed
    assert "src/shop.py" not in listed


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('  File "/tmp/copy/src/shop.py", line 2, in total', ["src/shop.py"]),
        ("tests/test_shop.py:5: AssertionError", ["tests/test_shop.py"]),
        ("./src/tax.py and test_shop.py (again test_shop.py)", ["src/tax.py", "tests/test_shop.py"]),
        ("tax.py", []),  # there are two
        ("nothing.py, a/b", []),
    ],
)
def test_files_that_a_text_speaks_of_are_found(sight: FileContext, text: str, expected: list[str]) -> None:
    assert list(sight.mentioned(text)) == expected
