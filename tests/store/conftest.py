from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from ralph_hooks.store.sqlite import Database, RepositoryId
from tests.support.postgres import PostgresServer
from tests.support.store import Clock, Processes
from tests.support.team import Machine, Open, machine


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


@pytest.fixture
def url(postgres: PostgresServer) -> str:
    return postgres.database()


@pytest.fixture
def open_machine(tmp_path: Path, url: str) -> Iterator[Open]:
    """Machines by name; a machine that is opened again has kept its state."""
    with ExitStack() as stack:

        def opened(name: str, *, url: str = url, **options: object) -> Machine:
            return stack.enter_context(machine(tmp_path / name, url, **options))  # type: ignore[arg-type] # those of `machine`

        yield opened
