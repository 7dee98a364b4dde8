"""A file that no program can read blocks; dialects, templates and test data do not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ralph_hooks.checks.syntax import Syntax
from tests.support.sources import findings


@pytest.mark.parametrize(
    ("path", "text", "line", "message"),
    [
        ("package.json", '{\n  "a": 1,\n  b\n}\n', 3, "not JSON: Expecting property name"),
        ("a.json", '{"a": 1\n', 2, "not JSON: Expecting ',' delimiter"),
        ("a.json", b'{"a": "\xff"}', 1, "not JSON: not utf-8 text"),
        ("pyproject.toml", "[a]\nb = \n", 2, "not TOML: Invalid value"),
        ("a.toml", '[a]\nb = "x\n', 2, "not TOML"),
        ("a.toml", "a = 1\n\na = 2\n", 3, "not TOML: Cannot overwrite a value"),
        ("a.py", b"# coding: utf-8\nx = '\xe9'\n", 2, "byte 0xe9 is not utf-8 text"),
        ("a.py", b"# coding: klingon\nx = '\xe9'\n", 1, "encoding that is unknown"),
        ("bin/tool", b"#!/usr/bin/env python3\nx = '\xe9'\n", 2, "byte 0xe9"),
    ],
)
def test_what_cannot_be_read_blocks_at_its_line(path: str, text: str | bytes, line: int, message: str) -> None:
    (finding,) = findings(Syntax(), path, text)
    assert (finding.line, finding.category, finding.blocking) == (line, "syntax", True)
    assert message in finding.message


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.json", '{"a": [1, 2.5e3, NaN], "a": null}'),
        ("a.json", "\ufeff{}"),
        ("tsconfig.json", '{\n  // strict\n  "strict": true,\n}\n'),
        (".vscode/settings.json", '{"a": 1,}'),
        ("any.json", '{\n  // a comment says what it is\n  "a": 1,\n}\n'),
        ("log.json", '{"a": 1}\n{"a": 2}\n'),
        ("templates/package.json", '{"name": {{ name }}}'),
        ("tests/fixtures/broken.json", "{"),
        ("a.jsonc", "{,"),
        ("a.toml", "a = 1 # fine\n"),
        ("a.py", b"# -*- coding: latin-1 -*-\nx = '\xe9'\n"),
        ("a.py", "def f(:\n"),
        ("LICENSE", b"\xe9\xff"),
        ("a.json", "[" * 200_000),
        ("a.json", "[" * 50_000 + "]" * 50_000),
        ("a.json", "1" * 5_000),
    ],
)
def test_what_some_program_reads_does_not_block(path: str, text: str | bytes) -> None:
    assert findings(Syntax(), path, text) == ()


def test_a_file_that_was_broken_in_the_same_way_does_not_count() -> None:
    assert findings(Syntax(), "a.json", '{"a": 1, "b" 2\n', '{"b" 2\n') == ()
    assert len(findings(Syntax(), "a.json", '{"a": 1,}\n', '{"a": 1\n')) == 1
    assert findings(Syntax(), "a.json", '{"a": 1}\n', '{"a": 1\n') == ()


def test_a_secret_on_the_broken_line_is_not_shown() -> None:
    password = "hunter" + "22x"
    (finding,) = findings(Syntax(), "a.json", f'{{"password": "{password}",}}')
    assert password not in finding.quote


@given(st.binary(max_size=300), st.sampled_from(["a.json", "a.toml", "a.py", "tool"]))
def test_no_bytes_break_it(data: bytes, path: str) -> None:
    for finding in findings(Syntax(), path, data):
        assert 1 <= finding.line <= data.count(b"\n") + 1
