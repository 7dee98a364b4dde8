"""A change as a model sees it: nothing is lost on the way, whatever its size."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ralph_hooks.core.change import Content, Entry, Hunk, Line, Status, decode, lines_of
from ralph_hooks.core.prompt_diff import Part, enclosing, excerpt, headings, numbered, pack, render

SOURCE = b"""\
import os


class Garage:
    def __init__(self):
        self.cars = []

    async def leave(self, car):
        if car:
            self.cars.remove(car)
"""


def entry(status: Status = Status.MODIFIED, path: str = "a.py", old_path: str = "") -> Entry:
    return Entry(path, status, old_path or path, "100644", "100644", "1" * 40, "2" * 40)


def added(*texts: str, start: int = 1) -> Hunk:
    return Hunk(tuple(Line("+", None, number, text) for number, text in enumerate(texts, start=start)))


def test_a_changed_line_carries_its_kind_its_number_and_its_text() -> None:
    assert numbered(Line("+", None, 7, "    x = 1")) == "+7     x = 1"
    assert numbered(Line("-", 5, None, "y")) == "-5 y"
    assert numbered(Line(" ", 5, 6, "z")) == " z"


def test_a_hunk_names_the_definitions_around_its_first_change() -> None:
    hunk = Hunk((Line(" ", 9, 9, "        if car:"), Line("+", None, 10, "            self.cars.remove(car)")))
    [part] = render(entry(), Content(SOURCE, SOURCE), [hunk], 1000)
    assert part.text.splitlines() == [
        "### a.py",
        "@@ class Garage: > async def leave(self, car):",
        "         if car:",
        "+10             self.cars.remove(car)",
    ]


def test_enclosing_is_empty_where_there_is_nothing_around() -> None:
    lines = lines_of(SOURCE)
    assert enclosing(lines, 1) == ""
    assert enclosing(lines, 0) == ""
    assert enclosing(lines, 99) == ""
    assert enclosing(lines, 6) == "class Garage: > def __init__(self):"


def test_a_definition_that_takes_several_lines_is_named_by_its_first() -> None:
    lines = [
        "class Garage(",
        "    Building,",
        "):",
        "    def park(",
        "        self,",
        "    ) -> int:",
        "        return 1",
    ]
    assert enclosing(lines, 7) == "class Garage( > def park("
    assert enclosing(["void park(int car)", "{", "    car;", "}"], 3) == "void park(int car)"


def test_a_removed_first_line_is_looked_up_in_the_base() -> None:
    hunk = Hunk((Line("-", 10, None, "            self.cars.remove(car)"),))
    [part] = render(entry(), Content(SOURCE, b""), [hunk], 1000)
    assert "@@ class Garage: > async def leave(self, car):" in part.text


def test_the_header_says_what_happened_to_the_file() -> None:
    def header(item: Entry) -> str:
        return render(item, Content(b"", b""), [], 100)[0].text

    assert header(entry(Status.ADDED)) == "### a.py (new file)"
    assert header(entry(Status.DELETED)) == "### a.py (deleted)"
    assert header(entry(Status.RENAMED, old_path="b.py")) == "### a.py (renamed from b.py)"
    assert header(entry(path="a\nb\x1b.py")) == "### a\\nb\\x1b.py"


HUNKS = st.lists(
    st.lists(st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), max_size=200), min_size=1)
    .map(lambda texts: added(*texts)),
    min_size=1,
    max_size=6,
)  # fmt: skip


@given(hunks=HUNKS, limit=st.integers(20, 400))
def test_every_line_is_in_exactly_one_part_and_parts_are_small(hunks: list[Hunk], limit: int) -> None:
    parts = render(entry(), Content(None, b""), hunks, limit)
    lines = [line for part in parts for line in part.lines]
    assert lines == [line for hunk in hunks for line in hunk.lines]
    rendered = [row for part in parts for row in part.text.split("\n") if row.startswith("+")]
    assert "\n".join(rendered).split("\n") == "\n".join(map(numbered, lines)).split("\n")
    longest = max(len(line.text.encode()) for line in lines)
    assert all(part.tokens <= limit + longest for part in parts)


@given(hunks=HUNKS, most=st.integers(1, 8))
def test_every_line_is_asked_about_exactly_once(hunks: list[Hunk], most: int) -> None:
    batches = pack(render(entry(), Content(None, b""), hunks, 10_000, most), 10_000, most)
    asked = [line for batch in batches for part in batch for line in part.lines]
    assert asked == [line for hunk in hunks for line in hunk.lines]
    assert all(sum(part.changed for part in batch) <= most * 3 // 2 + 1 for batch in batches)


@given(lengths=st.lists(st.integers(2, 90), min_size=1, max_size=12))
def test_no_definition_that_fits_into_a_question_is_divided(lengths: list[int]) -> None:
    texts = [
        row
        for number, length in enumerate(lengths)
        for row in [f"def f{number}(x):", *["    int y = x" if row % 7 else "" for row in range(1, length)]]
    ]
    starts = [1 + sum(lengths[:number]) for number in range(len(lengths))]
    whole = [range(start, start + length) for start, length in zip(starts, lengths, strict=True)]
    parts = render(entry(), Content(None, "\n".join(texts).encode()), [added(*texts)], 100_000, 60, whole)
    for lines in whole:
        holding = [part for part in parts if any(line.new in lines for line in part.lines)]
        assert len(holding) == 1
    assert all(part.changed <= 90 for part in parts)


def test_files_that_belong_together_share_a_request_if_they_fit() -> None:
    parts = [Part(path, "", added(*"x" * count).lines) for path, count in (("a", 40), ("b", 15), ("test_b", 15))]
    related = pack(parts, 1_000, 60, lambda path: path.removeprefix("test_"))
    assert [[part.path for part in batch] for batch in related] == [["a"], ["b", "test_b"]]
    alone = pack(parts, 1_000, 60)
    assert [[part.path for part in batch] for batch in alone] == [["a", "b"], ["test_b"]]


SIZES = st.lists(st.integers(1, 300), max_size=30)


@given(sizes=SIZES)
def test_packing_keeps_order_and_wastes_no_request(sizes: list[int]) -> None:
    parts = [Part(str(index), "x" * 4 * size, ()) for index, size in enumerate(sizes)]
    batches = pack(parts, 200)
    assert [part for batch in batches for part in batch] == parts
    totals = [sum(part.tokens for part in batch) for batch in batches]
    assert all(total <= 200 or len(batch) == 1 for total, batch in zip(totals, batches, strict=True))
    assert all(one + batch[0].tokens > 200 for one, batch in zip(totals, batches[1:], strict=False))


def test_an_excerpt_is_numbered_and_stays_in_the_file() -> None:
    lines = [f"line {number}" for number in range(1, 6)]
    assert excerpt(lines, 1, reach=1) == "1 line 1\n2 line 2"
    assert excerpt(lines, 5, reach=1) == "4 line 4\n5 line 5"


@given(data=st.binary())
def test_the_lines_of_a_file_are_its_text(data: bytes) -> None:
    assert "\n".join(lines_of(data)) == decode(data).removesuffix("\n")
    assert len(lines_of(data)) == data.count(b"\n") + (not data.endswith(b"\n")) * bool(data)


def test_headings_of_many_lines_are_found_in_one_pass() -> None:
    """The work is counted: a file of equal lines was once scanned back from each of its hunks."""

    class Counted(list[str]):
        reads = 0

        def __getitem__(self, index: Any) -> Any:  # noqa: ANN401 - as list has it
            found = super().__getitem__(index)
            Counted.reads += len(found) if isinstance(index, slice) else 1
            return found

    lines = Counted(["def f():", *(f"    - {number}" for number in range(20_000))])
    found = headings(lines, range(2, 20_001, 4))
    assert set(found.values()) == {"def f():"}
    assert Counted.reads <= 2 * len(lines)


def test_deep_nesting_names_the_innermost_definitions() -> None:
    lines = [f"{' ' * depth}def f{depth}():" for depth in range(2_000)]
    assert headings(lines, [2_000])[2_000] == " > ".join(f"def f{depth}():" for depth in range(1_991, 1_999))
