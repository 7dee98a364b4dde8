"""A file that no program can read blocks; dialects, templates and test data do not."""

from __future__ import annotations

import pytest

from ralph_hooks.checks.syntax import Syntax
from ralph_hooks.core.ports.checks import CheckResult
from tests.support.parsed import notebook
from tests.support.sources import findings, run, source


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
        ("a.py", b"# coding: klingon\nx = '\xe9'\n", 1, "an unknown encoding"),
        ("bin/tool", b"#!/usr/bin/env python3\nx = '\xe9'\n", 2, "byte 0xe9"),
        ("a.js", "let a = 1;\nfoo(a;\n", 2, "JavaScript syntax error: `)` is missing"),
        ("a.jsx", "let a = <p>{x</p>;\n", 1, "JavaScript syntax error"),
        ("a.go", "package a\n\nfunc f() {\n\tx := (1\n}\n", 4, "Go syntax error"),
        ("a.rs", "fn f() {\n    let x = 1;\n}\nfn g( {}\n", 4, "Rust syntax error"),
        ("A.java", "class A {\n  void f() { g( }\n}\n", 2, "Java syntax error"),
        ("a.rb", "def f\n  x = [1, 2\nend\n", 1, "Ruby syntax error"),
        ("a.php", "<?php\nfunction f() {\n  return [1;\n}\n", 3, "PHP syntax error"),
        ("a.c", "int f(void) {\n  if (1) {\n  return 0;\n}\n", 1, "C syntax error: `{` is never closed"),
        ("a.cpp", "void f() {\n  g(R\"x(})x\", '}', 1'000;\n}\n", 3, "`}` closes a `(`"),
        ("A.cs", 'class A {\n  string p = @"C:\\";\n  void F() {\n}\n', 1, "C# syntax error: `{` is never closed"),
        ("a.css", "a { background: url(a{b.png) }\n}\n", 2, "CSS syntax error: `}` closes nothing"),
        ("a.yaml", "a:\n  - b\n c: d\n", 3, "not YAML"),
        ("App.csproj", "<Project>\n  <A>\n</Project>\n", 3, "not XML: mismatched tag"),
        ("a.svg", "<svg><a></svg>", 1, "not XML"),
        ("a.ipynb", '{\n "cells": [}\n', 2, "not JSON: Expecting value"),
        ("a.ipynb", "{}", 1, "no cells"),
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
        ("a.js", "#!/usr/bin/env node\nexport * from 'a';\nconst b = a?.b ?? 1n;\n"),
        ("a.go", "package a\n\nfunc F[T any](x T) T { return x }\n"),
        ("a.rs", "fn f() -> R<()> { try!(g()); Ok(()) }\n"),
        ("a.yaml", "a: !Ref b\n---\nc: &d [*d, {e: f}]\n"),
        ("chart/templates/a.yaml", "a: {{ .Values.a }}\n{{- end }}\n"),
        ("a.xml", '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'),
        ("a.ipynb", '{"cells": [], "nbformat": 4}'),
        ("a.ipynb", ""),
        ("tests/compile-fail/a.rs", "fn f( {}\n"),
    ],
)
def test_what_some_program_reads_does_not_block(path: str, text: str | bytes) -> None:
    assert findings(Syntax(), path, text) == ()


def test_a_file_that_was_broken_in_the_same_way_does_not_count() -> None:
    assert findings(Syntax(), "a.json", '{"a": 1, "b" 2\n', '{"b" 2\n') == ()
    assert len(findings(Syntax(), "a.json", '{"a": 1,}\n', '{"a": 1\n')) == 1
    assert findings(Syntax(), "a.json", '{"a": 1}\n', '{"a": 1\n') == ()


def test_a_file_that_a_grammar_did_not_take_before_does_not_count() -> None:
    assert findings(Syntax(), "a.go", "package a\nfunc f( {}\nfunc g( {}\n", "package a\nfunc f( {}\n") == ()
    assert len(findings(Syntax(), "a.go", "package a\nfunc f( {}\n", "package a\nfunc f() {}\n")) == 1


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.ts", "let a: = 1;\n"),
        ("a.tsx", "let a = <p>{</p>;\n"),
        ("a.c", "#ifdef A\nint f() {\n#else\nint g( {\n#endif\n}\n"),
        ("a.h", "BEGIN_NAMESPACE\nclass A { void f() };\n"),
        ("a.c", "int f(void) { return 'a }\n"),
        ("A.cs", "class A { void F() }\n"),
        ("a.sh", "if true; then\n  echo\n"),
        ("tool", "#!/bin/bash\nif true; then\n  echo\n"),
        ("a.css", "a { *b: c; }\n"),
        ("a.ipynb", notebook("x = 1\n", "def f(:\n    pass\n")),
    ],
)
def test_a_grammar_that_is_behind_its_language_gives_a_hint(path: str, text: str) -> None:
    result = run(Syntax(), source(path, text))[path]
    assert result.findings == ()
    assert "syntax error" in result.hints[0].text


@pytest.mark.parametrize(
    "text",
    [
        notebook("%matplotlib inline\n!ls {x} \\\n  | wc\nfoo?\ny = !ls\nif y:\n    %time f()\n>>> f()\nawait f()\n"),
        notebook("%%bash\nif [\n"),
        notebook("x <- f(\n", language="R"),
        '{"cells": [{"cell_type": "code", "source": 1}, 2, {}], "metadata": []}',
    ],
)
def test_a_notebook_may_hold_more_than_python(text: str) -> None:
    assert run(Syntax(), source("a.ipynb", text))["a.ipynb"] == CheckResult()


def test_a_hint_on_a_notebook_names_cell_and_line() -> None:
    text = notebook("x = 1\n", "y = 1\ndef f(:\n    pass\n")
    (hint,) = run(Syntax(), source("a.ipynb", text))["a.ipynb"].hints
    assert "def f(:" in text.splitlines()[hint.line - 1]
    assert hint.text.endswith("in cell 2")


def test_the_error_on_a_changed_line_is_shown() -> None:
    old = "package a\n\nfunc f() {\n}\n\nfunc g() {\n\tx(1)\n}\n"
    (finding,) = findings(Syntax(), "a.go", old.replace("x(1)", "x(1"), old)
    assert finding.line == 7


@pytest.mark.parametrize(("path", "looked"), [("a.go", True), ("a.sql", None), ("LICENSE", False), ("a.kt", None)])
def test_a_file_that_nothing_can_parse_is_not_called_checked(path: str, looked: object) -> None:
    result = run(Syntax(), source(path, "text\n")).get(path)
    assert (result.looked if result else None) is looked


def test_a_secret_on_the_broken_line_is_not_shown() -> None:
    password = "hunter" + "22x"
    (finding,) = findings(Syntax(), "a.json", f'{{"password": "{password}",}}')
    assert password not in finding.quote
