"""The models and agents that `ralph-hooks init` proposes: a table, not a judgement."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import msgspec

_TABLE = Path(__file__).with_name("defaults.toml")


class Pair(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The models of one provider or agent."""

    cheap: str = ""
    """Empty for an agent that only repairs."""
    expensive: str = ""
    """Empty where the provider has none that a repair would be left to."""


class Defaults(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole table, each part in the order of preference for the model that repairs."""

    models: Mapping[str, Pair]
    """By provider."""
    agents: Mapping[str, Pair]
    """By the name of the built-in provider."""


@lru_cache(maxsize=1)
def defaults() -> Defaults:
    """Return the table of this release."""
    import tomli

    return msgspec.convert(tomli.loads(_TABLE.read_text(encoding="utf-8")), Defaults)
