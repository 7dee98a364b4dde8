"""The bill: right, in every form, and a page that loads nothing."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
import time
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ralph_hooks.core.ports import Reservation
from ralph_hooks.core.route import Phase
from ralph_hooks.core.usage import Price, Usage
from ralph_hooks.store.db import Database, Repository
from ralph_hooks.store.ledger import Caps, Ledger
from tests.support.repo import Repo

CHEAP, EXPENSIVE = "openrouter/deepseek/deepseek-v4-flash", "corp/big"
CONFIG = f"""
[tool.ralph-hooks]
cheap = "{CHEAP}"
expensive = "{EXPENSIVE}"
[tool.ralph-hooks.prices."{EXPENSIVE}"]
input = 15.0
output = 15.0
"""
USER = '[providers.corp]\nbase-url = "https://llm.corp.example/v1"\n'
HOSTILE = "<script>alert(1)</script>\x1b[2J=cmd"
DAY = 86_400


class Bills:
    """A repository whose user has a ledger."""

    def __init__(self, tmp_path: Path) -> None:
        self.home = tmp_path / "state-home"
        self.home.mkdir()
        self.repo = Repo.create(tmp_path / "shop")
        self.repo.write({"pyproject.toml": CONFIG})
        (self.home / "config.toml").write_text(USER)

    def spend(
        self, phase: Phase, tokens: int, price: str, *, name: str = "shop", days_ago: int = 0, run: str = "r"
    ) -> None:
        key = Repository.at(self.repo.path / ".git").key if name == "shop" else name
        with Database(self.home / "state") as database:
            ledger = Ledger(
                database,
                run=run,
                repository=Repository(key, name),
                command="gate",
                caps=Caps(),
                clock=lambda: time.time() - days_ago * DAY,
            )
            model = EXPENSIVE if phase is Phase.IMPLEMENT else CHEAP
            call = ledger.reserve(Reservation(run=run, phase=phase, model=model, worst_usd=Decimal(1)))
            usage = Usage(input_tokens=tokens, output_tokens=0)
            ledger.settle(call, usage, Price(input=Decimal(price), output=Decimal(0)).cost(usage), "ok", 1.0)

    def article(self) -> None:
        """Five phases at their own prices: $0.0396, against $1.50 at $15 a million tokens."""
        for phase, tokens, price in (
            (Phase.ANALYZE, 25_000, "0.12"),
            (Phase.PLAN, 15_000, "0.20"),
            (Phase.IMPLEMENT, 30_000, "1.00"),
            (Phase.VERIFY, 15_000, "0.12"),
            (Phase.FIX, 15_000, "0.12"),
        ):
            self.spend(phase, tokens, price)

    def cost(self, *args: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "ralph_hooks", "cost", *args],
            cwd=self.repo.path,
            env={
                **self.repo.env,
                "RALPH_HOOKS_HOME": str(self.home),
                "PYTHONPATH": str(Path(__file__).parents[2]),
                "COLUMNS": "120",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def bills(tmp_path: Path) -> Bills:
    return Bills(tmp_path)


def test_an_empty_ledger_says_so(bills: Bills) -> None:
    assert bills.cost() == "No model was asked: nothing was spent.\n"


def test_the_table_has_every_phase_and_what_it_would_have_cost(bills: Bills) -> None:
    bills.article()
    text = bills.cost()
    for words in ("analyze", "implement", CHEAP, "$0.0396", "The same tokens on corp/big alone: $1.50; saved 97 %."):
        assert words in text
    assert "Budget per month: $0.0396 of $100.00 used" in text
    assert "\x1b" not in text


def test_json_has_exact_amounts_and_the_same_sums(bills: Bills) -> None:
    bills.article()
    document = json.loads(bills.cost("--format", "json"), parse_float=Decimal)
    assert document["totals"]["all"][0]["cost_usd"] == Decimal("0.0396")
    assert document["baseline"] == {"model": EXPENSIVE, "cost_usd": Decimal("1.5")}
    assert sum(each["cost_usd"] for each in document["totals"]["phase"]) == Decimal("0.0396")
    assert [each["per"] for each in document["budgets"]] == ["day", "month"]


def test_csv_has_a_row_for_each_total_and_no_formula(bills: Bills) -> None:
    bills.article()
    bills.spend(Phase.ANALYZE, 1_000, "0.10", name="=cmd|' /C calc'!A0")
    rows = list(csv.DictReader(bills.cost("--format", "csv").splitlines()))
    assert {row["group"] for row in rows} == {"all", "phase", "model", "repository", "hook", "day"}
    assert [row["name"] for row in rows if "cmd" in row["name"]] == ["'=cmd|' /C calc'!A0"]


def test_here_and_since_narrow_it_down(bills: Bills) -> None:
    bills.spend(Phase.ANALYZE, 1_000_000, "0.01")
    bills.spend(Phase.ANALYZE, 1_000_000, "0.02", name="other")
    bills.spend(Phase.ANALYZE, 1_000_000, "0.04", days_ago=40)

    def spent(*args: str) -> float:
        return float(json.loads(bills.cost("--format", "json", *args))["totals"]["all"][0]["cost_usd"])

    assert spent() == pytest.approx(0.07)
    assert spent("--here") == pytest.approx(0.05)
    since = time.strftime("%Y-%m-%d", time.localtime(time.time() - 10 * DAY))
    assert spent("--since", since) == pytest.approx(0.03)
    assert spent("--here", "--since", since) == pytest.approx(0.01)


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


def page(bills: Bills, tmp_path: Path) -> Path:
    bills.article()
    for days_ago in range(1, 30):
        bills.spend(Phase.IMPLEMENT if days_ago % 5 == 0 else Phase.ANALYZE, 9_000, "0.5", days_ago=days_ago)
    bills.spend(Phase.ANALYZE, 5_000, "0.10", name=HOSTILE)
    target = tmp_path / "costs.html"
    bills.cost("--html", str(target))
    return target


def test_the_page_is_whole_loads_nothing_and_runs_nothing(bills: Bills, tmp_path: Path) -> None:
    text = page(bills, tmp_path).read_text(encoding="utf-8")
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


BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine to lay the page out")
@pytest.mark.parametrize("width", [500, 1280])
def test_a_browser_lays_it_out_within_the_window(bills: Bills, tmp_path: Path, width: int) -> None:
    """500 is the narrowest window that Chromium opens."""
    assert BROWSER is not None
    text = page(bills, tmp_path).read_text(encoding="utf-8")
    probe = "<script>document.title = document.documentElement.scrollWidth + ' of ' + innerWidth</script></body>"
    (tmp_path / "probe.html").write_text(text.replace("</body>", probe), encoding="utf-8")
    done = subprocess.run(
        [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--disable-quic", f"--user-data-dir={tmp_path / 'profile'}",
         f"--window-size={width},900", "--dump-dom", (tmp_path / "probe.html").as_uri()],
        env={**os.environ, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )  # fmt: skip
    title = done.stdout.partition("<title>")[2].partition("</title>")[0]
    needed, _, given = title.partition(" of ")
    assert int(needed) <= int(given), done.stderr
