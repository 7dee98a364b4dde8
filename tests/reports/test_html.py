"""The pages in a real browser: on a phone, in the dark, by keyboard, and as a screen reader is given them."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from ralph_hooks.core.backtest import Score, interval
from ralph_hooks.core.stats import FindingLabel, FindingOutcome, Judgement, Statistics, statistics
from ralph_hooks.reports.backtest.page import render
from ralph_hooks.reports.stats import page
from tests.support.bills import Bills
from tests.support.browser import MISSING, PROGRAM, Browser, browser

pytestmark = pytest.mark.skipif(PROGRAM is None, reason=MISSING)

TAB, ENTER = ("Tab", 9, ""), ("Enter", 13, "\r")
PAGES = ("bill", "backtest", "stats")

OVERFLOW = "document.documentElement.scrollWidth - innerWidth"

CUT_OR_COVERED = """
(() => {
  document.querySelectorAll('details').forEach(each => each.open = true);
  const shown = 'h1, h2, p, summary, .tile b, svg text, tbody th, tbody td';
  const words = [...document.querySelectorAll(shown)].map(node => [node.textContent, node.getBoundingClientRect()]);
  const out = words.filter(([_, box]) => box.left < 0 || box.right > innerWidth).map(([text]) => text);
  const hidden = [...document.querySelectorAll('.scroll')].filter(each => each.scrollWidth > each.clientWidth);
  const covered = [];
  words.forEach(([text, a], index) => words.slice(index + 1).forEach(([other, b]) => {
    const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const tall = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    if (wide > 1 && tall > 3) covered.push(`${text} / ${other}`);
  }));
  return [...out, ...hidden.map(each => each.ariaLabel), ...covered];
})()
"""
"""Words that leave the page, tables that hide columns, and words over other words."""

CONTRASTS = """
(() => {
  const rgb = colour => colour.match(/[\\d.]+/g).map(Number);
  const shine = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = node => {
    for (; node; node = node.parentElement) {
      const paint = rgb(getComputedStyle(node).backgroundColor);
      if (paint.length == 3 || paint[3] > 0) return paint;
    }
    return [255, 255, 255];
  };
  document.querySelectorAll('details').forEach(each => each.open = true);
  const words = [...document.querySelectorAll('h1, h2, p, th, td, b, li, summary, .tile, svg text')];
  return words.filter(node => node.textContent.trim()).map(node => {
    const style = getComputedStyle(node);
    const ink = rgb(node.closest('svg') ? style.fill : style.color);
    const [low, high] = [shine(ink), shine(behind(node))].sort((a, b) => a - b);
    return [(high + 0.05) / (low + 0.05), node.textContent];
  });
})()
"""
"""Of every text, the contrast of https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio and the words."""

FOCUSED = """
(({tagName, ariaLabel, textContent}, {outlineStyle}) => [tagName, ariaLabel || textContent, outlineStyle])
(document.activeElement, getComputedStyle(document.activeElement))
"""


def score(name: str, caught: int, dollars: str) -> Score:
    cost = Decimal(dollars)
    return Score(
        name=name, changes=40, bugs=20, caught=caught, clean=20, false_blocks=1, catch_rate=interval(caught, 20),
        false_block_rate=interval(1, 20), cost_usd=40 * cost, cost_per_change_usd=cost, cost_per_caught_usd=cost,
        seconds_p50=1.2, seconds_p95=3.4, flips=None, unjudged=0, requests=40, tokens=40_000,
    )  # fmt: skip


def record() -> Statistics:
    labels = [
        FindingLabel(
            at=0.0, change=f"c{number}", source="openrouter/deepseek/deepseek-v4-flash", category="correctness",
            evidence="proved", blocking=True, outcome=outcome,
        )
        for number, outcome in enumerate(FindingOutcome)
    ]  # fmt: skip
    reviews = [Judgement(at=0.0, change=each.change, held_back=True, cost_usd=Decimal("0.01")) for each in labels]
    return statistics(labels, reviews, month=lambda _: "2026-11", scope="all repositories")


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    scores = [score("checks", 1, "0"), score("cheap", 9, "0.0004"), score("cheap, then expensive", 16, "0.0191")]
    backtest = folder / "backtest.html"
    backtest.write_text(render(scores, "/home/ada/datasets/a-long-name-of-a-file.jsonl"), encoding="utf-8")
    stats = folder / "stats.html"
    stats.write_text(page(record()), encoding="utf-8")
    return {"bill": Bills(folder).page(folder), "backtest": backtest, "stats": stats}


@pytest.mark.parametrize("width", [320, 390, 1280])
@pytest.mark.parametrize("name", PAGES)
def test_it_fits_the_window_and_asks_for_nothing_else(
    shown: Browser, pages: dict[str, Path], name: str, width: int
) -> None:
    shown.open(pages[name], width=width)
    assert shown.run("innerWidth") == width
    assert shown.run(OVERFLOW) <= 0
    assert shown.run(CUT_OR_COVERED) == []
    assert shown.requested == [pages[name].as_uri()]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_every_word_can_be_read(shown: Browser, pages: dict[str, Path], name: str, scheme: str) -> None:
    shown.open(pages[name], width=1280, dark=scheme == "dark")
    contrasts = shown.run(CONTRASTS)
    assert len(contrasts) > 20
    assert [words for contrast, words in contrasts if contrast < 4.5] == []
    background = shown.run("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(255, 255, 255)") == (scheme == "light")


def test_a_screen_reader_is_given_names_and_figures(shown: Browser, pages: dict[str, Path]) -> None:
    shown.open(pages["bill"], width=1280)
    spoken = shown.spoken()
    headings = [name for role, name in spoken if role == "heading"]
    assert headings[:2] == ["What the models cost", "Spend by day and phase"]
    images = [name for role, name in spoken if role == "image"]
    assert len(images) == 3
    assert images[1].startswith("Paid $0.")
    named = [name for role, name in spoken if role in {"figure", "region"}]
    assert len(named) == len(set(named)) == 9  # each once, and three regions are in details that are closed
    assert "" not in named
    assert {"rowheader", "columnheader", "cell"} <= {role for role, _ in spoken}


def test_the_picture_is_told_in_words(shown: Browser, pages: dict[str, Path]) -> None:
    shown.open(pages["backtest"], width=1280)
    (image,) = [name for role, name in shown.spoken() if role == "image"]
    assert "cheap, then expensive 80 % (58-92) for $0.0191" in image


def test_all_of_it_is_reached_by_keyboard(shown: Browser, pages: dict[str, Path]) -> None:
    shown.open(pages["bill"], width=1280)
    stops = []
    for _ in range(7):
        shown.press(*TAB)
        stops.append(shown.run(FOCUSED))
        if stops[-1][0] == "SUMMARY" and len(stops) == 1:
            shown.press(*ENTER)
    assert [outline for _, _, outline in stops] == ["solid"] * 7
    assert [name for _, name, _ in stops] == [
        "The figures",
        "Spend by day and phase: the figures",
        "The figures",
        "The figures",
        "By model: the figures",
        "By repository: the figures",
        "By hook: the figures",
    ]
    assert shown.run("document.querySelectorAll('details[open]').length") == 1
