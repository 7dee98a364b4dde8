"""A text of any size is scanned in windows: in bounded memory, and in time that grows with its length alone."""

from __future__ import annotations

import random
import sys
import tracemalloc
from collections.abc import Iterator
from types import FrameType

import pytest

from ralph_hooks import secrets
from ralph_hooks.secrets.stream import OVERLAP, WINDOW, scan_stream
from tests.support.credentials import SERVICES, private_key
from tests.support.matrix import every, product

KEY = SERVICES["GitHub"](random.Random(1))


def pieces(text: bytes, size: int = 256 * 1024) -> Iterator[bytes]:
    return (text[start : start + size] for start in range(0, len(text), size))


def lines(count: int) -> str:
    return "".join(f"value_{number} = {number}\n" for number in range(count))


@pytest.mark.parametrize("offset", [-OVERLAP, -40, -20, -1, 0, 1, OVERLAP - 1, OVERLAP])
def test_key_at_the_edge_of_a_window_is_found_once(offset: int) -> None:
    before = lines(WINDOW // 10)[: WINDOW + offset - 1].rpartition("\n")[0] + "\n"
    text = before + "#" * (WINDOW + offset - 1 - len(before)) + "\n" + KEY + "\n" + lines(100)
    (found,) = [each for each in scan_stream(pieces(text.encode(), 1000), "a.txt") if each.secret.certain]
    assert (found.value, found.line) == (KEY, text[: text.index(KEY)].count("\n") + 1)


def test_private_key_across_windows_is_one_finding() -> None:
    key = private_key(random.Random(2))
    before = lines(WINDOW // 10)[: WINDOW - 300].rpartition("\n")[0] + "\n"
    text = f"{before}{key}\n{lines(5_000)}"
    (found,) = [each for each in scan_stream(pieces(text.encode()), "a.pem") if each.secret.certain]
    assert found.value == key


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_pieces_may_cut_a_character(size: int) -> None:
    text = f"# né à Zürich\nx = '{KEY}'\n"
    assert [each.value for each in scan_stream(pieces(text.encode(), size), "a.py")] == [KEY]


def test_short_text_comes_to_the_same_as_without_windows() -> None:
    text = f"{lines(300)}password = 'hunter" + f"2x!'\n{private_key(random.Random(3))}\n{KEY}\n"
    assert [each.secret for each in scan_stream(pieces(text.encode()), "a.py")] == list(secrets.find(text, "a.py"))


def test_memory_does_not_grow_with_the_text() -> None:
    def peak(megabytes: int) -> int:
        block = (lines(3_000) + "password = 'x'\n").encode()
        tracemalloc.start()
        try:
            for _ in scan_stream((block for _ in range(megabytes * 1_000_000 // len(block))), "a.py"):
                pass
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    small = peak(1)
    assert peak(3) < small * 1.5


def work(text: str, path: str = "a.py") -> int:
    """Calls of functions and of expressions that it takes to scan ``text``."""
    calls = 0

    def count(_: FrameType, event: str, __: object) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    sys.setprofile(count)
    try:
        secrets.find(text, path)
    finally:
        sys.setprofile(None)
    return calls


HOSTILE = {
    "a name on every line": "password = x\n",
    "names alone": "password ",
    "names in quotes": "'password'",
    "quotes": "\"'`",
    "brackets": "password = ((((",
    "open calls": "password = a(",
    "escapes": 'password = \\"\\\\',
    "percent": "password%22%3A%22",
    "entities": "password&quot;:",
    "doubled quotes": '""password"": ""',
    "columns": "password,user\n",
    "SQL": "(password) values ('a','b'),",
    "headings": "password:\n",
    "addresses": "://a:b@",
    "private keys": "-----BEGIN PRI" + "VATE KEY-----\n",
    "prefixes": "sk-AKIAeyJ",
    "generics": "password<a<",
    "commas": "password = [1,",
}


@pytest.mark.parametrize(("kind", "break_every"), every(3, product(HOSTILE, [0, 60])))
def test_work_grows_with_the_length_alone(kind: str, break_every: int) -> None:
    unit = HOSTILE[kind]

    def hostile(length: int) -> str:
        text = (unit * (length // len(unit) + 1))[:length]
        if not break_every:
            return text
        return "\n".join(text[start : start + break_every] for start in range(0, length, break_every))

    work(hostile(1_000))  # compiles what is needed
    small, large = work(hostile(5_000)), work(hostile(20_000))
    assert large < 5 * small + 1_000
