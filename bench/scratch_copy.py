"""A scratch copy of 10,000 files against what git itself offers for it, `git worktree add`."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.clock import in_turn
from bench.figures import Figure
from ralph_hooks.git.sandbox.scratch import scratch
from ralph_hooks.git.snapshot import open_repository
from tests.support.repo import Repo

FILES = 10_000
PAIRS = 5


def measure() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory(prefix="ralph-hooks-bench-") as folder:
        repo = Repo.create(Path(folder, "project"))
        repo.commit(
            {
                f"p{index % 100}/m{index}.py": f"number = {index}\n" + "value = number * 2\n" * (index % 80)
                for index in range(FILES)
            }
        )
        ratio, how = in_turn(lambda: _ours(repo), lambda: _theirs(repo, Path(folder, "theirs")), pairs=PAIRS)
        yield Figure(what="time against `git worktree add`", value=ratio, at_most=1.0, how=f"{how}, {FILES:,} files")


def _ours(repo: Repo) -> float:
    repository = open_repository(repo.path)
    assert repository.head_tree is not None
    started = time.monotonic()
    with scratch(repository, repository.head_tree):
        return time.monotonic() - started


def _theirs(repo: Repo, folder: Path) -> float:
    started = time.monotonic()
    repo.git("worktree", "add", "--quiet", "--detach", str(folder), "HEAD")
    spent = time.monotonic() - started
    shutil.rmtree(folder)
    repo.git("worktree", "prune")
    return spent
