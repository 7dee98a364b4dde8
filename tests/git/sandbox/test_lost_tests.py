"""Tests that no longer run are told from those that moved and those that the change removes."""

from __future__ import annotations

import pytest

from ralph_hooks.core.change import Content, Entry, Status
from ralph_hooks.git.sandbox.lost_tests import Lost, leaf, lost, sorted_out

PYTEST = (
    "def test_a():\n    assert one() == 1\n\n\n@pytest.mark.parametrize('x', [1, 2])\ndef test_b(x):\n    assert x\n"
)


def changed(path: str, old: str | None, new: str | None, new_path: str = "") -> tuple[Entry, Content]:
    oids = [None if text is None else f"{hash(text):x}" for text in (old, new)]
    status = Status.ADDED if old is None else Status.DELETED if new is None else Status.MODIFIED
    entry = Entry(new_path or path, status, path, "100644", "100644", *oids)
    return entry, Content(*(None if text is None else text.encode() for text in (old, new)))


@pytest.mark.parametrize(
    ("before", "now", "gone"),
    [
        (["t.a::x", "t.a::y"], ["t.a::x", "t.a::y"], []),
        (["t.a::x", "t.a::y"], ["t.a::x"], ["t.a::y"]),
        (["t.a::x[1]", "t.a::x[2]"], ["t.a::x[<object 0x7f>]", "t.a::x[3]"], []),  # other parameters
        (["t.a::x[1]", "t.a::x[2]"], ["t.a::x[1]"], ["t.a::x[2]"]),
        (["t.a::x", "t.a.TestOld::y"], ["t.b::x", "t.a.TestNew::y"], []),  # another file, another class
        (["t.a::x", "t.b::x"], ["t.c::x"], ["t.b::x"]),
        (["com.a.FooTest::adds(int)[1]"], ["com.b.FooTest::adds(int)[1]"], []),
        (["pkg::TestX/one", "pkg::TestX/two"], ["pkg::TestX/one"], ["pkg::TestX/two"]),
        (["test::same", "test::same"], ["test::same"], ["test::same"]),  # two tests with one name
        (["k::a::tests::works"], ["k::b::tests::works"], []),  # Rust
        (["src/a.test.ts::math > adds"], ["src/sums.test.ts::math > adds"], []),  # Vitest
    ],
)
def test_only_tests_without_a_counterpart_are_lost(before: list[str], now: list[str], gone: list[str]) -> None:
    assert list(lost(before, now)) == gone


@pytest.mark.parametrize(
    ("name", "last"),
    [
        ("tests.test_a.TestA::test_x[1-2]", "test_x"),
        ("k::tests::works", "works"),
        ("src/a.test.ts::math > adds 1.5", "adds 1.5"),
        ("com.a.FooTest::adds(int)[1]", "adds"),
    ],
)
def test_the_leaf_of_a_name_stays_when_a_test_moves(name: str, last: str) -> None:
    assert leaf(name) == last


REMOVED = [
    ("tests.test_a::test_a", changed("tests/test_a.py", PYTEST, PYTEST.partition("\n\n")[2])),
    ("tests.test_a::test_a", changed("tests/test_a.py", PYTEST, None)),
    ("tests.test_a::test_a", changed("tests/test_a.py", PYTEST, "import pytest\n@pytest.mark.skip\n" + PYTEST)),
    ("tests.test_a::test_b[2]", changed("tests/test_a.py", PYTEST, PYTEST.replace("[1, 2]", "[1]"))),
    ("tests.test_a::test_case[big.json]", changed("tests/data/big.json", "{}", None)),
    ("tests.test_a::test_case[stop]", changed("app.py", "COMMANDS = ['go', 'stop']\n", "COMMANDS = ['go']\n")),
    (
        "math adds::math adds",
        changed("a.test.js", "describe('math', () => test('adds', f))", "describe('math', () => 1)"),
    ),
    ("src/a.test.ts::sums 1 and 2", changed("src/a.test.ts", "test.each(t)('sums %i and %i', f)", "// none")),
    (
        "com.a.FooTest::adds(int)[1]",
        changed("FooTest.java", "@Test void adds(int i) {}", "@Disabled @Test void adds(int i) {}"),
    ),
    ("pkg::TestSum/one", changed("sum_test.go", "func TestSum(t *testing.T) {}", "")),
]
KEPT = [
    ("tests.test_a::test_a", changed("pytest.ini", "[pytest]\n", "[pytest]\npython_files = none_*.py\n")),
    ("tests.test_a::test_a", changed("conftest.py", "", "collect_ignore = ['tests/test_a.py']\n")),
    ("tests.test_a::test_a", changed("tests/test_a.py", PYTEST, PYTEST, "tests/a_tests.py")),
    ("tests.test_a::test_a", changed("tests/test_a.py", PYTEST, "import os\nif 0:\n  pass\n" + PYTEST)),
    ("src/a.test.ts::adds", changed("vitest.config.ts", "export default {}", "export default {exclude: ['src/**']}")),
    (
        "tests.test_b::test_skip",
        changed("conftest.py", "", "def pytest_collection_modifyitems(items): items.clear()\n"),
    ),
]


@pytest.mark.parametrize(("name", "change"), REMOVED)
def test_what_the_change_removes_or_skips_is_removed(name: str, change: tuple[Entry, Content]) -> None:
    assert sorted_out([name], [change]) == Lost(removed=(name,))


@pytest.mark.parametrize(("name", "change"), KEPT)
def test_what_a_change_only_keeps_from_running_is_missing(name: str, change: tuple[Entry, Content]) -> None:
    assert sorted_out([name], [change]) == Lost(missing=(name,))


def test_a_hundred_thousand_names_are_compared_in_no_time() -> None:
    names = [f"tests.test_{number % 1000}::test_{number}" for number in range(100_000)]
    gone = lost(names, names[1:])
    assert gone == (names[0],)
    assert len(sorted_out(names, [REMOVED[0][1]]).missing) == len(names)
