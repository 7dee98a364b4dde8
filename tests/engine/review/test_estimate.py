"""Requests and costs of a review, before it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.routes import Routes
from tests.support.server import ModelServer, Reply


@pytest.fixture
def routes(tmp_path: Path) -> Routes:
    return Routes(tmp_path)


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
