"""Git's raw entries and patches are parsed byte for byte."""

from __future__ import annotations

import sys

import pytest

from ralph_hooks.core.change import Content
from tests.support.matrix import covering
from tests.support.repo import Repo
from tests.support.snapshots import NAMES, entry, look, shown


@pytest.mark.skipif(sys.platform != "linux", reason="other file systems refuse some of these names")
def test_renamed_files_of_any_name_keep_their_old_side(repo: Repo) -> None:
    long = "".join(f"{number}\n" for number in range(30))
    repo.commit({f"d{number}/{name}": f"{number}\n{long}" for number, name in enumerate(NAMES)})
    for number, name in enumerate(NAMES):
        repo.stage({f"d{number}/{name}": None, f"e{number}/{name}": f"{number}\n{long}more\n"})
    snapshot = look(repo)
    assert {e.path: e.old_path for e in snapshot.change.entries} == {
        f"e{number}/{name}": f"d{number}/{name}" for number, name in enumerate(NAMES)
    }
    hunks = snapshot.hunks(snapshot.change.entries)
    assert {tuple(shown(found)) for found in hunks.values()} == {(" 28", " 29", "+more")}


CONTENTS = {
    "CRLF": b"one\r\ntwo\r\n",
    "no final newline": b"one\ntwo",
    "lone CR": b"one\rtwo\r",
    "empty lines": b"\n\n\none\n\n",
    "form feed and separators": "one\x0c\ntwo\x1c\u2028three\x85\n".encode(),
    "not UTF-8": b"\xff\xfe caf\xe9\n",
    "NUL": b"one\0two\n",
    "looks like a patch": b"diff --git a/0 b/0\n--- a/0\n+++ b/0\n@@ -1 +1 @@\n-x\n+y\n\\ No newline at end of file\n",
}


PAIRS = [
    (old, new) for old in (None, b"", b"one\nzero\n", *CONTENTS.values()) for new in CONTENTS.values() if old != new
]


@pytest.mark.parametrize(("old", "new"), covering(PAIRS, name=repr))
def test_staged_bytes_are_read_exactly_and_the_lines_rebuild_them(repo: Repo, old: bytes | None, new: bytes) -> None:
    repo.commit({} if old is None else {"b.txt": old})
    snapshot = look(repo.stage({"b.txt": new}))
    assert snapshot.contents(snapshot.change.entries)["b.txt"] == Content(old, new)
    assert snapshot.sizes(snapshot.change.entries)["b.txt"] == max(len(old or b""), len(new))
    lines = [line for hunk in snapshot.hunks(snapshot.change.entries)["b.txt"] for line in hunk.lines]
    expected = new.decode("utf-8", "replace").removesuffix("\n").split("\n")
    assert {line.new: line.text for line in lines if line.new} == {
        number: text for number, text in enumerate(expected, 1) if number in {line.new for line in lines}
    }
    before = (old or b"").decode("utf-8", "replace").split("\n")
    removed = {line.old for line in lines if line.kind == "-"}
    kept = [text for number, text in enumerate(before, 1) if number not in removed and (text or number < len(before))]
    added = {line.new for line in lines if line.kind == "+"}
    assert [text for number, text in enumerate(expected, 1) if number not in added] == kept


def test_line_numbers_are_those_of_the_files(repo: Repo) -> None:
    repo.commit({"b.py": "".join(f"{number}\n" for number in range(1, 31))})
    repo.stage({"b.py": "".join(f"{n}\n" for n in range(1, 31) if n not in {10, 11}) + "31\n"})
    first, second = look(repo).hunks([entry(look(repo))])["b.py"]
    assert [(line.kind, line.old, line.new) for line in first.lines] == [
        (" ", 8, 8), (" ", 9, 9), ("-", 10, None), ("-", 11, None), (" ", 12, 10), (" ", 13, 11),
    ]  # fmt: skip
    assert [(line.kind, line.old, line.new) for line in second.lines] == [(" ", 29, 27), (" ", 30, 28), ("+", None, 29)]


def test_kinds_of_entries_say_why_there_is_nothing_to_read(repo: Repo) -> None:
    repo.commit({"mode.py": "x\n", "moved.py": "moved\n" * 9, "to-link.py": "x\n", "untouched.py": "x\n"})
    inner = Repo.create(repo.path / "module", home=repo.home)
    inner.commit({"inner.py": "x\n"})
    (repo.path / "mode.py").chmod(0o755)
    (repo.path / "moved.py").rename(repo.path / "new-name.py")
    (repo.path / "to-link.py").unlink()
    (repo.path / "to-link.py").symlink_to("a.py")
    repo.write({"binary.bin": b"\0\1\2"}).git("-c", "advice.addEmbeddedRepo=false", "add", "-A")
    snapshot = look(repo)
    assert {e.path: (e.status.value, e.unreadable()) for e in snapshot.change.entries} == {
        "binary.bin": ("A", None),
        "mode.py": ("M", "only the file mode changed"),
        "module": ("A", "submodule"),
        "new-name.py": ("R", "renamed, content unchanged"),
        "to-link.py": ("T", "symbolic link"),
    }
    assert snapshot.contents(snapshot.change.entries)["module"] == Content(None, None)
    assert snapshot.contents(snapshot.change.entries)["to-link.py"] == Content(b"x\n", b"a.py")
    assert snapshot.sizes(snapshot.change.entries)["module"] == 0
    assert {path: shown(hunks) for path, hunks in snapshot.hunks(snapshot.change.entries).items()} == {
        "binary.bin": ["+\0\1\2"],
        "mode.py": [],
        "module": [],
        "new-name.py": [],
        "to-link.py": ["-x", "+a.py"],
    }
