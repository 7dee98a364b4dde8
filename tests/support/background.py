"""Repairs in the background: hooks that start them, and waiting for what they do."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable

from ralph_hooks.core.job import Job
from tests.support.fixes import in_store
from tests.support.patience import PATIENCE
from tests.support.project import BIN, TWO_LINES, Project, phases
from tests.support.repairs import Crew, repair
from tests.support.server import ModelServer, Reply, Request
from tests.support.stand_in import executable

MENDED = "def calculate(text):\n    return int(text)\n"


MENDS = repair(("calc.py", "return eval(text)", "return int(text)"))


BUDGET = "[budget]\nper-run = 90\nper-day = 90\n"


PRE_COMMIT = f"""\
repos:
  - repo: local
    hooks:
      - id: ralph-gate
        name: ralph-hooks gate
        entry: {BIN / "ralph-hooks"} gate
        language: system
        pass_filenames: false
        always_run: true
        verbose: true
"""


def the_job(project: Project) -> Job:
    [job] = project.jobs.all()
    return job


def until(condition: Callable[[], object], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"it did not come to this: {what}"
        time.sleep(0.02)


def with_hook(project: Project, crew: Crew, *lines: str, framework: bool = False) -> ModelServer:
    """The project with a hook, git's own or real pre-commit's, and ``crew`` to answer for its models."""
    server = project.models(crew, user=BUDGET)
    fix = "\n".join(["[tool.ralph-hooks.fix]", *lines])
    project.configure(f'{TWO_LINES}on-failure = "fix"\n{fix}\n')
    project.repo.commit({".pre-commit-config.yaml": PRE_COMMIT, "calc.py": MENDED})
    if not framework:
        executable(project.repo.path / ".git/hooks/pre-commit", f"#!/bin/sh\nexec {BIN}/ralph-hooks gate\n")
        return server
    subprocess.run(
        [BIN / "pre-commit", "install"], cwd=project.repo.path, env=project.environ, check=True, capture_output=True
    )
    return server


def commit(project: Project, *args: str) -> str:
    """A refused `git commit`: what it said. It fails the test where the hook is waited for."""
    done = subprocess.run(
        ["git", "commit", "-m", "change", *args],
        cwd=project.repo.path,
        env=project.environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 1, done.stdout
    return done.stdout


def by_hand(project: Project, *args: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [BIN / "ralph-hooks", *args],
        cwd=project.repo.path,
        env=project.environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def asked(server: ModelServer, phase: str) -> int:
    return phases(list(server.requests)).count(phase)


class Gate:
    """An answer that comes when the test lets it."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        self.opened = threading.Event()

    def __call__(self, _: Request) -> Reply:
        assert self.opened.wait(PATIENCE)
        return self._reply


def ended(project: Project) -> Job:
    """The one job, once its process has gone."""
    until(lambda: project.jobs.all() and not project.jobs.runs(the_job(project)), "the job has ended")
    return the_job(project)


def pins(project: Project) -> list[str]:
    return in_store(project.repo).git("for-each-ref", "--format=%(refname)", "refs/ralph/jobs").split()
