"""Outcomes of commands on the base are kept."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.report import Verdict
from ralph_hooks.git.sandbox.verifier import CommandVerifier
from ralph_hooks.git.snapshot import open_repository, staged
from ralph_hooks.store.cache import Verdicts
from ralph_hooks.store.sqlite import Database
from tests.support.repo import Repo
from tests.support.verifying import CASE, listed, python


def test_the_base_is_asked_once_by_all_runs_until_something_is_installed(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs, log = tmp_path / "bin", tmp_path / "log"
    programs.mkdir()
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    report = f"<testsuite>{CASE}</testsuite>"
    code = f"import sys; open({str(log)!r}, 'a').write('x'); open(sys.argv[1], 'w').write({report!r}); sys.exit(1)"
    opened = open_repository(repo.stage({"a.py": "x = 1\n"}).path)
    change = staged(opened).change

    def ran(*, afresh: bool = False) -> int:
        """How many trees the command ran on."""
        log.unlink(missing_ok=True)
        with Database(tmp_path / "state") as database:
            verifier = CommandVerifier(opened, change, timeout=60, store=Verdicts(database))
            command, soon = f"{python(code)} {{junit}}", Deadline(60, time.monotonic)
            (only,) = verifier.run(change.tree, change.base, listed(command), soon, afresh=afresh)
        assert (only.verdict, only.known_failures) == (Verdict.PASS, ("t::n",))
        return len(log.read_text())

    assert [ran(), ran(), ran(afresh=True), ran()] == [2, 1, 2, 1]
    (programs / "new-tool").touch()
    assert [ran(), ran()] == [2, 1]
    monkeypatch.setenv("TZ", "UTC-3")
    assert ran() == 2
