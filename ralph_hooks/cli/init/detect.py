"""Detection for `ralph-hooks init`. The only requests go to servers on this machine."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from msgspec import Struct

from ralph_hooks.app.context import Context
from ralph_hooks.cli.init.linters import FoundLinter, find_linters
from ralph_hooks.cli.init.suites import FoundSuites, find_suites
from ralph_hooks.config.phase_map import FILE, read_phase_map
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.route import Phase, Provider
from ralph_hooks.engine.worker_pool import run_all
from ralph_hooks.git.hooks import managers, native
from ralph_hooks.git.hooks.script import PRE_COMMIT
from ralph_hooks.providers import registry
from ralph_hooks.providers.defaults import defaults
from ralph_hooks.providers.discovery import PATIENCE, served

NATIVE = "native"


class Detected(Struct, frozen=True):
    """The detected environment."""

    keys: tuple[str, ...]
    """Names of environment variables with a key for a known provider."""
    servers: Mapping[str, tuple[str, ...]]
    """Providers on this machine that answer, with their models."""
    agents: tuple[str, ...]
    """Coding agents whose program is on PATH, by provider name."""
    manager: str
    """The tool that manages the hooks: a hook manager, or `NATIVE`."""
    manager_file: Path | None
    """The hook manager's configuration file."""
    tests: FoundSuites
    linters: tuple[FoundLinter, ...]
    phase_map: Mapping[Phase, str]
    """The models by phase in `.ralph/config.yml`."""


def detect(context: Context) -> Detected:
    """Inspect the environment, PATH, the repository's files and this machine's ports."""
    top = context.repository.top
    manager, file = _manager(context)
    old = top / FILE
    return Detected(
        keys=_keys(context.settings.providers),
        servers=_servers(context),
        agents=tuple(name for name in defaults().agents if _is_installed(context.settings.providers[name])),
        manager=manager,
        manager_file=file,
        tests=find_suites(top),
        linters=find_linters(top),
        phase_map=read_phase_map(old) if old.is_file() else {},
    )


def _is_installed(agent: Provider) -> bool:
    return shutil.which((agent.command or agent.ask or ("",))[0]) is not None


def _keys(providers: Mapping[str, Provider]) -> tuple[str, ...]:
    names = (provider.api_key_env for provider in providers.values())
    return tuple(dict.fromkeys(name for name in names if name and os.environ.get(name)))


def _servers(context: Context) -> Mapping[str, tuple[str, ...]]:
    """Return the built-in local providers that answer at the address in the user's own configuration."""
    wanted = {permission.key for permission in context.permissions}
    local = [
        context.settings.providers[name]
        for name, provider in registry.built_in().items()
        if provider.base_url.startswith("http:") and not provider.api_key_env and f"providers.{name}" not in wanted
    ]
    deadline = Deadline(4 * PATIENCE, time.monotonic)  # the first exchange includes the import of requests
    found = run_all([partial(served, provider) for provider in local], workers=len(local), deadline=deadline)
    return {provider.name: models for provider, models in zip(local, found, strict=True) if models}


def _manager(context: Context) -> tuple[str, Path | None]:
    """Return the manager whose hook is installed, else the first one with a configuration in the repository."""
    top = context.repository.top
    used = dict(managers.used(top))
    installed = native.inspect(native.Folder(context.repository.common_dir / "hooks"), PRE_COMMIT).other
    if installed in used:
        return installed, used[installed]
    if "pre-commit" in used and "prek" in used and not shutil.which("pre-commit") and shutil.which("prek"):
        return "prek", used["prek"]
    return next(iter(used.items()), (NATIVE, None))
