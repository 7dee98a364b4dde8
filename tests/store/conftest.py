from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ralph_hooks.store.sqlite import Database, RepositoryId
from tests.support.store import Clock, Processes


@pytest.fixture
def clock() -> Clock:
    return Clock(1_790_000_000.0)  # 2026-09-21 14:13 UTC


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "home" / "state"


@pytest.fixture
def database(state: Path) -> Iterator[Database]:
    with Database(state) as opened:
        yield opened


@pytest.fixture
def repository(tmp_path: Path) -> RepositoryId:
    return RepositoryId.at(tmp_path / "shop")


@pytest.fixture
def start() -> Iterator[Processes]:
    processes = Processes()
    yield processes
    processes.end()
