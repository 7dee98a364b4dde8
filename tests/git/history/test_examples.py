"""Labelled examples are read from a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.backtests import Backtests


@pytest.fixture
def backtests(tmp_path: Path) -> Backtests:
    return Backtests(tmp_path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{}\n", "line 1"),
        ('{"id": "a", "path": "a", "label": "odd", "before": "", "after": "x"}\n', "line 1"),
        ("", "no example"),
    ],
)
def test_a_file_that_is_no_dataset_is_named_with_its_line(backtests: Backtests, text: str, words: str) -> None:
    backtests.data.write_text(text, encoding="utf-8")
    assert words in backtests.run("--routing", "checks", code=2).stderr
