"""What every command does before it begins."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tests.support.project import Project
from tests.support.server import analyst

KILLED = """
import os, sys
from pathlib import Path
from ralph_hooks.git.sandbox.scratch import private_folder
from ralph_hooks.process import temporary_folder
with private_folder() as copy, temporary_folder() as folder:
    (copy / "file").touch()
    Path(folder, "file").touch()
    os.kill(os.getpid(), 9)
"""


def test_folders_of_killed_runs_are_swept_by_a_run_without_a_copy(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    env = {**os.environ, "TMPDIR": str(folder), "PYTHONPATH": str(Path(__file__).parents[2])}
    assert subprocess.run([sys.executable, "-c", KILLED], env=env, check=False).returncode == -9
    left = sorted(path.name.rpartition("-")[0] for path in folder.iterdir())
    assert left == ["ralph-hooks-scratch", "ralph-hooks-temporary"]
    then = time.time() - 7200
    for path in folder.glob("ralph-hooks-temporary-*"):  # one that is used for milliseconds has no lock
        os.utime(path, (then, then))
    project.models(analyst())
    project.repo.stage({"a.py": "a = 1\n"})
    assert project.run("gate").code == 0
    assert list(folder.iterdir()) == []
