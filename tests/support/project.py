"""A repository with ralph-hooks at work in it: configuration, a home of its own, scripted models, the real commands."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ralph_hooks.cli.main import run
from ralph_hooks.core.cost_summary import Total
from ralph_hooks.store.jobs import Jobs
from ralph_hooks.store.ledger import statement
from ralph_hooks.store.sqlite import Database, RepositoryId
from ralph_hooks.store.state import State
from tests.support.asking import KEY, KEY_NAME
from tests.support.repo import Repo, isolated
from tests.support.report_page import wrong_report
from tests.support.server import ModelServer, Request, Script

BIN = Path(sys.executable).parent
MODEL = "scripted/cheap"
EXPENSIVE = "scripted/big"
TWO_LINES = f'[tool.ralph-hooks]\ncheap = "{MODEL}"\nexpensive = "{EXPENSIVE}"\n'
"""The configuration that most tests want, in pyproject.toml."""
PRICES = """
[prices."scripted/cheap"] # US dollars per million tokens
input = 1.0
output = 2.0
[prices."scripted/big"]
input = 100.0
output = 200.0
"""


@dataclass(frozen=True)
class Ran:
    """A command that has ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Judged:
    """A judging command that has ended, with its JSON report."""

    code: int
    report: dict[str, Any]
    err: str

    @property
    def verdict(self) -> str:
        return str(self.report["verdict"])

    @property
    def findings(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.report["findings"]
        return found

    @property
    def blocking(self) -> list[dict[str, Any]]:
        return [finding for finding in self.findings if finding["blocking"]]

    @property
    def unreviewed(self) -> dict[str, str]:
        """Reasons by path."""
        return {item["path"]: item["reason"] for item in self.report["unreviewed"]}

    @property
    def causes(self) -> dict[str, str]:
        return {item["path"]: item["cause"] for item in self.report["unreviewed"]}

    @property
    def sent(self) -> list[dict[str, Any]]:
        """The calls that went to a model in this run."""
        return [call for call in self.report["calls"] if not call["from_store"]]

    @property
    def notices(self) -> str:
        return "\n".join(self.report["notices"])


class Project:
    """A repository at ``repo`` whose user has ``home``. Made by the fixture `project`, which also ends its servers."""

    def __init__(self, repo: Repo, home: Path, stack: contextlib.ExitStack) -> None:
        self.repo = repo
        self.home = home
        self._stack = stack
        self.environ = environment(repo.home, home)
        self.agrees = True
        """True if agreement blocks in the user's configuration; else the default says what does."""

    def configure(self, text: str = TWO_LINES, *, user: str | None = None) -> Project:
        """Commit ``text`` as pyproject.toml; write ``user`` as the user's own configuration."""
        self.repo.commit({"pyproject.toml": text})
        if user is not None:
            self.write_user(user)
        return self

    def write_user(self, text: str) -> None:
        self.home.mkdir(exist_ok=True)
        (self.home / "config.toml").write_text(agreeing(text) if self.agrees else text, encoding="utf-8")

    def models(self, script: Script, *, wire: str = "openai", user: str = "") -> ModelServer:
        """Serve ``script`` as provider ``scripted`` of the user's own, until the test ends.

        Where the repository does not say otherwise, a refused change is not repaired: that would ask ``script`` too.
        """
        server = self._stack.enter_context(ModelServer(script))
        self.write_user('on-failure = "block"\n' + provider("scripted", server.url, wire) + PRICES + user)
        return server

    def also(self, name: str, script: Script, *, wire: str = "openai", key_name: str = KEY_NAME) -> ModelServer:
        """Serve ``script`` as one more provider of the user's."""
        server = self._stack.enter_context(ModelServer(script))
        path = self.home / "config.toml"
        path.write_text(path.read_text(encoding="utf-8") + provider(name, server.url, wire, key_name), encoding="utf-8")
        return server

    def run(self, *args: str, stdin: bytes = b"") -> Ran:
        """Run a command in this process: like `python -m ralph_hooks`, without the half second of its start."""
        out, err = io.StringIO(), io.StringIO()
        sys.stdin, usual = io.TextIOWrapper(io.BytesIO(stdin)), sys.stdin
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                code = run(list(args))
        finally:
            sys.stdin = usual
        return Ran(code, out.getvalue(), err.getvalue())

    def program(self, *args: str, env: Mapping[str, str] | None = None, **options: Any) -> Ran:  # noqa: ANN401 - Popen's
        """Run the installed program in a process of its own."""
        done = subprocess.run(
            [BIN / "ralph-hooks", *args],
            cwd=self.repo.path,
            env={**self.environ, **(env or {})},
            encoding="utf-8",
            errors="surrogateescape",
            check=False,
            **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def judge(self, *args: str, command: str = "gate") -> Judged:
        """Judge, with the report as JSON."""
        done = self.run(command, "--format", "json", *args)
        assert done.out, f"no report; exit {done.code}: {done.err}"
        report = json.loads(done.out)
        assert report["exit_code"] == done.code
        assert wrong_report(report) == []  # so every report of every test is one that docs/report.md describes
        return Judged(done.code, report, done.err)

    @property
    def jobs(self) -> Jobs:
        """The repairs in the background."""
        return Jobs(self.home / "state", RepositoryId.at(self.repo.path))

    def end_jobs(self) -> None:
        """End what still runs: no test leaves a process behind."""
        for job in self.jobs.all():
            self.jobs.cancel(job, grace=1.0)

    def ledger(self) -> Total:
        """Return all rows of this user's ledger."""
        with Database(self.home / "state") as database:
            return statement(State(database)).whole

    def last(self) -> dict[str, Any]:
        """Return the last report, as a program would ask for it."""
        report: dict[str, Any] = json.loads(self.run("show", "--format", "json").out)
        return report


def agreeing(user: str) -> str:
    """A user's configuration in which the agreement of the verify model is enough to block.

    What a reproducer proves has tests of its own, which say so in the repository's configuration.
    """
    if "block-on" in user:
        return user
    if "[gate]\n" in user:
        return user.replace("[gate]\n", '[gate]\nblock-on = "agreement"\n')
    return f'{user}\n[gate]\nblock-on = "agreement"\n'


def environment(home: Path, state: Path) -> dict[str, str]:
    """Return the environment of a user with a key and this checkout's programs on PATH."""
    env = isolated(home)
    return {
        **{name: value for name, value in env.items() if not name.startswith("RALPH_HOOKS_")},
        "RALPH_HOOKS_HOME": str(state),
        "PATH": f"{BIN}{os.pathsep}{env['PATH']}",
        KEY_NAME: KEY,
        "COLUMNS": "100",
    }


def provider(name: str, url: str, wire: str = "openai", key_name: str = KEY_NAME) -> str:
    """Return a provider in the user's configuration."""
    return f'[providers.{name}]\nwire = "{wire}"\nbase-url = "{url}"\napi-key-env = "{key_name}"\n'


def phases(requests: list[Request]) -> list[str]:
    return [request.phase for request in requests]


@contextlib.contextmanager
def new_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, object_format: str = "sha1") -> Iterator[Project]:
    """Return a repository with one commit, as the working directory of a process with its user's environment."""
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    repo = Repo.create(tmp_path / "project", home=home, object_format=object_format)
    repo.commit({"README.md": "A project.\n"})
    with contextlib.ExitStack() as stack:
        made = Project(repo, tmp_path / "ralph", stack)
        for name in set(os.environ) - set(made.environ):
            monkeypatch.delenv(name)
        for name, value in made.environ.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(repo.path)
        stack.callback(made.end_jobs)
        yield made
