"""Keys of cached answers: everything that an answer depends on goes into its key."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TypeVar

import msgspec

from ralph_hooks.config import GateSettings, Settings
from ralph_hooks.core.change import Entry
from ralph_hooks.core.codec import from_json
from ralph_hooks.core.route import Chain, Phase, settings_key
from ralph_hooks.phases import analyze, reproduce, verify

_VERSION = "1"
_JUDGES = (Phase.ANALYZE, Phase.VERIFY)
Kept = TypeVar("Kept")


def key(*parts: str) -> str:
    """Return a key from ``parts``, none of which can be mistaken for another."""
    material = "\0".join(parts).encode("utf-8", "surrogateescape")
    return hashlib.blake2b(material, digest_size=16).hexdigest()


def content_key(what: str, version: str, entry: Entry) -> str:
    """Return a key for an answer about one file of a change, by path and content."""
    return key(what, version, entry.path, entry.old_path, entry.old_oid or "", entry.new_oid or "")


def read_back(data: bytes | None, shape: type[Kept]) -> Kept | None:
    """Return a cached value; None if there is none, or another release wrote it in another shape.

    All releases share one cache. A value that cannot be read counts as a cache miss.
    """
    if data is None:
        return None
    try:
        return from_json(data, shape)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def text_of(data: bytes | None) -> str | None:
    """Return cached text; None if there is none, or if it is no longer valid text."""
    try:
        return None if data is None else data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def settings_digest(settings: Settings, limits: GateSettings, checks: Sequence[str], guidelines: str = "") -> str:
    """Return a digest of all settings that a review's result depends on: models, routes, checks, prompts, limits.

    Settings for timeouts and outages are left out. Commands and invariants have receipts of their
    own: they may run at one stage and not at another.
    """
    lasting = {"block_at", "block_on", "min_confidence", "confirm", "passes", "exclude", "dismissals"}
    fields = {name: value for name, value in msgspec.structs.asdict(limits).items() if name in lasting}
    routes = [(rule.paths, rule.skip, _names(rule.models)) for rule in settings.routes]
    return key(
        f"receipt/{_VERSION}/{analyze.VERSION}/{verify.VERSION}/{reproduce.VERSION}",
        *checks,
        *filter(None, [guidelines]),
        msgspec.json.encode([fields, _names(settings.models), routes], order="sorted").decode(),
    )


def _names(models: Mapping[Phase, Chain]) -> dict[str, list[str]]:
    """Return the models that review, with the settings of their providers."""
    return {phase.value: [settings_key(model) for model in models[phase]] for phase in _JUDGES if phase in models}
