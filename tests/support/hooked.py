"""Real hooks in a project, git's own or a framework's, with a witness around what they run."""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support import witness
from tests.support.project import BIN, Project
from tests.support.repo import Repo
from tests.support.server import ModelServer, analyst
from tests.support.stand_in import executable

FRAMEWORKS = ("pre-commit", "prek")
RUNNERS = ("native", *FRAMEWORKS)
CONFIGURATION = """\
repos:
  - repo: {repository}
    rev: {revision}
    hooks:
      - id: {hook}
        language: system # what an installation would give is on PATH already
"""


@dataclass(frozen=True)
class Frameworks:
    """Shared state of a test session: a repository with our manifest, the frameworks' caches and their scripts."""

    folder: Path
    revision: str

    def configuration(self, hook: str) -> str:
        return CONFIGURATION.format(repository=self.folder / "manifest", revision=self.revision, hook=hook)

    @property
    def env(self) -> dict[str, str]:
        return {
            "PRE_COMMIT_HOME": str(self.folder / "pre-commit-home"),
            "PREK_HOME": str(self.folder / "prek-home"),
            "PRE_COMMIT_COLOR": "never",
        }


class Hooked:
    """A project whose commits run ``ralph-hooks gate`` by ``runner``, under a witness."""

    def __init__(self, project: Project, runner: str, frameworks: Frameworks, folder: Path) -> None:
        self.project = project
        self.repo = project.repo
        self.runner = runner
        self.server: ModelServer = project.models(analyst())
        self._frameworks = frameworks
        self._folder = folder
        self._log = folder / "witness.jsonl"
        self._witness = f"{sys.executable} -S {witness.__file__} {self._log}"
        executable(folder / "bin" / "ralph-hooks", f'#!/bin/sh\nexec {self._witness} {BIN}/ralph-hooks "$@"\n')
        path = (
            project.environ["PATH"] if runner == "native" else f"{folder / 'bin'}{os.pathsep}{project.environ['PATH']}"
        )
        self.repo.env = {**project.environ, **frameworks.env, "PATH": path}

    def install(self, hook: str = "ralph-gate") -> None:
        """Put the runner's own script where git looks for it."""
        hooks = self.repo.path / self.repo.git("rev-parse", "--git-path", "hooks")
        hooks.mkdir(parents=True, exist_ok=True)
        if self.runner == "native":
            self._install_native(hooks)
            return
        self.repo.commit({".pre-commit-config.yaml": self._frameworks.configuration(hook)})
        shutil.copy(self._frameworks.folder / self.runner, hooks / "pre-commit")

    def at(self, place: Path) -> Repo:
        """Return the repository with ``place`` as its folder."""
        repo = Repo(place, self.repo.home)
        repo.env = self.repo.env
        return repo

    def _install_native(self, hooks: Path) -> None:
        done = self.project.program("install")
        assert done.code == 0, done.err
        script = hooks / "pre-commit"
        script.rename(hooks / "ralph-native")
        executable(script, f'#!/bin/sh\nexec {self._witness} {hooks}/ralph-native "$@"\n')

    def commit(self, *args: str, stdin: bytes = b"", code: int = 0) -> dict[str, Any]:
        """Commit with ``args``; the JSON report of what the hook judged, once it is clear that it changed nothing."""
        before = self.repo.try_git("rev-parse", "--verify", "--quiet", "HEAD").stdout
        done = self.repo.try_git("commit", "-m", "change", *args, stdin=stdin)
        assert done.returncode == code, os.fsdecode(done.stdout + done.stderr)
        assert (self.repo.try_git("rev-parse", "--verify", "--quiet", "HEAD").stdout != before) is (code == 0)
        [row] = self.witnessed()
        assert row["changed"] == []
        assert row["files"] > 10
        assert row["code"] == code
        return self.project.last()

    def witnessed(self) -> list[dict[str, Any]]:
        """Return the records of the witness since the last call."""
        rows = [json.loads(line) for line in self._log.read_text().splitlines()] if self._log.exists() else []
        self._log.unlink(missing_ok=True)
        return rows

    def judged_lines(self) -> set[str]:
        """Return the changed lines in all requests, with their kinds."""
        return {
            f"{row[0]}{row.partition(' ')[2]}"
            for request in self.server.requests
            for row in request.prompt.splitlines()
            if row[:1] in {"+", "-"}
        }

    def committed_lines(self) -> set[str]:
        """Return the changed lines of the last commit."""
        patch = self.repo.git("show", "--first-parent", "--format=", "-U0", "--root", "HEAD")
        rows = {row for row in patch.splitlines() if row[:1] in {"+", "-"} and not row.startswith(("+++", "---"))}
        return {row for row in rows if row[1:].strip()}
