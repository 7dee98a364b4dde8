"""Conflict markers that a change brings block in every text file."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ralph_hooks.checks.conflicts import Conflicts
from tests.support.sources import findings

MARKERS = "<<<<<<< HEAD\nours\n=======\ntheirs\n>>>>>>> topic\n"


@pytest.mark.parametrize(
    "path", ["a.py", "a.sql", "package-lock.json", "README.md", "docs/a.rst", "Makefile", "LICENSE", "tests/test_a.txt"]
)
def test_a_conflict_blocks_at_its_first_line(path: str) -> None:
    (finding,) = findings(Conflicts(), path, f"one\n{MARKERS}two\n", "one\ntwo\n")
    assert (finding.line, finding.end_line, finding.category, finding.blocking) == (2, 6, "conflict-markers", True)
    assert finding.quote == "<<<<<<< HEAD"


@pytest.mark.parametrize(
    "text",
    [
        "<<<<<<<\r\nours\r\n=======\r\ntheirs\r\n>>>>>>>\r\n",
        "<<<<<<< HEAD\nours\n||||||| 1a2b3c4\nbase\n=======\ntheirs\n>>>>>>> topic\n",
    ],
    ids=["windows", "diff3"],
)
def test_other_forms_of_a_conflict_block(text: str) -> None:
    assert len(findings(Conflicts(), "a.txt", text)) == 1


def test_a_marker_that_was_there_before_does_not_count() -> None:
    assert findings(Conflicts(), "a.txt", f"{MARKERS}more\n", MARKERS) == ()
    half = "<<<<<<< HEAD\nours\n=======\ntheirs\n"
    assert len(findings(Conflicts(), "a.txt", f"{half}>>>>>>> topic\n", half)) == 1


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.rst", "Title\n=======\n\nText\n"),
        ("a.txt", "=======\n>>>>>>> b\n<<<<<<< a\n"),
        ("a.txt", f"  {MARKERS}".replace("\n", "\n  ")),
        ("a.txt", "<<<<<<<< 8\n=======\n>>>>>>> b\n"),
        ("docs/git.md", f"Git writes:\n\n```\n{MARKERS}```\n"),
        ("tests/fixtures/merge.txt", MARKERS),
        ("tests/data/conflict.py", MARKERS),
        ("tests/test_merge.py", f'TEXT = """\\\n{MARKERS}"""\n'),
        ("merge_test.go", f"package a\n\nconst text = `\n{MARKERS}`\n"),
    ],
    ids=["heading", "order", "indented", "eight", "fenced", "fixture", "data", "python string", "go string"],
)
def test_what_is_no_conflict_is_left_alone(path: str, text: str) -> None:
    assert findings(Conflicts(), path, text) == ()


def test_a_broken_test_is_a_conflict() -> None:
    assert len(findings(Conflicts(), "tests/test_merge.py", MARKERS)) == 1


@given(st.lists(st.sampled_from(["<<<<<<< a", "=======", ">>>>>>> b", "x", "```"])))
def test_a_finding_spans_all_three_markers(lines: list[str]) -> None:
    for finding in findings(Conflicts(), "a.txt", "\n".join(lines)):
        part = lines[finding.line - 1 : finding.end_line]
        assert part[0].startswith("<")
        assert "=======" in part
        assert part[-1].startswith(">")
