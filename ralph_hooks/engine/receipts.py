"""What a verdict depends on besides the change itself, as one digest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from ralph_hooks.config import GateSettings, Settings
from ralph_hooks.core.ports.checks import Check
from ralph_hooks.core.route import Chain, Phase
from ralph_hooks.engine.cache_keys import key
from ralph_hooks.phases import analyze, verify

_VERSION = "1"
_JUDGES = (Phase.ANALYZE, Phase.VERIFY)


def settings_digest(settings: Settings, limits: GateSettings, checks: Sequence[Check]) -> str:
    """Changes when a review of the same change may come out otherwise: models, routes, checks, prompts, limits.

    Not what only says how long it may take, or what an outage means. Commands and invariants have receipts of their
    own: they may run at one stage and not at another.
    """
    lasting = {"block_at", "min_confidence", "confirm", "exclude"}
    fields = {name: value for name, value in msgspec.structs.asdict(limits).items() if name in lasting}
    routes = [(rule.paths, rule.skip, _names(rule.models)) for rule in settings.routes]
    return key(
        f"receipt/{_VERSION}/{analyze.VERSION}/{verify.VERSION}",
        *(f"{check.name} {check.version}" for check in checks),
        msgspec.json.encode([fields, _names(settings.models), routes], order="sorted").decode(),
    )


def _names(models: Mapping[Phase, Chain]) -> dict[str, list[str]]:
    """The models that judge, and where they are served."""
    return {
        phase.value: [f"{model.id} {model.provider.base_url}" for model in models[phase]]
        for phase in _JUDGES
        if phase in models
    }
