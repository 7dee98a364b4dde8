"""Backtests on a cluster."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

from tests.support.asking import KEY_NAME
from tests.support.backtests import BUGS, CLEAN, Backtests


def serve(backtests: Backtests, url: str, name: str = KEY_NAME) -> None:
    backtests.serve(url)
    path = backtests.home / "config.toml"
    path.write_text(path.read_text().replace("base-url", f'api-key-env = "{name}"\nbase-url'), encoding="utf-8")


EVERYTHING = BUGS + CLEAN + BUGS
"""Requests for all examples: one for each, and a confirmation for each bug."""


def timeless(scored: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in scored.items() if not name.startswith("seconds")}


def booked(backtests: Backtests) -> list[tuple[str, str, float | None, int]]:
    """Phase, outcome, US dollars and whether that is the worst case, of every call."""
    with closing(sqlite3.connect(backtests.home / "state" / "state.db")) as database:
        return database.execute(
            "SELECT phase, outcome, cost / 1e12, estimated FROM calls WHERE remembered = 0"
        ).fetchall()
