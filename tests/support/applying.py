"""Fixes that are applied, for tests."""

from __future__ import annotations

from tests.support.repo import Repo

LINES = "".join(f"line {n}\n" for n in range(1, 21))


def text(repo: Repo, path: str) -> str:
    return (repo.path / path).read_bytes().decode()


def replaced(old: str, new: str, lines: str = LINES) -> str:
    assert old in lines
    return lines.replace(old, new)
