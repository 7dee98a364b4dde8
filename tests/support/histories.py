"""Commits of given days."""

from __future__ import annotations

from tests.support.repo import Repo

DAY = 86_400


def commit(repo: Repo, day: int, message: str, files: dict[str, str | bytes | None]) -> str:
    when = f"{1_600_000_000 + day * DAY} +0000"
    repo.stage(files)
    repo.git("commit", "-q", "--no-verify", "-m", message, env={"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when})
    return repo.git("rev-parse", "HEAD")
