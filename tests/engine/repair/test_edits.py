"""A repair is applied to the letter, or not at all and with reasons that help to correct it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ralph_hooks.core.repair import NewFile
from ralph_hooks.engine.repair.edits import EditsRefused, Files
from tests.support.edited import applied, refused

CODE = "import os\n\n\ndef area(a, b):\n    return a + b\n\n\ndef edge(a, b):\n    return a + b\n"


def test_an_edit_replaces_what_it_quotes_and_nothing_else() -> None:
    files = applied(
        {"a.py": CODE, "b.py": "b = 1\n"},
        ("a.py", "def area(a, b):\n    return a + b", "def area(a, b):\n    return a * b"),
    )
    assert files == {"a.py": CODE.replace("a + b", "a * b", 1).encode()}


def test_edits_are_looked_for_in_the_file_as_it_was() -> None:
    files = applied({"a.txt": "one\ntwo\n"}, ("a.txt", "two", "one"), ("./a.txt", "one", "two"))
    assert files == {"a.txt": b"two\none\n"}


def test_files_are_created_and_deleted() -> None:
    files = applied({"a.py": "", "d/b.py": ""}, create=(NewFile("d/c.py", "c = 1\n"),), delete=("a.py",))
    assert files == {"d/c.py": b"c = 1\n", "a.py": None}


def test_an_empty_file_can_be_filled() -> None:
    assert applied({"a.py": ""}, ("a.py", "", "a = 1\n")) == {"a.py": b"a = 1\n"}


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (("a.py", "return a + b", "return a * b"), "edit 1: `search` occurs 2 times in a.py (lines 5, 9)"),
        (("a.py", "  return a - b", "x"), "does not occur in a.py; the nearest line is 5: `    return a + b`"),
        (("a.py", "def area(a,b):", "x"), "only white space differs, copy it exactly; the nearest line is 4"),
        (("a.py", "", "x"), "`search` is empty"),
        (("a.py", "import os", "import os"), "the edits of a.py change nothing"),
        (("src/a.py", "import os", ""), "there is no file src/a.py (is it a.py?)"),
        (
            ("a.py", "def area(a, b):", "def area(a, b:"),
            "a.py after the edits: it is not valid Python any more (line 4: ",
        ),
        (("a.py", "import os", "import os\0"), "the result is not text"),
        (("a.py", "import os", "import os\udc80"), "the result is not text"),
        (("a.py", "import os", 'KEY = "<secret-1>"'), "stands for a credential that is not shown"),
        (("a.py", 'KEY = "<secret-1>"', "import re"), "stands for a credential that is not shown"),
        (("c.json", "1", "1,"), "c.json after the edits: it is not valid JSON any more"),
        (("p.toml", "1", "="), "p.toml after the edits: it is not valid TOML any more"),
    ],
)
def test_an_edit_that_cannot_be_applied_is_refused_with_what_helps(edit: tuple[str, str, str], words: str) -> None:
    files = {"a.py": CODE, "c.json": '{"a": 1}', "p.toml": "a = 1\n"}
    assert words in refused(files, edit)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, "the model returned no edits"),
        ({"create": (NewFile("./a.py", "x = 1\n"),)}, "a.py is there already"),
        ({"create": (NewFile("./", "x = 1\n"),)}, "create: it has no path"),
        ({"create": (NewFile("d", "x = 1\n"),)}, "d is there already"),
        ({"create": (NewFile("a.py/b.py", "x = 1\n"),)}, "would be in a.py, which is a file"),
        ({"create": (NewFile("n.py", "x = (\n"),)}, "create: n.py: it is not valid Python"),
        (
            {"create": (NewFile("n.py", "x = 1\n"), NewFile("n.py", "x = 2\n"))},
            "n.py is edited, created or deleted more",
        ),
        ({"delete": ("a.pi",)}, "there is no file a.pi (is it a.py?)"),
        ({"delete": ("a.py", "a.py")}, "a.py is edited, created or deleted more than once"),
    ],
)
def test_what_is_created_or_deleted_has_to_make_sense(change: dict[str, object], words: str) -> None:
    assert words in refused({"a.py": CODE, "d/b.py": ""}, **change)


def test_edits_that_overlap_are_refused_with_every_other_reason() -> None:
    reasons = refused(
        {"a.py": CODE},
        ("a.py", "def area(a, b):\n", "def area(b):\n"),
        ("a.py", "area(a, b):\n    return", "x"),
        ("none.py", "x", "y"),
        delete=("gone.py",),
    )
    assert "edits 1 and 2 of a.py overlap" in reasons
    assert "there is no file none.py" in reasons
    assert "there is no file gone.py" in reasons


def test_a_file_that_could_not_be_parsed_before_may_be_mended_bit_by_bit() -> None:
    assert applied({"a.py": "x = (\ny = (\n"}, ("a.py", "y = (", "y = 1")) == {"a.py": b"x = (\ny = 1\n"}


def test_a_name_of_any_bytes_is_found_by_what_is_shown_of_it() -> None:
    path = b"caf\xe9.txt".decode("utf-8", "surrogateescape")
    assert applied({path: "a\n"}, (r"caf\xe9.txt", "a", "b")) == {path: b"b\n"}


anything = st.text(max_size=12)
paths = st.sampled_from(["a.py", "./a.py", "d/b.json", "d", "a.py/x", "new.toml", "..", ""])


@given(
    st.dictionaries(st.sampled_from(["a.py", "d/b.json"]), st.binary(max_size=30), max_size=2),
    st.lists(st.tuples(paths, anything, anything), max_size=4),
    st.lists(st.builds(NewFile, paths, anything), max_size=2),
    st.lists(paths, max_size=2),
)
def test_any_repair_is_applied_or_refused_with_a_reason(
    tree: dict[str, bytes], edits: list[tuple[str, str, str]], create: list[NewFile], delete: list[str]
) -> None:
    reasons: tuple[str, ...] = ()
    files: Files = {}
    try:
        files = applied(tree, *edits, create=tuple(create), delete=tuple(delete))
    except EditsRefused as error:
        reasons = error.reasons
    assert bool(files) != bool(reasons)
    assert all(reasons)
    assert all(tree.get(path) != content for path, content in files.items())
