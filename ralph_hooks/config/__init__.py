"""``[tool.ralph-hooks]`` and the user's own configuration, decoded into frozen settings."""

from __future__ import annotations

from ralph_hooks.config.load import load
from ralph_hooks.config.settings import (
    Budget,
    FixSettings,
    GateSettings,
    InHook,
    OnFailure,
    Policy,
    PushSettings,
    RouteRule,
    Settings,
    Stage,
    VerifySettings,
)

__all__ = [
    "Budget",
    "FixSettings",
    "GateSettings",
    "InHook",
    "OnFailure",
    "Policy",
    "PushSettings",
    "RouteRule",
    "Settings",
    "Stage",
    "VerifySettings",
    "load",
]
