"""A short part of `make books`, with a seed of its own."""

from __future__ import annotations

import pytest

from bench import books
from tests.support.postgres import PostgresServer


@pytest.mark.long(reason="`make books` and `python -m bench` run all of it")
def test_machines_that_are_killed_and_a_server_that_is_stopped_leave_books_that_agree(postgres: PostgresServer) -> None:
    said: list[str] = []
    assert books.storm(postgres, seconds=1.5, seed=7, say=said.append) == [], said
