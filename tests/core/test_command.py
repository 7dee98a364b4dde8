"""Verify commands: their names, their words and the changes that they are about."""

from __future__ import annotations

import pytest

from ralph_hooks.core.change import Entry, Status
from ralph_hooks.core.command import Command, concerned


def entry(path: str, old: str = "") -> Entry:
    return Entry(path, Status.MODIFIED, old or path, "100644", "100644", "1" * 40, "2" * 40)


def test_words_are_quoted_as_they_would_be_typed() -> None:
    command = Command(("pytest", "-k", "a b"), cwd="web")
    assert (command.line, command.name) == ("pytest -k 'a b'", "web: pytest -k 'a b'")
    assert Command("pytest -k 'a b' # fast").words == ["pytest", "-k", "a b"]
    assert Command("echo 'open").words == ["echo", "'open"]


@pytest.mark.parametrize(
    ("line", "goes_on"),
    [
        ("pytest --junit-xml={junit}", False),
        ("pytest --junit-xml={junit} -q", False),
        ("pytest --junit-xml={junit} && false", True),
        ("cd web && pytest --junit-xml={junit}", False),
        ("true && false", False),
    ],
)
def test_part_behind_the_report_is_noticed(line: str, *, goes_on: bool) -> None:
    assert Command(line).goes_on is goes_on


def test_command_of_a_folder_is_about_files_in_it() -> None:
    web, docs, all_ = Command("a", cwd="web"), Command("b", paths=("*.md",)), Command("c")
    commands = [web, docs, all_, Command("c", paths=("*.py",))]
    assert concerned(commands, [entry("web/x.js")]) == (web, all_)
    assert concerned(commands, [entry("api/x.js", old="web/x.js")]) == (web, all_)
    assert concerned(commands, [entry("README.md")]) == (docs, all_)
