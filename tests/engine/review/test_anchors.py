"""Fingerprints: what a finding is recognised by, and what makes it another one."""

from __future__ import annotations

import msgspec
import pytest

from ralph_hooks.core.change import Content
from ralph_hooks.core.finding import Finding
from ralph_hooks.engine.review.anchors import anchored
from tests.support.project import Project
from tests.support.reports import check_finding, finding
from tests.support.server import Finds, analyst

SOURCE = b"""\
import os


class Cart:
    def total(self, items):
        total = 0
        for item in items[:-1]:
            total += item
        return total

    def count(self, items):
        total = 0
        return total
"""
LINE = 7


def made(source: bytes, line: int = LINE, *, path: str = "shop/cart.py", of: Finding | None = None) -> Finding:
    about = msgspec.structs.replace(of or finding(), path=path, line=line, end_line=line)
    (found,) = anchored([about], path, Content(None, source))
    return found


@pytest.mark.parametrize(
    ("path", "source", "line"),
    [
        ("shop/cart.py", b"# a new line\n\n" + SOURCE, LINE + 2),
        ("shop/cart.py", SOURCE.replace(b"        total = 0\n        for", b"        total = 1\n        for"), LINE),
        ("shop/cart.py", SOURCE.replace(b"\n", b"\r\n"), LINE),
        ("basket/cart.py", SOURCE, LINE),
    ],
    ids=["edit above", "edit in the definition", "line endings", "rename"],
)
def test_fingerprint_survives_edits_elsewhere(path: str, source: bytes, line: int) -> None:
    assert made(source, line, path=path).fingerprint == made(SOURCE).fingerprint


@pytest.mark.parametrize("changed", [b"items[:-2]", b"items[:-1]  ", b"reversed(items[:-1])"])
def test_fingerprint_changes_with_the_line(changed: bytes) -> None:
    assert made(SOURCE.replace(b"items[:-1]", changed)).fingerprint != made(SOURCE).fingerprint


def test_fingerprint_ignores_the_model_and_its_words() -> None:
    other = finding(source="other/model", message="Off by one.", category="off-by-one", confidence=0.6, quote="[:-1]")
    assert made(SOURCE, of=other).fingerprint == made(SOURCE).fingerprint


@pytest.mark.parametrize(
    "other",
    [finding(category="sql-injection"), check_finding(), check_finding(category="F823"), finding(rule="no loops")],
    ids=["security", "check", "another rule", "a rule of the project"],
)
def test_fingerprint_tells_kinds_of_findings_apart(other: Finding) -> None:
    fingerprints = {made(SOURCE, of=each).fingerprint for each in (finding(), other, check_finding(category="E999"))}
    assert len(fingerprints) == 3


def test_equal_lines_have_fingerprints_of_their_own() -> None:
    twice = SOURCE.replace(b"            total += item\n", b"            total += item\n" * 2)
    there = [made(twice, line).fingerprint for line in (8, 9)]
    assert len(set(there)) == 2
    assert there[0] == made(SOURCE, 8).fingerprint
    assert made(SOURCE, 6).fingerprint != made(SOURCE, 12).fingerprint  # total = 0, in two methods


@pytest.mark.parametrize("line", [0, -3, 999])
def test_a_line_outside_the_file_falls_back_to_the_quote(line: int) -> None:
    found = made(SOURCE, line)
    assert (found.anchor, found.fingerprint) == ("", msgspec.structs.replace(found, line=1).fingerprint)


def test_two_secrets_that_are_masked_alike_differ_in_value_alone() -> None:
    of = finding(category="secret", source="secrets", context='KEY = "****"', quote='KEY = "****"')
    one, other = (made(b'KEY = "%s"\n' % value, 1, of=of) for value in (b"first", b"second"))
    assert one.fingerprint == other.fingerprint
    assert one.value != other.value
    assert "first" not in repr(one)


def test_twenty_thousand_equal_findings_take_no_quadratic_time() -> None:
    source = b"undefined_name\n" * 20_000
    many = [finding(line=line, end_line=line) for line in range(1, 20_001)]
    assert len({each.fingerprint for each in anchored(many, "a.py", Content(None, source))}) == 20_000


def test_every_report_names_the_same_fingerprint_again(project: Project) -> None:
    project.configure()
    project.models(analyst(Finds("eval(", "Runs what the user typed.")))
    project.repo.stage({"a.py": "def f(text):\n    return eval(text)\n"})
    first = project.judge().blocking[0]
    project.repo.stage({"a.py": "LIMIT = 3\n\n\ndef f(text):\n    return eval(text)\n"})
    second = project.judge().blocking[0]
    assert (first["line"], second["line"]) == (2, 5)
    assert first["fingerprint"] == second["fingerprint"]
    assert second["id"] == second["fingerprint"][:8]
