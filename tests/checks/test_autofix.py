"""ruff's safe fixes of what blocks, and of nothing else in the file."""

from __future__ import annotations

import time
from collections.abc import Mapping

import pytest

from ralph_hooks.checks.autofix import RuffFixes
from ralph_hooks.checks.ruff import Ruff
from ralph_hooks.core.deadline import Deadline
from tests.support.sources import findings


def mended(new: str | bytes, old: str | bytes | None = None) -> Mapping[str, bytes]:
    """What becomes of a file whose new findings are mended."""
    data = new if isinstance(new, bytes) else new.encode()
    found = findings(Ruff(), "a.py", data, old)
    assert found
    return RuffFixes().mend(found, {"a.py": data}, Deadline(60, time.monotonic))


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("def f(x):\n    return x is 'a'\n", "def f(x):\n    return x == 'a'\n"),
        ("def f():\n    raise NotImplemented\n", "def f():\n    raise NotImplementedError\n"),
        ("é = 'ü' is 'ö'; b = é is 'x'\n", "é = 'ü' == 'ö'; b = é == 'x'\n"),
        ("import os\r\nimport os\r\n\r\nprint(os)\r\n", "import os\r\n\r\nprint(os)\r\n"),
        ("\ufeffx = 1\ny = x is 'a'\n", "\ufeffx = 1\ny = x == 'a'\n"),
        ("y = 0 is 'a'", "y = 0 == 'a'"),
    ],
)
def test_what_ruff_is_sure_of_is_mended_byte_for_byte(code: str, expected: str) -> None:
    assert mended(code) == {"a.py": expected.encode()}


@pytest.mark.parametrize("code", ["print(undefined)\n", "x = {'a': 1, 'a': 2}\n", "x = (\n"])
def test_what_ruff_has_no_safe_fix_for_is_left_alone(code: str) -> None:
    assert mended(code) == {}


def test_what_was_there_before_the_change_stays() -> None:
    old = "def old(x):\n    return x is 'a'\n"
    new = f"{old}\n\ndef new(x):\n    return x is 'b'\n"
    assert mended(new, old) == {"a.py": new.replace("is 'b'", "== 'b'").encode()}


@pytest.mark.parametrize("code", [b"# caf\xe9 -*- coding: latin-1 -*-\nx = 1 is 'a'\n", b"x = 1\ry = x is 'a'\n"])
def test_a_file_with_odd_bytes_or_line_ends_is_left_alone(code: bytes) -> None:
    found = findings(Ruff(), "a.py", "x = 1\ny = x is 'a'\n")
    assert RuffFixes().mend(found, {"a.py": code}, Deadline(60, time.monotonic)) == {}
