"""Databases of other releases: steps that are missing, and generations that are too new."""

from __future__ import annotations

import pytest

from ralph_hooks.store.schema import POSTGRES, SQLITE, Schema

THREE = Schema((("a",), ("b",), ("c",)), generation=2)


@pytest.mark.parametrize(
    ("version", "missing"),
    [(0, "abc"), (200, "abc"), (201, "bc"), (203, ""), (209, "")],
    ids=["empty", "no step", "one step", "up to date", "a newer release added steps"],
)
def test_only_the_missing_steps_are_taken(version: int, missing: str) -> None:
    assert "".join(statement for step in THREE.missing(version) for statement in step) == missing
    assert not THREE.is_too_new(version)


def test_a_newer_generation_is_refused() -> None:
    assert THREE.version == 203
    assert THREE.is_too_new(300)


@pytest.mark.parametrize("schema", [SQLITE, POSTGRES], ids=["SQLite", "PostgreSQL"])
def test_an_up_to_date_database_lacks_nothing(schema: Schema) -> None:
    assert schema.missing(0) == schema.steps
    assert schema.missing(schema.version) == ()
