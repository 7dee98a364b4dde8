"""Routings side by side."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.backtests import EVAL, Backtests
from tests.support.server import ModelServer, analyst


@pytest.fixture
def backtests(tmp_path: Path) -> Backtests:
    return Backtests(tmp_path)


def test_several_routings_side_by_side_and_the_picture(backtests: Backtests, tmp_path: Path) -> None:
    with ModelServer(analyst(EVAL)) as server:
        backtests.serve(server.url)
        page = tmp_path / "picture.html"
        done = backtests.run("--routing", "checks", "--routing", "small=here/small", "--html", str(page))
    assert "checks misses 100% of the bugs" in done.stdout
    assert "small misses 0% of the bugs" in done.stdout
    text = page.read_text(encoding="utf-8")
    assert text.count("<circle") == 2
    assert "polyline" in text
    assert "http" not in text
