"""Marks in changed files: each is printed if its line runs, and only then."""

from __future__ import annotations

import re

import pytest

from ralph_hooks.languages.instrument import MARK, instrumented, seen, without_marks

SCRIPT = """\
export function f(x: number) {
  switch (x) {
    case 1:
      g();
      break;
    case 2: h(); break;
  }
  if (x)
    return 3;
  else
    return 4;
  return x.map((a) =>
    a.name);
}
export const first = (items) => items[0].name;
const top = 1;
"""
JAVA = """\
class A {
  A() {
    super();
    z = 2;
  }
  int f(int x) {
    switch (x) {
      case 1:
        foo();
      default: return 2;
    }
    int y = switch (x) {
      case 1 -> 4;
      default -> {
        yield 5;
      }
    };
    list.forEach(a ->
       a.name());
  }
}
"""
RUST = """\
fn f(x: i32) -> i32 {
    match x {
        1 => 2,
        2 => {
            4
        }
        _ => g(x),
    }
}
"""
GO = """\
package a

func f(x int) int {
	switch x {
	case 1:
		foo()
	}
	return 2
}
"""


@pytest.mark.parametrize(
    ("path", "text", "line", "marked"),
    [
        ("a.ts", SCRIPT, 2, "  M;switch (x) {"),
        ("a.ts", SCRIPT, 3, "      M;g();"),
        ("a.ts", SCRIPT, 5, "      M;break;"),
        ("a.ts", SCRIPT, 6, "    case 2: M;h(); break;"),
        ("a.ts", SCRIPT, 9, "    { M;return 3; }"),
        ("a.ts", SCRIPT, 11, "    { M;return 4; }"),
        ("a.ts", SCRIPT, 13, "    (M, a.name));"),
        ("a.ts", SCRIPT, 15, "export const first = (items) => (M, items[0].name);"),
        ("a.ts", SCRIPT, 16, None),
        ("A.java", JAVA, 3, None),
        ("A.java", JAVA, 4, "    M;z = 2;"),
        ("A.java", JAVA, 8, "        M;foo();"),
        ("A.java", JAVA, 10, "      default: M;return 2;"),
        ("A.java", JAVA, 13, None),
        ("A.java", JAVA, 15, "        M;yield 5;"),
        ("A.java", JAVA, 19, None),
        ("a.rs", RUST, 3, "        1 => { M;2 },"),
        ("a.rs", RUST, 5, "            M;4"),
        ("a.go", GO, 5, "\t\tM;foo()"),
        ("a.go", GO, 8, "\tM;return 2"),
    ],
)
def test_mark_stands_where_the_line_begins_to_run(path: str, text: str, line: int, marked: str | None) -> None:
    data = instrumented(path, text.encode(), [line], "M{mark};").decode()
    shown = re.sub(rf"{MARK} {line} {re.escape(path)}@", "", data)
    changed = [row for row, old in zip(shown.splitlines(), text.splitlines(), strict=True) if row != old]
    assert changed == ([marked] if marked else [])


def test_every_changed_line_has_a_mark_of_its_own() -> None:
    data = instrumented("a.ts", SCRIPT.encode(), range(1, 17), "M{mark};").decode()
    assert {line for _, line in seen(data)} == {2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15}
    assert data.count("\n") == SCRIPT.count("\n")


def test_marks_are_taken_out_of_what_is_shown() -> None:
    statement = 'say("{mark}");'
    source = instrumented("a.ts", SCRIPT.encode(), [4], statement).decode().splitlines()[3]
    output = f"start\n{MARK} 4 a.ts@\n> 4 |{source}\nend"
    assert without_marks(output, statement) == "start\n> 4 |      g();\nend"
