"""A repository with routes, and the command that shows them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support.repo import Repo

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
