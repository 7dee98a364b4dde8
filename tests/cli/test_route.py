"""What would run, on which model, why and at about what cost; nothing is sent."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.repo import Repo
from tests.support.server import ModelServer, Reply

CONFIG = """
[tool.ralph-hooks]
cheap = "openrouter/deepseek-v4-flash"
expensive = "anthropic/claude-opus-4-5"
[[tool.ralph-hooks.routes]]
paths = ["docs/**"]
models.implement = "anthropic/claude-haiku-4-5"
[[tool.ralph-hooks.routes]]
paths = ["notes/**"]
skip = true
"""


class Routes:
    def __init__(self, tmp_path: Path) -> None:
        self.home = tmp_path / "state-home"
        self.home.mkdir()
        self.repo = Repo.create(tmp_path / "shop")
        self.repo.commit({"pyproject.toml": CONFIG, "pay.py": "def pay(x):\n    return x\n", "uv.lock": "a\n"})

    def run(self, *args: str) -> str:
        env = {**self.repo.env, "RALPH_HOOKS_HOME": str(self.home), "PYTHONPATH": str(Path(__file__).parents[2])}
        done = subprocess.run(
            [sys.executable, "-m", "ralph_hooks", "route", *args],
            cwd=self.repo.path,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def routes(tmp_path: Path) -> Routes:
    return Routes(tmp_path)


def test_each_phase_has_its_model_and_the_rule_that_chose_it(routes: Routes) -> None:
    pay, docs, readme, notes = (routes.run(path) for path in ("pay.py", "docs/a.md", "README.md", "notes/x"))
    assert "implement  anthropic/claude-opus-4-5" in pay
    assert "analyze    openrouter/deepseek/deepseek-v4-flash" in pay
    assert "implement  anthropic/claude-haiku-4-5\n  fix        openrouter/deepseek/deepseek-v4-flash\n  why" in docs
    assert 'repair     documentation, and fix.boilerplate is "cheap"' in readme
    assert "left out: skipped by routes[1] (notes/**), the last rule that matches" in notes


def test_the_staged_change_has_figures_and_what_is_left_out(routes: Routes) -> None:
    routes.repo.stage({"pay.py": "def pay(x):\n    return x + 1\n", "uv.lock": "b\n"})
    text = routes.run()
    assert "uv.lock (logic)\n  left out: lock file" in text
    assert "1 request to openrouter/deepseek/deepseek-v4-flash: about" in text
    assert "implement  anthropic/claude-opus-4-5: about" in text
    assert "Nothing was sent." in text


def test_nothing_is_sent_and_what_is_known_is_said_to_cost_nothing(routes: Routes) -> None:
    with ModelServer(lambda _: Reply.json_text({"findings": []})) as server:
        provider = f'[providers.here]\nbase-url = "{server.url}"\n'
        (routes.home / "config.toml").write_text(provider)
        routes.repo.commit({"pyproject.toml": '[tool.ralph-hooks]\ncheap = "here/small"\n'})
        routes.repo.stage({"pay.py": "def pay(x):\n    return x + 2\n"})
        before = json.loads(routes.run("--format", "json"))
        assert server.requests == []
        env = {**routes.repo.env, "RALPH_HOOKS_HOME": str(routes.home), "PYTHONPATH": str(Path(__file__).parents[2])}
        subprocess.run([sys.executable, "-m", "ralph_hooks", "gate"], cwd=routes.repo.path, env=env, check=True)
        assert len(server.requests) == 1
        after = json.loads(routes.run("--format", "json"))
        assert len(server.requests) == 1
    assert [path["known"] for path in before["paths"]] == [False]
    assert [each["requests"] for each in before["requests"]] == [1]
    assert [path["known"] for path in after["paths"]] == [True]
    assert after["requests"] == []


def test_nothing_staged_says_so(routes: Routes) -> None:
    assert routes.run().startswith("Nothing is staged")
