"""The context of a command: the repository, its configuration, the user's state and the permissions to approve."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec
from msgspec import Struct

from ralph_hooks import config
from ralph_hooks.config import Policy, Settings
from ralph_hooks.core.text import one_line, visible
from ralph_hooks.errors import ConfigError, RalphError, UntrustedError
from ralph_hooks.git import snapshot as snapshots
from ralph_hooks.git.fixes import journal
from ralph_hooks.git.run import withhold
from ralph_hooks.process import has_leftovers
from ralph_hooks.providers import registry
from ralph_hooks.store.cache import Verdicts
from ralph_hooks.store.paths import Home, locate
from ralph_hooks.store.prices import Catalogue, lacks_vendor
from ralph_hooks.store.sqlite import Database, RepositoryId
from ralph_hooks.store.state import State
from ralph_hooks.trust.consent import Consent, Permission, digest, requested_permissions

if TYPE_CHECKING:
    from ralph_hooks.store.team import TeamStore

WHEN_UNAVAILABLE = "RALPH_HOOKS_WHEN_UNAVAILABLE"
"""The variable that sets ``when-unavailable`` for one run: ``open`` passes a change that could not be reviewed."""
STORE = "RALPH_HOOKS_STORE"
"""The variable with the URL of the team's store; it overrides the user's configuration."""


_HOOK = frozenset(("PRE_COMMIT", "GIT_PREFIX", "GIT_INDEX_FILE"))
"""Variables that show that a hook is running: pre-commit's own one, and those of git."""


def in_hook() -> bool:
    """Return True if git or a hook manager started this process, rather than a person."""
    return not _HOOK.isdisjoint(os.environ)


class Context(Struct, frozen=True, kw_only=True):
    """A repository of this user with its effective settings."""

    repository: snapshots.Repository
    home: Home
    settings: Settings
    permissions: tuple[Permission, ...]
    """The permissions that its configuration needs from the user."""

    @property
    def key(self) -> str:
        """The repository's key in the record of approvals; linked worktrees share it."""
        return str(self.repository.common_dir)

    @property
    def consent(self) -> Consent:
        """The user's approvals."""
        return Consent(self.home.state, os.environ)

    def known_as(self) -> RepositoryId:
        """The repository's id in the ledger and in reports."""
        return RepositoryId.at(self.repository.common_dir)


def find_repository() -> snapshots.Repository:
    """Return the repository around the current folder, after finishing an interrupted `apply` or `undo`.

    Raises GitError, RalphError.
    """
    repository = snapshots.open_repository(current_folder())
    if journal.pending(repository):
        _go_on(repository)
    if has_leftovers():
        from ralph_hooks.git.sandbox.scratch import sweep

        sweep()
    home = locate(os.environ)
    if has_jobs(home):
        from ralph_hooks.app.jobs import clear_away

        clear_away(home, repository)
    return repository


def current_folder() -> Path:
    """Return the current folder. Raises RalphError if it was removed."""
    try:
        return Path.cwd()
    except FileNotFoundError as error:
        raise RalphError("the current folder no longer exists", "change to an existing folder") from error


def has_jobs(home: Home) -> bool:
    """Return True if this user has ever had a background repair.

    Most users have none and must not pay for searching them.
    """
    return (home.state / "jobs").is_dir()


def load_context() -> Context:
    """Return the repository around the current folder with its configuration. Raises GitError, ConfigError."""
    return context_for(find_repository())


def context_for(repository: snapshots.Repository) -> Context:
    """Return ``repository`` with its configuration. Raises ConfigError."""
    home = locate(os.environ)
    settings = config.load(repository.top, home.config, registry.built_in())
    settings = _with_policy(settings, os.environ.get(WHEN_UNAVAILABLE, ""))
    withhold(
        name for provider in settings.providers.values() for name in (provider.api_key_env, *provider.named_variables)
    )
    if any(map(lacks_vendor, settings.all_models())):
        with open_state(home) as state:
            settings = settings.renamed(Catalogue(settings.prices, Verdicts(state.database)).full_name)
    return Context(
        repository=repository, home=home, settings=settings, permissions=requested_permissions(settings.sensitive)
    )


def _with_policy(settings: Settings, policy: str) -> Settings:
    """Return ``settings`` with ``when-unavailable`` from the environment. Raises ConfigError."""
    if not policy:
        return settings
    if policy not in {each.value for each in Policy}:
        raise ConfigError(
            f"{WHEN_UNAVAILABLE}={one_line(policy)}: expected open or closed", "correct or unset the variable"
        )
    chosen = {"when_unavailable": Policy(policy)}
    return msgspec.structs.replace(
        settings,
        gate=msgspec.structs.replace(settings.gate, **chosen),
        push=msgspec.structs.replace(settings.push, **chosen),
    )


def _go_on(repository: snapshots.Repository) -> None:
    """Finish an `apply` or `undo` that was killed, except inside a hook: a hook only reads.

    pre-commit removes unstaged edits while hooks run; files written then would be lost or restored wrongly.
    """
    from ralph_hooks.git.fixes.apply import recover

    if in_hook():
        click.echo(
            "ralph-hooks: an `apply` was interrupted: `ralph-hooks show` completes it or rolls it back", err=True
        )
    elif done := recover(repository):
        click.echo(f"ralph-hooks: {visible(done)}", err=True)


@contextmanager
def open_state(home: Home, settings: Settings | None = None) -> Iterator[State]:
    """Yield the user's state; data that could not be saved is reported on standard error at the end.

    With ``settings`` it also uses the team's store that they name, and connects to it on first use.
    """
    with Database(home.state) as database:
        state = State(database, team_store(database, settings) if settings is not None else None)
        try:
            yield state
        finally:
            if state.team is not None:
                state.team.close()
            database.close()
            for trouble in database.troubles:
                click.echo(f"ralph-hooks: {visible(trouble)}", err=True)


def team_store(database: Database, settings: Settings) -> TeamStore | None:
    """Return the store that the user shares with a team; None without one. Raises ConfigError."""
    url = os.environ.get(STORE) or settings.store
    if not url:
        return None
    if problem := config.store_problem(url):
        raise ConfigError(f"{STORE}: {problem[0]}", problem[1])
    from ralph_hooks.store.team import TeamStore

    return TeamStore(database, url)


def require_consent(context: Context) -> None:
    """Raise UntrustedError, listing the permissions, unless the user has approved them."""
    if context.consent.approved(context.key, context.permissions):
        return
    wanted = "".join(
        f"\n     {one_line(permission.key)}: {one_line(permission.allows)}" for permission in context.permissions
    )
    raise UntrustedError(
        f"this repository's configuration asks for permissions that you have not approved; nothing was sent "
        f"or run{wanted}",
        f"review and approve it with `ralph-hooks trust` (in CI: RALPH_HOOKS_TRUST={digest(context.permissions)})",
    )
