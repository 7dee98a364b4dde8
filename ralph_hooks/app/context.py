"""Where a command runs: the repository, its configuration, the user's state, and what of it needs consent."""

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
"""Sets ``when-unavailable`` for one run: ``open`` lets a change through that nobody could review."""
STORE = "RALPH_HOOKS_STORE"
"""The URL of the team's store; it goes before the one in the user's configuration."""


_HOOK = frozenset(("PRE_COMMIT", "GIT_PREFIX", "GIT_INDEX_FILE"))
"""What is in the environment of a hook: pre-commit's own variable, and those of git."""


def in_hook() -> bool:
    """Return whether git or a hook manager has started us, and not a person."""
    return not _HOOK.isdisjoint(os.environ)


class Context(Struct, frozen=True, kw_only=True):
    """A repository of this user, with the settings that hold in it."""

    repository: snapshots.Repository
    home: Home
    settings: Settings
    permissions: tuple[Permission, ...]
    """What its configuration may do only with the user's consent."""

    @property
    def key(self) -> str:
        """Names the repository in the record of approvals; linked worktrees share it."""
        return str(self.repository.common_dir)

    @property
    def consent(self) -> Consent:
        """What the user has approved."""
        return Consent(self.home.state, os.environ)

    def known_as(self) -> RepositoryId:
        """The repository as the ledger and the reports name it."""
        return RepositoryId.at(self.repository.common_dir)


def find_repository() -> snapshots.Repository:
    """The repository around the current folder, with nothing left undone in it. Raises GitError, RalphError."""
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
    """Return where we are. Raises RalphError where somebody has removed it."""
    try:
        return Path.cwd()
    except FileNotFoundError as error:
        raise RalphError("the current folder is gone", "go to one that is there") from error


def has_jobs(home: Home) -> bool:
    """Return whether this user has ever had a repair in the background: most have none.

    And must not pay for the look.
    """
    return (home.state / "jobs").is_dir()


def load_context() -> Context:
    """The repository around the current folder and its configuration. Raises GitError, ConfigError."""
    return context_for(find_repository())


def context_for(repository: snapshots.Repository) -> Context:
    """``repository`` with its configuration. Raises ConfigError."""
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
    """Return ``settings`` with ``when-unavailable`` as the environment says for this one run. Raises ConfigError."""
    if not policy:
        return settings
    if policy not in {each.value for each in Policy}:
        raise ConfigError(f"{WHEN_UNAVAILABLE}={one_line(policy)}: expected open or closed", "correct it or unset it")
    chosen = {"when_unavailable": Policy(policy)}
    return msgspec.structs.replace(
        settings,
        gate=msgspec.structs.replace(settings.gate, **chosen),
        push=msgspec.structs.replace(settings.push, **chosen),
    )


def _go_on(repository: snapshots.Repository) -> None:
    """Finish what a killed `apply` or `undo` has left, except inside a hook: a hook only reads.

    pre-commit takes unstaged edits away while hooks run; files written then would be lost or put back wrongly.
    """
    from ralph_hooks.git.fixes.apply import recover

    if in_hook():
        click.echo("ralph-hooks: an `apply` was interrupted: `ralph-hooks show` finishes it or takes it back", err=True)
    elif done := recover(repository):
        click.echo(f"ralph-hooks: {visible(done)}", err=True)


@contextmanager
def open_state(home: Home, settings: Settings | None = None) -> Iterator[State]:
    """The user's state; what could not be kept is told on standard error at the end.

    With ``settings`` it is beside the team's store that they name, which is reached once something of it is wanted.
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
    """The store that the user shares with a team; None where there is none. Raises ConfigError."""
    url = os.environ.get(STORE) or settings.store
    if not url:
        return None
    if problem := config.store_problem(url):
        raise ConfigError(f"{STORE}: {problem[0]}", problem[1])
    from ralph_hooks.store.team import TeamStore

    return TeamStore(database, url)


def require_consent(context: Context) -> None:
    """Raise UntrustedError, with what would have to be approved, unless the user has approved it."""
    if context.consent.approved(context.key, context.permissions):
        return
    wanted = "".join(
        f"\n     {one_line(permission.key)}: {one_line(permission.allows)}" for permission in context.permissions
    )
    raise UntrustedError(
        f"this repository's configuration asks for what you have not approved; nothing was sent or run{wanted}",
        f"look at it and approve it with `ralph-hooks trust` (in CI: RALPH_HOOKS_TRUST={digest(context.permissions)})",
    )
