"""Lines that run are recorded."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ralph_hooks.engine.review import proof
from ralph_hooks.git.sandbox.prover import GitProver
from ralph_hooks.git.snapshot import open_repository, staged
from tests.support.proofs import BASE, CHANGE, runs
from tests.support.repo import Repo


@pytest.fixture
def prover(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[GitProver, str, str]:
    """The prover for a staged change that breaks three functions; the trees of the change and of its base."""
    monkeypatch.setenv("VIRTUAL_ENV", sys.prefix)
    repo = Repo.create(tmp_path / "shop")
    for name in ("GIT_DIR", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    repo.commit({"shop.py": BASE})
    repo.stage({"shop.py": CHANGE})
    opened = open_repository(repo.path)
    change = staged(opened).change
    return GitProver(opened, change), change.tree, change.base


def test_line_that_only_a_child_process_runs_counts(prover: tuple[GitProver, str, str]) -> None:
    text = (
        "import subprocess, sys\ndef test_rate():\n"
        "    subprocess.run([sys.executable, '-c', 'import shop; shop.rate(1, 0)'], check=True)\n"
    )
    judged = proof.judge(*runs(prover, text))
    assert judged.failure is not None
    assert judged.failure.reached == (("shop.py", 3),)
