"""A repository whose user has a ledger, for what `ralph-hooks cost` makes of it."""

from __future__ import annotations

import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path

from ralph_hooks.core.ports.models import Reservation
from ralph_hooks.core.route import Phase
from ralph_hooks.core.usage import Price, Usage
from ralph_hooks.store.ledger import Caps, StoredLedger
from ralph_hooks.store.sqlite import Database, RepositoryId
from ralph_hooks.store.state import State
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
        key = RepositoryId.at(self.repo.path / ".git").key if name == "shop" else name
        with Database(self.home / "state") as database:
            ledger = StoredLedger(
                State(database),
                run=run,
                repository=RepositoryId(key, name),
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

    def cost(self, *args: str, columns: int = 120) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "ralph_hooks", "cost", *args],
            cwd=self.repo.path,
            env={
                **self.repo.env,
                "RALPH_HOOKS_HOME": str(self.home),
                "PYTHONPATH": str(Path(__file__).parents[2]),
                "COLUMNS": str(columns),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def page(self, folder: Path) -> Path:
        """Return the bill of a month as a page, with a repository that has a hostile name."""
        self.article()
        for days_ago in range(1, 30):
            self.spend(Phase.IMPLEMENT if days_ago % 5 == 0 else Phase.ANALYZE, 9_000, "0.5", days_ago=days_ago)
        self.spend(Phase.ANALYZE, 5_000, "0.10", name=HOSTILE)
        target = folder / "costs.html"
        self.cost("--html", str(target))
        return target
