"""Characters that hide from a reviewer block; what people write in their own scripts does not."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ralph_hooks.checks.unicode import Invisible
from tests.support.sources import findings, run, source

TROJAN = "\u202e"


@pytest.mark.parametrize(
    ("path", "line", "name"),
    [
        ("a.py", f'access = "user{TROJAN} \u2066# admin"', "U+202E RIGHT-TO-LEFT OVERRIDE"),
        ("a.py", "is_\u200badmin = True", "U+200B ZERO WIDTH SPACE"),
        ("a.py", "is_\u200dadmin = True", "U+200D ZERO WIDTH JOINER"),
        ("a.py", "x = 1\ufeff", "U+FEFF ZERO WIDTH NO-BREAK SPACE"),
        ("a.py", "# \U000e0069\U000e0067\U000e006e\U000e006f\U000e0072\U000e0065", "U+E0069 TAG LATIN SMALL LETTER I"),
        ("a.js", "const { timeout, \u3164 } = request", "U+3164 HANGUL FILLER"),
        ("a.py", "x = 'a\ufe00\ufe01\ufe02'", "U+FE00 VARIATION SELECTOR-1"),
        ("README.md", f"harmless{TROJAN}", "U+202E RIGHT-TO-LEFT OVERRIDE"),
        ("README.md", f"שלום {TROJAN}abc", "U+202E RIGHT-TO-LEFT OVERRIDE"),
        ("a.py", 'x = "\u05e9\u05dc\u200f"', "U+200F RIGHT-TO-LEFT MARK"),
        ("a.py", "x = 'soft\u00adhyphen'", "U+00AD SOFT HYPHEN"),
        ("a.py", "# harmless\rimport os", "U+000D CARRIAGE RETURN"),
        ("a.js", "// harmless\u2028evil()", "U+2028 LINE SEPARATOR"),
        ("a.sh", "evil # \x1b[8m", "U+001B ESCAPE"),
        ("a.sh", "evil" + 4 * "\b", "U+0008 BACKSPACE"),
    ],
)
def test_what_nobody_can_see_blocks_by_name(path: str, line: str, name: str) -> None:
    (finding,) = findings(Invisible(), path, f"first\n{line}\n", "first\n")
    assert (finding.line, finding.category, finding.blocking) == (2, "invisible-characters", True)
    assert name in finding.message
    assert finding.quote.isprintable()


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("a.py", "\ufeffimport os"),
        ("a.py", "x = '\U0001f468\u200d\U0001f469\u200d\U0001f467'"),
        ("a.py", "x = '\U0001f3f3\ufe0f\u200d\U0001f308 \u2764\ufe0f 1\ufe0f\u20e3'"),
        ("a.py", "x = '\U0001f44b\U0001f3fd\u200d\u2642\ufe0f'"),
        ("a.md", "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"),
        ("fa.po", 'msgstr "می\u200cخواهم"'),
        ("a.py", 'greeting = "می\u200cخواهم"'),
        ("hi.json", '"x": "क्\u200dष"'),
        ("he.md", "\u200fשלום\u200f (C++)\u200e"),
        ("ar.ftl", "x = \u2068مرحبا\u2069"),
        ("th.txt", "ภาษา\u200bไทย"),
        ("ja.md", "葛\U000e0100飾区"),
        ("de.html", "Donau\u00addampf"),
        ("a.py", "x = '—–… naïve 漢字'"),
        ("a.py", "x = 1\r"),
        ("a.py", "\x0c"),
        ("a.txt", "\x1b[1mas the terminal had it\x1b[0m\r100 %"),
    ],
)
def test_what_people_write_does_not_block(path: str, line: str) -> None:
    assert findings(Invisible(), path, f"{line}\n") == ()


def test_only_what_is_new_counts() -> None:
    line = "is_\u200badmin = True"
    assert findings(Invisible(), "a.py", f"import os\n{line}\n", f"{line}\n") == ()
    assert findings(Invisible(), "a.py", f"    {line}\n", f"{line}\n") == ()
    assert len(findings(Invisible(), "a.py", f"{line}\n{line}  # again\n", f"{line}\n")) == 1


@pytest.mark.parametrize(("path", "old", "blocks"), [
    ("a\u202eyp.txt", "", 1), ("a\u200b.py", "a.py", 1), ("a\u200b.py", "a\u200b.py", 0), ("ä漢.py", "", 0),
])  # fmt: skip
def test_a_name_that_hides_something_blocks_once(path: str, old: str, blocks: int) -> None:
    plain = source(path, "x = 1\n", "x = 0\n" if old else None)
    named = replace(plain, entry=replace(plain.entry, old_path=old or path))
    found = run(Invisible(), named)[path].findings
    assert [(f.line, f.blocking) for f in found] == [(1, True)] * blocks


def test_a_byte_order_mark_is_free_at_the_start_of_the_file_alone() -> None:
    assert findings(Invisible(), "a.py", "\ufeffx = 1\n") == ()
    assert len(findings(Invisible(), "a.py", "x = 1\n\ufeffy = 2\n")) == 1


@given(st.text(st.characters(exclude_categories=["Cs"])), st.sampled_from(["a.py", "a.md"]))
def test_no_text_breaks_it_and_every_quote_can_be_shown(text: str, path: str) -> None:
    for finding in findings(Invisible(), path, text):
        assert not any(unicodedata.category(char) == "Cf" for char in finding.quote + finding.message)


@pytest.mark.parametrize("encoding", ["utf-7", "UTF_7", "unicode_escape", "raw_unicode_escape"])
def test_an_encoding_in_which_comments_are_code_blocks(encoding: str) -> None:
    """Python runs what stands behind ``+AAo-``, the end of a line in UTF-7."""
    (finding,) = findings(
        Invisible(), "a.py", f"#!/usr/bin/python\n# -*- coding: {encoding} -*-\nx = 1  # +AAo-y = 2\n"
    )
    assert (finding.line, finding.category, finding.blocking) == (2, "invisible-characters", True)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.py", "# coding: utf-8\nx = 1\n"),
        ("a.py", "# vim: set fileencoding=latin-1 :\nx = 1\n"),
        ("a.py", "# coding: koi8-r\nx = 1\n"),
        ("a.py", "# coding: nothing-that-exists\nx = 1\n"),
        ("a.py", "x = 1\ny = 2\n# coding: utf-7\n"),
        ("a.md", "# coding: utf-7\n"),
    ],
)
def test_other_encodings_are_free(path: str, text: str) -> None:
    assert findings(Invisible(), path, text) == ()
