"""The real command in a real repository, against servers that keep every byte they get."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.support.project import agreeing
from tests.support.repo import Repo

TOP = Path(__file__).parents[2]


class Gated:
    """A repository, its user's state, and the command."""

    def __init__(self, tmp_path: Path) -> None:
        self.home = tmp_path / "state-home"
        self.home.mkdir()
        self.repo = Repo.create(tmp_path / "shop")
        self.extra: dict[str, str] = {}

    def configure(self, url: str, repository: str = "", user: str = "") -> None:
        """A cheap model at ``url``, defined by the user; more of both files as given."""
        text = agreeing(f'{user}\n[providers.here]\nbase-url = "{url}"\n')
        (self.home / "config.toml").write_text(text, encoding="utf-8")
        self.repo.commit({"pyproject.toml": f'[tool.ralph-hooks]\ncheap = "here/small"\n{repository}'})

    @property
    def env(self) -> dict[str, str]:
        return {**self.repo.env, "RALPH_HOOKS_HOME": str(self.home), "PYTHONPATH": str(TOP), **self.extra}

    def run(
        self, *args: str, env: Mapping[str, str] | None = None, stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "ralph_hooks", *args],
            cwd=self.repo.path,
            env={**self.env, **(env or {})},
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            input=stdin,
        )

    def judge(self, *args: str) -> dict[str, Any]:
        """The JSON report of `gate`."""
        done = self.run("gate", "--format", "json", *args)
        assert "Traceback" not in done.stderr
        report: dict[str, Any] = json.loads(done.stdout)
        return report | {"stderr": done.stderr, "code": done.returncode}

    def everything_kept(self) -> bytes:
        """Every byte in the user's state."""
        return b"".join(path.read_bytes() for path in sorted(self.home.rglob("*")) if path.is_file())
