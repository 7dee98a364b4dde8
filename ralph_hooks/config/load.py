"""From files to settings: the repository's file over the user's config.toml over the defaults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from msgspec import convert, structs

from ralph_hooks.config.file import TABLE, File, raise_mistakes, read, way
from ralph_hooks.config.resolve import Models, check_lists, check_personal, providers, sensitive
from ralph_hooks.config.settings import (
    PUSH_OWN,
    Budget,
    ChecksSettings,
    FixSettings,
    GateSettings,
    OnFailure,
    ProofSettings,
    PushSettings,
    ReviewSettings,
    Settings,
    Unpriced,
    VerifySettings,
)
from ralph_hooks.core.own_settings import CONFIGURATION, CONFIGURATIONS, OWN_FILE, Places
from ralph_hooks.core.route import Chain, Phase, Provider
from ralph_hooks.core.usage import Price
from ralph_hooks.errors import ConfigError


def load(repository_top: Path | None, user_config: Path | None, built_in: Mapping[str, Provider]) -> Settings:
    """Return the settings for a repository; a file that is missing or says nothing leaves the defaults.

    Key by key the repository wins, except that it can only tighten a budget that the user has set, and that the user's
    provider of a name stays. Raises ConfigError that names every mistake with file, key and what was expected.
    """
    user = read(user_config, own=True) if user_config else None
    repository = read_repository(repository_top) if repository_top else None
    settings = combine(user, repository, built_in)
    return structs.replace(settings, own_files=_own_files(repository_top)) if repository_top else settings


def _own_files(top: Path) -> Places:
    """Return the user's own settings files and, for a symbolic link, each path between it and its target."""
    led = {path: place for name, place in CONFIGURATIONS.items() for path in way(top, name)}
    return {**led, **CONFIGURATIONS}


def read_repository(top: Path) -> File | None:
    """Return the configuration of the repository at ``top``: in pyproject.toml or in a file of its own, never in both.

    Raises ConfigError as `read` does, and where both have some.
    """
    shared, own = read(top / CONFIGURATION, TABLE), read(top / OWN_FILE)
    if shared is not None and own is not None and own.raw:
        raise ConfigError(
            f"{own.path}: the repository is configured twice: {CONFIGURATION} has [{'.'.join(TABLE)}] too",
            f"keep only one: move all keys to {CONFIGURATION} with the prefix and remove {OWN_FILE}",
        )
    return shared if shared is not None else own


def combine(user: File | None, repository: File | None, built_in: Mapping[str, Provider]) -> Settings:
    """Return the settings that two decoded files make together. Raises ConfigError as `load` does."""
    files = [file for file in (user, repository) if file is not None]
    known = dict(built_in)
    for file in reversed(files):
        known |= providers(file, own=file is user)
    resolved = [Models(file, known) for file in files]
    models: dict[Phase, Chain] = {}
    prices: dict[str, Price] = {}
    for file, each in zip(files, resolved, strict=True):
        models |= each.for_all()
        prices = _prices(file, each, user) | prices  # the user's first
    routes = tuple(rule for each in resolved for rule in each.rules())
    for file in files:
        check_lists(file)
        check_personal(file, own=file is user)
    raise_mistakes(files)

    gate = _merged(files, "gate")
    inherited = {key: value for key, value in gate.items() if key not in PUSH_OWN}
    on_failure = [file.table.on_failure for file in files if "on-failure" in file.raw]
    return Settings(
        on_failure=on_failure[-1] if on_failure else OnFailure.FIX,
        models=models,
        routes=routes,
        gate=convert(gate, GateSettings),
        push=convert(inherited | _merged(files, "push"), PushSettings),
        checks=convert(_merged(files, "checks"), ChecksSettings),
        review=convert(_merged(files, "review"), ReviewSettings),
        verify=convert(_unplugged(files, "verify"), VerifySettings),
        linters=tuple({table.name: table.linter for file in files for table in file.table.linters}.values()),
        proof=convert(_merged(files, "proof") | _disabled(files), ProofSettings),
        fix=convert(_unplugged(files, "fix"), FixSettings),
        budget=_budget(files),
        providers=known,
        prices=prices,
        store=user.table.store if user else "",
        proxy=user.table.proxy if user else "",
        sensitive=sensitive(repository, user, resolved[-1].repairing_agents()) if repository else (),
        sources=tuple(file.path for file in files),
    )


def _merged(files: Sequence[File], name: str) -> dict[str, Any]:
    """Return the table ``name`` of all files, key by key, the last file winning."""
    return {key: value for file in files for key, value in file.raw.get(name, {}).items()}


def _disabled(files: Sequence[File]) -> dict[str, Any]:
    """Return settings that disable reproducers if any file does."""
    return {"enabled": False} if any(file.raw.get("proof", {}).get("enabled") is False for file in files) else {}


def _unplugged(files: Sequence[File], name: str) -> dict[str, Any]:
    """As `_merged`, but without network access if any file denies it."""
    refused = any(file.raw.get(name, {}).get("network") is False for file in files)
    return _merged(files, name) | ({"network": False} if refused else {})


def _prices(file: File, models: Models, user: File | None) -> dict[str, Price]:
    """Return the prices that ``file`` sets. A repository's prices rank last: it could call an expensive model cheap.

    They are ignored if the user allows no call without a known price.
    """
    given = models.prices()
    if file is user:
        return given
    refused = user is not None and user.raw.get("budget", {}).get("unpriced") == Unpriced.REFUSE
    return {} if refused else {name: structs.replace(price, fallback=True) for name, price in given.items()}


def _budget(files: Sequence[File]) -> Budget:
    """Return for each cap the lowest value of all files, else the default; the strictest policy for unknown prices."""
    caps: dict[str, Decimal] = {}
    unpriced = Unpriced.ALLOW
    for file in files:
        for key, value in file.raw.get("budget", {}).items():
            if key == "unpriced":
                unpriced = Unpriced.REFUSE if value == Unpriced.REFUSE else unpriced
                continue
            name, cap = key.replace("-", "_"), Decimal(str(value))
            caps[name] = min(cap, caps.get(name, cap))
    return Budget(unpriced=unpriced, **caps)
