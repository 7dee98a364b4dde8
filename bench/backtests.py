"""Labelled changes from outside this project, and a user who runs `ralph-hooks backtest` on them."""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.clock import Spent, spend
from bench.figures import NotMeasured, UnexpectedError
from bench.project import CHECKOUT, PROGRAM
from tests.support.project import environment
from tests.support.repo import Repo

DATA = CHECKOUT.parent / "shared" / "data"
HUMANEVALFIX, QUIXBUGS = "humanevalfix.jsonl", "quixbugs.jsonl"
SZZ, CLEAN = "szz_introducing_dev.jsonl.xz", "clean_commits.jsonl.xz"
ALL = (HUMANEVALFIX, QUIXBUGS, SZZ, CLEAN)
_LEFT_OUT = "X"
"""The `detectability` of a commit that somebody has looked at and found to bring no bug in."""
_MONEY = "[budget]\nper-run = 1000\nper-day = 10000\nper-month = 10000\n"

Row = dict[str, Any]


def rows(*files: str) -> list[Row]:
    """Return the changes in ``files``. Raises NotMeasured if one is missing."""
    found: list[Row] = []
    for file in files:
        path = DATA / file
        try:
            data = lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()
        except FileNotFoundError as error:
            raise NotMeasured(f"{path} is missing: labelled changes") from error
        found += [json.loads(line) for line in data.splitlines()]
    return [row for row in found if row.get("detectability") != _LEFT_OUT]


def numbered(found: list[Row], count: int) -> Iterator[Row]:
    """``count`` changes from all of ``found``, each with a line before it that makes its content a new one."""
    for number in range(count):
        row = found[number * len(found) // count if count < len(found) else number % len(found)]
        lines = [line + 1 for line in row.get("bug_lines_after", ())]
        texts = {side: row[side] if row[side] is None else f"# {number}\n{row[side]}" for side in ("before", "after")}
        yield {**row, **texts, "id": f"{number}", "path": f"n{number}.py", "bug_lines_after": lines}


class User:
    """Somebody with a repository, and a state of their own for each run."""

    def __init__(self, folder: Path, settings: str, variables: Mapping[str, str] | None = None) -> None:
        self._folder = folder
        self._settings = settings + _MONEY
        self._variables = variables or {}
        self._repo = Repo.create(folder / "project")
        self._repo.commit({"README.md": "A shop.\n"})
        self._runs = 0

    def backtest(self, changes: Iterable[Row], *args: str, settings: str = "") -> tuple[Row, Spent]:
        """Return what `ralph-hooks backtest` says of ``changes``, and what that took.

        ``settings`` are added to the user's.
        """
        self._runs += 1
        home = self._folder / f"home-{self._runs}"
        home.mkdir()
        (home / "config.toml").write_text(self._settings + settings, encoding="utf-8")
        data = home / "changes.jsonl"
        data.write_text("".join(f"{json.dumps(row)}\n" for row in changes), encoding="utf-8")
        command: list[str | Path] = [PROGRAM, "backtest", "--dataset", data, "--format", "json", *args]
        spent = spend(command, cwd=self._repo.path, env={**environment(self._folder, home), **self._variables})
        if spent.code:
            raise UnexpectedError(f"backtest ended with {spent.code}: {spent.output[-500:]}")
        (scored,) = json.loads(spent.output[spent.output.index("{") :])["routings"]
        return scored, spent
