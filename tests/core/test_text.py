"""Nothing that drives a terminal or hides from a reader comes out as it was."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ralph_hooks.core.text import beginning, one_line, path_line, plural, visible

ANY = st.text(st.characters(codec=None))


def dangerous(char: str) -> bool:
    return unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}


@given(text=ANY)
def test_what_is_shown_holds_no_control_format_or_surrogate(text: str) -> None:
    assert {char for char in visible(text) if dangerous(char) and char not in "\n\t"} <= harmless()
    assert not {"\n", "\t"} & set(one_line(text))


def test_no_two_paths_are_written_alike() -> None:
    signs = ["\\", "t", "n", "x", "8", "5", "u", "0", "\t", "\n", "\x85", "\udc85", "\ud885"]
    paths = [a + b + c + d for a in signs for b in signs for c in signs for d in signs]
    paths += ["\\x85", "\\u0085", "\\udc85", "\x1b", "\\x1b", "\u202e", "\\u202e", "\U000e0001", "\\U000e0001"]
    assert len({path_line(path) for path in paths}) == len(set(paths))
    assert path_line("src/a b.py") == "src/a b.py"


@lru_cache(maxsize=1)
def harmless() -> frozenset[str]:
    return frozenset(char for char in map(chr, range(0x110000)) if dangerous(char) and visible(char) == char)


def test_the_format_characters_that_stay_are_visible_signs() -> None:
    """Marks of Arabic, Kaithi and Egyptian script are seen, or change nothing."""
    named = [unicodedata.name(char, "") for char in harmless() if char not in "\n\t"]
    assert [name for name in named if not name.startswith(SIGNS)] == []


SIGNS = ("ARABIC", "SYRIAC", "KAITHI", "EGYPTIAN")
FILLERS = "\u115f\u1160\u3164\uffa0"  # letters of Hangul by their category, without a glyph


@given(text=ANY)
def test_showing_twice_changes_nothing(text: str) -> None:
    assert visible(visible(text)) == visible(text)


@given(text=st.text(st.characters(categories=["L", "N", "P", "S"], exclude_characters=FILLERS)))
def test_what_people_write_stays_as_it_is(text: str) -> None:
    assert one_line(text) == text


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b[31m", "\\x1b[31m"),
        ("\r", "\\x0d"),
        ("a\tb\nc", "a\tb\nc"),
        ("\u202e", "\\u202e"),
        ("\U000e0041", "\\U000e0041"),
        ("\udcff", "\\xff"),
        ("\ud800", "\\ud800"),
        ("\x85", "\\u0085"),
        ("\u3164\U0001d173", "\\u3164\\U0001d173"),
    ],
)
def test_escapes_name_what_they_stand_for(raw: str, shown: str) -> None:
    assert visible(raw) == shown


def test_plurals() -> None:
    assert [plural(count, "file") for count in (0, 1, 2, 1234)] == ["0 files", "1 file", "2 files", "1,234 files"]


@pytest.mark.parametrize(
    ("text", "limit", "kept"),
    [
        ("short", 5, "short"),
        ("key = ghp_0123456789", 12, "key = "),
        ("one\ntwo\tthree four", 12, "one\ntwo\t"),
        ("a" * 30, 10, ""),
    ],
)
def test_what_is_shortened_ends_with_a_whole_word(text: str, limit: int, kept: str) -> None:
    assert beginning(text, limit) == kept
