"""Any bytes are parsed, in bounded time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ralph_hooks.checks.syntax import Syntax
from ralph_hooks.core.ports.checks import CheckResult
from ralph_hooks.languages import tree
from tests.support.parsed import notebook
from tests.support.sources import findings, run, source


def test_a_file_that_takes_too_long_is_not_called_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "package a\n" + "var x = (1\n" * 10_000
    assert run(Syntax(), source("a.go", text))["a.go"].findings != ()
    monkeypatch.setattr(tree, "SECONDS", -1.0)
    assert run(Syntax(), source("a.go", text))["a.go"] == CheckResult(looked=False)


def test_deep_nesting_ends_in_time() -> None:
    for path, data in (
        ("a.go", "package a\nvar x = " + "(" * 400_000),
        ("a.yaml", "[" * 200_000),
        ("a.xml", "<a>" * 300_000),
        ("a.ipynb", notebook(" " * 500_000 + "x")),
        ("a.ipynb", notebook("a, " * 100_000)),
        ("a.ipynb", notebook("!\\\n" * 100_000)),
    ):
        findings(Syntax(), path, data)


@given(
    st.binary(max_size=300),
    st.sampled_from(["a.json", "a.toml", "a.py", "tool", "a.yml", "a.xml", "a.ipynb", "a.js", "a.rs", "a.php"]),
)
def test_no_bytes_break_it(data: bytes, path: str) -> None:
    for finding in findings(Syntax(), path, data):
        assert 1 <= finding.line <= data.count(b"\n") + 1
