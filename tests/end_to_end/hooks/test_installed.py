"""The package as pre-commit installs it from the manifest: an environment of its own, the hook of a real commit."""

from __future__ import annotations

import os
import subprocess
import sysconfig
from pathlib import Path

from demo.source import publish
from tests.support.project import BIN, Project
from tests.support.server import Finds, analyst

OFFLINE = {  # what the package needs is taken from the environment of these tests: nothing is downloaded
    "PIP_NO_INDEX": "1",
    "PIP_NO_DEPS": "1",
    "PIP_NO_BUILD_ISOLATION": "0",  # which means: without
    "PYTHONPATH": sysconfig.get_paths()["purelib"],
}


def test_pre_commit_installs_the_package_and_its_hook_judges_a_commit(project: Project, tmp_path: Path) -> None:
    project.models(analyst(Finds("eval(", "Runs what the user typed.")))
    repo = project.repo
    bare = {name: value for name, value in project.environ.items() if not value.startswith(str(BIN))}
    repo.env = {**bare, **OFFLINE, "PATH": os.environ["PATH"].partition(os.pathsep)[2]}  # without our own programs
    repo.env["PRE_COMMIT_HOME"] = str(tmp_path / "cache")
    revision = publish(tmp_path / "published", repo.env)
    hooks = f"repos:\n  - repo: {tmp_path / 'published'}\n    rev: {revision}\n    hooks: [{{id: ralph-gate}}]\n"
    repo.commit({".pre-commit-config.yaml": hooks})
    args = [str(BIN / "pre-commit"), "install", "--install-hooks"]
    done = subprocess.run(args, cwd=repo.path, env=repo.env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr

    repo.stage({"a.py": "def run(text):\n    return eval(text)\n"})
    refused = repo.try_git("commit", "-m", "change")
    assert refused.returncode == 1
    assert b"Runs what the user typed." in refused.stdout + refused.stderr
    repo.stage({"a.py": "def run(text):\n    return int(text)\n"})
    repo.git("commit", "-m", "change")
    assert project.last()["tree"] == repo.tree()
    installed = list((tmp_path / "cache").rglob("site-packages/ralph_hooks/cli/main.py"))
    assert len(installed) == 1
