"""Command lines of linters."""

from __future__ import annotations

from ralph_hooks.core.change import Entry, Status
from ralph_hooks.core.linter import Linter


def entry(path: str, new: str | None = "2" * 40) -> Entry:
    return Entry(path, Status.MODIFIED, path, "100644", "100644", "1" * 40, new)


def test_paths_are_relative_to_the_folder_and_quoted() -> None:
    linter = Linter("x", "lint {files}", cwd="web")
    assert linter.lines(["web/a b.js", "web/-c.js"]) == ("lint 'a b.js' ./-c.js",)
    assert Linter("x", "lint .").lines(["a.js", "b.js"]) == ("lint .",)


def test_linter_covers_changed_files_of_its_paths() -> None:
    linter = Linter("x", "lint {files}", paths=("*.js",), cwd="web")
    assert linter.covers(entry("web/a.js"))
    assert not linter.covers(entry("web/a.py"))
    assert not linter.covers(entry("api/a.js"))
    assert not linter.covers(entry("web/a.js", new=None))
