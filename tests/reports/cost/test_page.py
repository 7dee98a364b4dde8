"""Costs as a page."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.support.bills import Bills


@pytest.fixture
def bills(tmp_path: Path) -> Bills:
    return Bills(tmp_path)


class _Page(HTMLParser):
    """What a browser would fetch or run, and whether every element is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.open: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.fetched += [tag] if tag in {"script", "link", "img", "iframe"} else []
        self.fetched += [f"{name}={value}" for name, value in attrs if name in {"src", "href", "onload"}]
        if tag not in {"meta", "rect", "line"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        if tag not in {"rect", "line"}:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_the_page_is_whole_loads_nothing_and_runs_nothing(bills: Bills, tmp_path: Path) -> None:
    text = bills.page(tmp_path).read_text(encoding="utf-8")
    read = _Page()
    read.feed(text)
    assert read.fetched == []
    assert read.open == []
    assert "url(" not in text
    assert "\x1b" not in text
    words = " ".join(read.words)
    assert "Spend by day and phase" in words
    assert "Saved against the expensive model" in words
    assert "Where the tokens go" in words
    assert "<script>alert(1)</script>\\x1b[2J=cmd" in words
    assert text.count('role="img" aria-label="') == 3
