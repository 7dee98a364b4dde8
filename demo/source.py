"""The package that pre-commit installs in the demo: this checkout as it is on disk, committed or not."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from demo.sample import CHECKOUT
from ralph_hooks.process import run

PARTS = (".pre-commit-hooks.yaml", "LICENSE", "README.md", "hatch_build.py", "pyproject.toml", "ralph_hooks")
_EPOCH = "2000-01-01T00:00:00Z"


def publish(folder: Path, env: Mapping[str, str]) -> str:
    """Make ``folder`` a git repository of the package and return its commit.

    The same files give the same commit, so pre-commit installs again only when something has changed.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in PARTS:
        part = CHECKOUT / name
        if part.is_dir():
            shutil.copytree(part, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(part, folder)
    dated = {**env, "GIT_AUTHOR_DATE": _EPOCH, "GIT_COMMITTER_DATE": _EPOCH}
    for args in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "This checkout")):
        done = run(("git", *args), cwd=folder, env=dated)
        if done.returncode:
            raise OSError(f"git {args[0]} failed: {done.stderr.decode(errors='replace').strip()}")
    return run(("git", "rev-parse", "HEAD"), cwd=folder, env=dated).stdout.decode().strip()
