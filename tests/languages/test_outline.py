"""Definitions and calls are found by parsers, with the lines where they stand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ralph_hooks.languages.outline import definitions, enclosing, head_lines, outline
from ralph_hooks.languages.table import LANGUAGES

PYTHON = """\
import os
from decimal import Decimal

VAT = 19


@decorated
class Cart:
    size: int = 0

    @property
    def full(
        self,
    ) -> bool:
        return self.shop.is_full(len(self.items))

    if os.name == "nt":

        def fill(self) -> None:
            def inner():
                pass


async def checkout(cart):
    return cart.total * VAT
"""


def test_python_definitions_have_decorators_signature_and_end() -> None:
    found = {each.name: (each.first, each.body, each.last) for each in definitions("shop.py", PYTHON)}
    assert found == {
        "Cart": (7, 9, 21),
        "Cart.full": (11, 15, 15),
        "Cart.fill": (19, 20, 21),
        "checkout": (24, 25, 25),
    }


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        (
            "a.js",
            (
                "let x;\n\nexport class Foo {\n  async bar(b) {\n    return 1;\n  }\n  go = () => {\n  }\n}\n\n"
                "const baz = (a) => {\n  function inner() {}\n};\n"
            ),
            {"Foo": (3, 4, 9), "Foo.bar": (4, 5, 6), "Foo.go": (7, 8, 8), "baz": (11, 12, 13)},
        ),
        (
            "a.ts",
            (
                "@Component()\nexport class A<T> {\n  @Input()\n  get(a: T): void {\n  }\n}\n"
                "interface I {\n  m(): void\n}\n"
            ),
            {"A": (1, 3, 6), "A.get": (3, 5, 5), "I": (7, 8, 9)},
        ),
        ("a.tsx", "export function App() {\n  return <p>{x}</p>;\n}\n", {"App": (1, 2, 3)}),
        (
            "a.c",
            "#include <x.h>\nint f(int a)\n{\n    return h(a);\n}\nstatic void *g(char *p) {\n}\nstruct p q;\n",
            {"f": (2, 4, 5), "g": (6, 7, 7)},
        ),
        (
            "a.cpp",
            (
                "namespace n {\ntemplate <class T>\nclass A {\n  int f() const { return 1; }\n"
                "};\nint A<int>::g() {\n}\n}\n"
            ),
            {"n": (1, 2, 8), "n.A": (2, 4, 5), "n.A.f": (4, 5, 4), "n.A.g": (6, 7, 7)},
        ),
        (
            "a.go",
            "package x\n\ntype S struct {\n\ta int\n}\n\nfunc (s *S) Do(\n\ta int,\n) error {\n\treturn nil\n}\n",
            {"S": (3, 4, 5), "S.Do": (7, 10, 11)},
        ),
        (
            "a.rs",
            (
                "#[derive(Debug)]\nstruct R;\nimpl<T> Tr for S<T> {\n    #[inline]\n"
                "    fn run(&self) -> u8 {\n        1\n    }\n}\n"
            ),
            {"R": (1, 3, 2), "S": (3, 4, 8), "S.run": (4, 6, 7)},
        ),
        (
            "A.java",
            "@Foo\npublic class A {\n  @Test\n  public void go(int a) throws X {\n    b();\n  }\n  A() {}\n}\n",
            {"A": (1, 3, 8), "A.go": (3, 5, 6), "A.A": (7, 8, 7)},
        ),
        (
            "a.cs",
            "namespace N {\n  public class A {\n    public int Go(int a) {\n      return 1;\n    }\n  }\n}\n",
            {"A": (2, 3, 6), "A.Go": (3, 4, 5)},
        ),
        (
            "a.rb",
            "class A\n  def b\n    1\n  end\n  def self.c; end\nend\n",
            {"A": (1, 2, 6), "A.b": (2, 3, 4), "A.c": (5, 6, 5)},
        ),
        ("a.php", "<?php\nclass A {\n  function b() {\n  }\n}\n", {"A": (2, 3, 5), "A.b": (3, 4, 4)}),
        ("a.sh", "go() {\n  ls\n}\n", {"go": (1, 2, 3)}),
        ("tool", "#!/bin/sh\ngo() {\n  ls\n}\n", {"go": (2, 3, 4)}),
        ("a.kt", "class A {\n  fun go(): Int {\n    return 1\n  }\n}\n", {"A": (1, 2, 5), "A.go": (2, 3, 4)}),
        ("a.swift", "struct A {\n  func go() {\n  }\n}\n", {"A": (1, 2, 4), "A.go": (2, 3, 3)}),
        (
            "broken.py",
            "class A:\n    @d\n    def a(self):\n        pass\n\n\ndef b(:\n    pass\n",
            {"A": (1, 2, 4), "A.a": (2, 4, 4)},
        ),
        ("a.txt", "no code\n", {}),
        ("a.sql", "create function f() returns int\n", {}),
    ],
)  # fmt: skip
def test_definitions_are_found_in_each_language(
    path: str, text: str, expected: dict[str, tuple[int, int, int]]
) -> None:
    found = {each.name: (each.first, each.body, each.last) for each in definitions(path, text)}
    assert {name: found.get(name) for name in expected} == expected
    assert "inner" not in str(found)
    if not expected:
        assert found == {}


@pytest.mark.parametrize(
    ("path", "text", "line", "expected"),
    [
        ("shop.py", PYTHON, 15, ["self.shop.is_full", "len"]),
        ("broken.py", "a.b(c())\ndef (:\n", 1, ["a.b", "c"]),
        ("a.js", "\nx = await new Foo(a?.b(1)).bar()\n", 2, ["bar", "Foo", "a.b"]),
        ("a.ts", "this.b<T>(a)\n", 1, ["this.b"]),
        (
            "a.go",
            "package a\nfunc f() {\n\tx := strings.Repeat(t.Other(a), New[int](b))\n}\n",
            3,
            ["strings.Repeat", "t.Other", "New"],
        ),
        ("a.rs", "fn f() {\n  S::new(2).foo::<u8>(bar!(1))\n}\n", 2, ["foo", "S.new", "bar"]),
        ("A.java", "class A { void f() {\n  this.b.c(new Foo<Bar>(1));\n} }\n", 2, ["c", "Foo"]),
        ("a.c", "void f() {\n  g(a->h(b));\n}\n", 2, ["g", "a.h"]),
        ("a.cpp", "int f() {\n  return std::max<int>(1, x.y());\n}\n", 2, ["std.max", "x.y"]),
        ("a.cs", "class A { void F() {\n  Foo.Bar<int>(new Baz());\n} }\n", 2, ["Foo.Bar", "Baz"]),
        ("a.rb", "\nfoo(a).bar? b\n", 2, ["bar?", "foo"]),
        ("a.php", "<?php\n$a->c(Foo::bar(new Baz(strlen($x))));\n", 2, ["c", "bar", "Baz", "strlen"]),
        ("a.sh", "ls\ngo $(date)\n", 2, ["go", "date"]),
        ("a.kt", "fun f() {\n  foo.bar(a)\n}\n", 2, ["foo.bar"]),
        ("a.swift", "func f() {\n  foo.bar(a)\n}\n", 2, ["foo.bar"]),
        ("a.txt", "call(me)\n", 1, []),
    ],
)  # fmt: skip
def test_calls_of_a_line_are_found_in_each_language(path: str, text: str, line: int, expected: list[str]) -> None:
    found = [call.written for call in outline(path, text).calls if call.line == line]
    assert sorted(found) == sorted(expected)


def test_a_call_is_on_the_line_of_its_name() -> None:
    text = "package a\nfunc f() {\n\tone(\n\t\ttwo(),\n\t)\n\tthree()\n}\n"
    assert [(call.name, call.line) for call in outline("a.go", text).calls] == [("one", 3), ("two", 4), ("three", 6)]


@pytest.mark.parametrize(("path", "text"), [("shop.py", PYTHON), ("a.go", "package a\nfunc f() {}\n"), ("a.txt", "")])
def test_an_outline_has_the_definitions_of_a_file(path: str, text: str) -> None:
    assert outline(path, text).definitions == definitions(path, text)


def test_the_innermost_definition_encloses_a_line() -> None:
    found = definitions("shop.py", PYTHON)
    assert getattr(enclosing(found, 15), "name", "") == "Cart.full"
    assert getattr(enclosing(found, 9), "name", "") == "Cart"
    assert enclosing(found, 4) is None


def test_the_head_of_a_file_is_imports_and_short_constants() -> None:
    assert head_lines("shop.py", PYTHON) == {1, 2, 4}
    assert head_lines("a.go", 'package a\n\nimport "x"\n\nfunc f() {}\n') == {1, 2, 3, 4}


@given(st.text(max_size=200), st.sampled_from([suffix for language in LANGUAGES for suffix in language.suffixes]))
def test_no_text_breaks_a_parser(text: str, suffix: str) -> None:
    rows = text.count("\n") + 1
    for each in definitions(f"a{suffix}", text):
        assert 1 <= each.first <= each.last <= rows
    assert all(1 <= call.line <= rows for call in outline(f"a{suffix}", text).calls)
