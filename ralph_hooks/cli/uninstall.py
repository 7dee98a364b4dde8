"""``ralph-hooks uninstall``."""

from __future__ import annotations

import click

from ralph_hooks.app.agent_hooks import install as agent_hooks
from ralph_hooks.app.agent_hooks.conventions import CONVENTIONS
from ralph_hooks.app.context import current_folder
from ralph_hooks.cli.install import shown
from ralph_hooks.core.text import one_line
from ralph_hooks.git.hooks import managers, native
from ralph_hooks.git.hooks.native import HookChange, HookState
from ralph_hooks.git.hooks.script import HOOKS
from ralph_hooks.git.snapshot import open_repository

HELP = """\
Remove the native hooks and restore the previous ones, byte for byte.

A hook that was edited since is left alone, and the error says what differs.

\b
Examples:
  ralph-hooks uninstall
  ralph-hooks uninstall --hook pre-push
  ralph-hooks uninstall --agent claude-code
  ralph-hooks uninstall --into repository      undo `install --into repository`
"""


@click.command("uninstall", help=HELP)
@click.option(
    "--hook", "names", type=click.Choice(HOOKS), multiple=True, help="Remove only this hook; may be repeated."
)
@click.option(
    "--agent",
    "agents",
    type=click.Choice(list(CONVENTIONS)),
    multiple=True,
    help="Remove the hook from this coding agent's settings instead of git hooks; may be repeated.",
)
@click.option(
    "--into",
    type=click.Choice(["repository", "shared"]),
    help="The value given to install; `shared` is the folder that git uses.",
)
def command(*, names: tuple[str, ...], agents: tuple[str, ...], into: str | None) -> None:
    """Undo an installation, even with an invalid configuration."""
    repository = open_repository(current_folder())
    for agent in agents:
        click.echo(one_line(agent_hooks.uninstall(repository, CONVENTIONS[agent])))
    if agents and not names:
        return
    folder = native.folder(repository, own=into == "repository")
    for name in names or HOOKS:
        state = native.inspect(folder, name)
        change = native.uninstall(state)
        click.echo(one_line(_words(state, change, shown(state.path, repository.top))))


def _words(state: HookState, change: HookChange, where: str) -> str:
    if not change.done:
        return f"{state.hook}: not installed ({where})"
    if not change.other:
        return f"{state.hook}: uninstalled ({where})"
    whose = "the script" if change.other == managers.OTHER else f"{change.other}'s script"
    return f"{state.hook}: uninstalled; {whose} that was there before is restored ({where})"
