"""Lines, languages and files that several checks ask for."""

from __future__ import annotations

import pytest

from ralph_hooks.checks.shared import added, blocking, is_ci, is_python, removed, sets_limits
from tests.support.sources import source


def test_lines_have_the_numbers_of_their_side() -> None:
    change = source("a.py", "one\nthree\nfour\n", "one\ntwo\n")
    assert added(change) == {2: "three", 3: "four"}
    assert removed(change) == {2: "two"}


def test_python_without_a_suffix_is_known_by_its_first_line() -> None:
    assert is_python(source("bin/tool", "#!/usr/bin/env python3\nx = 1\n"))
    assert not is_python(source("bin/tool", "#!/bin/sh\nx=1\n"))


def test_finding_shows_no_credential() -> None:
    password = "hunter" + "2x!"
    found = blocking("x", "a.py", 1, category="syntax", message=f"password = '{password}'", shown=f"pw = '{password}'")
    assert found.blocking
    assert password not in found.quote + found.context + found.message


@pytest.mark.parametrize(
    ("path", "limits", "ci"),
    [
        ("pyproject.toml", True, False),
        ("web/.eslintrc.json", True, False),
        (".github/workflows/test.yml", False, True),
        ("src/ci.py", False, False),
    ],
)
def test_files_that_set_limits_are_known(path: str, *, limits: bool, ci: bool) -> None:
    assert (sets_limits(path), is_ci(path)) == (limits, ci)
