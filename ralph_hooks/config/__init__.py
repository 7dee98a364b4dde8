"""``[tool.ralph-hooks]`` and the user's own configuration, decoded into frozen settings."""

from __future__ import annotations

from ralph_hooks.config.load import load
from ralph_hooks.config.resolve import store_problem
from ralph_hooks.config.settings import (
    BlockOn,
    Boilerplate,
    Budget,
    ChecksSettings,
    Dismissing,
    FixSettings,
    GateSettings,
    InHook,
    OnFailure,
    Policy,
    ProofSettings,
    PushSettings,
    RouteRule,
    Settings,
    Stage,
    Unpriced,
    VerifySettings,
)

__all__ = [
    "BlockOn",
    "Boilerplate",
    "Budget",
    "ChecksSettings",
    "Dismissing",
    "FixSettings",
    "GateSettings",
    "InHook",
    "OnFailure",
    "Policy",
    "ProofSettings",
    "PushSettings",
    "RouteRule",
    "Settings",
    "Stage",
    "Unpriced",
    "VerifySettings",
    "load",
    "store_problem",
]
