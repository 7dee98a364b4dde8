"""Text that is edited keeps its bytes around the edit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.edited import applied, files, line, refused


@pytest.mark.parametrize(
    ("before", "edit", "after"),
    [
        (b"a\r\nb\r\nc\r\n", ("b\n", "x\ny\n"), b"a\r\nx\r\ny\r\nc\r\n"),
        (b"a\r\nb\r\nc\r\n", ("b\r\nc", "x\r\nc"), b"a\r\nx\r\nc\r\n"),
        (b"a\r\nb", ("b\n", "x\ny\n"), b"a\r\nx\r\ny"),
        (b"a\r\nb\nc\r\n", ("a\nb\nc\n", "a\nb\nd\n"), b"a\r\nb\nd\r\n"),
        (b"a\nb", ("b\n", "c\n"), b"a\nc"),
        (b"a\nb", ("b", "b\n"), b"a\nb\n"),
        (b"a\nb", ("b\n", ""), b"a"),
        (b"a\nb\n", ("b\n", "b"), b"a\nb"),
        (b"a\rb\r", ("b", "c"), b"a\rc\r"),
        (b"\xef\xbb\xbfa = 1\n", ("a = 1\n", "a = 2\n"), b"\xef\xbb\xbfa = 2\n"),
        (b"# caf\xe9\na = 1\n", ("a = 1\n", "a = 2\n"), b"# caf\xe9\na = 2\n"),
        ("# café\na = 1\n".encode(), ("café", "thé"), "# thé\na = 1\n".encode()),
    ],
)
def test_line_ends_and_bytes_around_an_edit_stay(before: bytes, edit: tuple[str, str], after: bytes) -> None:
    assert applied({"a.txt": before}, ("a.txt", *edit)) == {"a.txt": after}


def test_a_file_that_is_not_utf8_gets_no_bytes_of_another_encoding() -> None:
    assert "only ASCII" in refused({"a.txt": b"caf\xe9 = 1\n"}, ("a.txt", "= 1", "= 'é'"))


@given(files, st.sampled_from(["", "as it is"]), st.data())
def test_every_line_that_an_edit_does_not_touch_keeps_its_bytes(
    lines: list[tuple[str, str]], end_of_file: str, data: st.DataObject
) -> None:
    lines[-1] = lines[-1] if end_of_file else (lines[-1][0] or "x", "")
    index = data.draw(st.integers(0, len(lines) - 1))
    lines[index] = ("§unique§", lines[index][1])
    before = [(text + end).encode() for text, end in lines]
    new = data.draw(st.lists(line, min_size=1, max_size=3).filter(lambda found: "§unique§" not in "".join(found)))
    result = applied({"a.txt": b"".join(before)}, ("a.txt", "§unique§\n", "".join(f"{text}\n" for text in new)))[
        "a.txt"
    ]
    end = lines[index][1] or (lines[index - 1][1] if index else "\n")
    middle = end.join(new) + lines[index][1]
    assert result == b"".join(before[:index]) + middle.encode() + b"".join(before[index + 1 :])
