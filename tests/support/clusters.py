"""Backtests on a cluster."""

from __future__ import annotations

from tests.support.asking import KEY_NAME
from tests.support.backtests import Backtests


def serve(backtests: Backtests, url: str, name: str = KEY_NAME) -> None:
    backtests.serve(url)
    path = backtests.home / "config.toml"
    path.write_text(path.read_text().replace("base-url", f'api-key-env = "{name}"\nbase-url'), encoding="utf-8")
