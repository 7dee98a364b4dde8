"""A user with a file of labelled changes, and `ralph-hooks backtest` on it."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.repo import Repo
from tests.support.server import Finds, Reply, Request, Responder

CHECKOUT = Path(__file__).parents[2]
BUGS = 6
EVAL = Finds("eval(", "runs what the user typed")
ABS = Finds("abs(", "loses the sign", confidence=0.6)
CLEAN = 6


def record(number: int, *, bug: bool) -> dict[str, Any]:
    before = f"def work_{number}(x):\n    return x\n"
    after = f"def work_{number}(x):\n    y = x + {number}\n    return {'eval(y)' if bug else 'abs(y)'}\n"
    return {
        "id": f"{'bug' if bug else 'clean'}-{number}",
        "path": f"work_{number}.py",
        "label": "buggy" if bug else "clean",
        "before": before,
        "after": after,
        **({"bug_lines_after": [3]} if bug else {}),
    }


class Backtests:
    def __init__(self, tmp_path: Path) -> None:
        self.home = tmp_path / "state-home"
        self.home.mkdir()
        self.variables: dict[str, str] = {}
        self.repo = Repo.create(tmp_path / "shop")
        self.repo.commit({"a.py": "x = 1\n"})
        self.data = tmp_path / "examples.jsonl"
        records = [record(n, bug=True) for n in range(BUGS)] + [record(n, bug=False) for n in range(CLEAN)]
        self.data.write_text("".join(f"{json.dumps(each)}\n" for each in records), encoding="utf-8")

    def serve(self, url: str, more: str = "") -> None:
        (self.home / "config.toml").write_text(
            f'cheap = "here/small"\n[providers.here]\nbase-url = "{url}"\n{more}'
            '[prices."here/small"]\ninput = 1.0\noutput = 1.0\n',
            encoding="utf-8",
        )

    @property
    def env(self) -> dict[str, str]:
        around = {"RALPH_HOOKS_HOME": str(self.home), "PYTHONPATH": str(CHECKOUT), "COLUMNS": "160"}
        return {**self.repo.env, **around, **self.variables}

    def command(self, *args: str) -> list[str]:
        """Of `ralph-hooks backtest` on the examples, unless ``args`` ask for commits."""
        source = () if "--commits" in args else ("--dataset", str(self.data))
        return [sys.executable, "-m", "ralph_hooks", "backtest", *source, *args]

    def run(self, *args: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            self.command(*args),
            cwd=self.repo.path,
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stderr
        return done

    def score(self, *args: str) -> dict[str, Any]:
        document = json.loads(self.run("--format", "json", *args).stdout)
        (routing,) = document["routings"]
        found: dict[str, Any] = routing
        return found

    def start(self, *args: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*args),
            cwd=self.repo.path,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


class Held:
    """Holds an analyst's answers back, from the ``after``-th request of ``phase`` (or of any) on, until opened."""

    def __init__(self, answer: Responder, *, most: int, after: int = 0, phase: str = "") -> None:
        self._answer = answer
        self._after = after
        self._phase = phase
        self._most = most
        self._seen = 0
        self._waiting = 0
        self._lock = threading.Condition()
        self._opened = threading.Event()

    def __call__(self, request: Request) -> Reply:
        with self._lock:
            self._seen += request.phase.startswith(self._phase)
            waits = request.phase.startswith(self._phase) and self._seen > self._after
            self._waiting += waits
            self._lock.notify_all()
        if waits:
            self._opened.wait()
        return self._answer(request)

    @contextmanager
    def full(self) -> Iterator[None]:
        """While as many requests wait as there are places; then all are answered."""
        with self._lock:
            self._lock.wait_for(lambda: self._waiting >= self._most)
        try:
            yield
        finally:
            self._opened.set()
