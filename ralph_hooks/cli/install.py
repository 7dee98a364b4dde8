"""``ralph-hooks install``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from ralph_hooks.app.agent_hooks import install as agent_hooks
from ralph_hooks.app.agent_hooks.conventions import CONVENTIONS
from ralph_hooks.app.context import Context, current_folder, load_context
from ralph_hooks.core.text import one_line, visible
from ralph_hooks.errors import RalphError
from ralph_hooks.git.hooks import managers, native
from ralph_hooks.git.hooks.native import Folder, HookChange, HookState
from ralph_hooks.git.hooks.script import HOOKS, KEPT, PRE_COMMIT, PRE_PUSH
from ralph_hooks.git.snapshot import open_repository

HELP = """\
Install native hooks: `ralph-hooks gate` reviews each `git commit`, and `ralph-hooks pre-push` each `git push`.

Existing hooks (from pre-commit, husky, lefthook or git-lfs, or your own) are kept and still run: before ours at a
commit, because they may change what is committed, and after ours at a push. `ralph-hooks uninstall` restores them.
Installing twice changes nothing.

\b
Examples:
  ralph-hooks install
  ralph-hooks install --hook pre-push         one of the two
  ralph-hooks install --into shared           into a core.hooksPath shared with others
  ralph-hooks install --agent claude-code     review its work when it finishes a turn
"""
_HUSKY = "husky recreates this folder whenever it is installed; add a line `{command}` to .husky/{hook} instead"
_LEFTHOOK = "`lefthook install` overwrites this script; add a job with {job} to lefthook.yml instead"
_LASTING = {
    ("husky", PRE_COMMIT): _HUSKY.format(command="ralph-hooks gate", hook=PRE_COMMIT),
    ("husky", PRE_PUSH): _HUSKY.format(command='ralph-hooks pre-push "$@"', hook=PRE_PUSH),
    ("lefthook", PRE_COMMIT): _LEFTHOOK.format(job="`run: ralph-hooks gate`"),
    ("lefthook", PRE_PUSH): _LEFTHOOK.format(job="`run: ralph-hooks pre-push {1} {2}` and `use_stdin: true`"),
}


@click.command("install", help=HELP)
@click.option(
    "--hook", "names", type=click.Choice(HOOKS), multiple=True, help="Install only this hook; may be repeated."
)
@click.option(
    "--agent",
    "agents",
    type=click.Choice(list(CONVENTIONS)),
    multiple=True,
    help="Add a hook to this coding agent's settings in the repository instead of git hooks; may be repeated.",
)
@click.option(
    "--into",
    type=click.Choice(["repository", "shared"]),
    help="If core.hooksPath is outside the repository or tracked by it: `shared` writes there, "
    "`repository` writes to the repository's own hooks folder, for hooks of yours that call those.",
)
def command(*, names: tuple[str, ...], agents: tuple[str, ...], into: str | None) -> None:
    """Install into git's hooks folder or into agents' settings, and report the changes."""
    if agents:
        for agent in agents:
            click.echo(visible(agent_hooks.install(open_repository(current_folder()), CONVENTIONS[agent])))
        if not names:
            return
    context = load_context()
    folder = hooks_folder(context, into)
    for name in names or HOOKS:
        click.echo(visible(install_one(context, folder, name)))
    if folder.setting:
        click.echo(one_line(f"git takes hooks from {shown(folder.path, context.repository.top)}: {folder.setting}"))
    if (context.repository.common_dir / "worktrees").is_dir() and not folder.setting:
        click.echo("They run in every worktree of this repository.")


def hooks_folder(context: Context, into: str | None) -> Folder:
    """Return the folder to install into. Raises RalphError if others share it and the user has not asked for it."""
    folder = native.folder(context.repository, own=into == "repository")
    if folder.shared and into != "shared":
        raise RalphError(
            f"{folder.path} is not used by this repository alone: {folder.shared} "
            f"({folder.setting or 'a symbolic link'})",
            "`ralph-hooks install --into shared` writes there anyway; `--into repository` writes into "
            f"{context.repository.common_dir / 'hooks'}, which git uses only if a hook of yours calls it",
        )
    return folder


def install_one(context: Context, folder: Folder, name: str) -> str:
    """Install one hook and return a message about it."""
    state = native.inspect(folder, name)
    caller = called_by(context, state)
    if caller is not None:
        return f"{name}: unchanged, {state.other} already runs ralph-hooks ({shown(caller, context.repository.top)})"
    settings = context.settings
    limits = settings.push if name == PRE_PUSH else settings.gate
    # A tracked hook runs on machines without our interpreter: it uses PATH.
    python = "" if folder.shared == native.TRACKED else Path(os.path.abspath(sys.executable)).as_posix()  # noqa: PTH100 - resolve() would leave a virtual environment
    change = native.install(state, python=python, closed=limits.when_unavailable == "closed")
    return _words(state, change, shown(state.path, context.repository.top))


def called_by(context: Context, state: HookState) -> Path | None:
    """Return the configuration by which the installed hook already runs ralph-hooks; None if it does not."""
    if state.other in {"", managers.OTHER} or state.ours is not None or not state.runs:
        return None
    return managers.calls_us(context.repository.top, state.other, state.hook)


def _words(state: HookState, change: HookChange, where: str) -> str:
    name = state.hook
    if not change.done:
        return f"{name}: already installed ({where})"
    if state.ours is not None:
        return f"{name}: updated ({where})"
    if not change.other:
        return f"{name}: installed ({where})"
    whose = "a script" if change.other == managers.OTHER else f"{change.other}'s script"
    order = "after" if name == PRE_PUSH else "before"
    runs = f"and runs {order} it" if change.runs else "and does not run, as before: it is not executable"
    lasting = _LASTING.get((change.other, name))
    return f"{name}: installed ({where}); {whose} that was there is kept as {name}{KEPT} {runs}" + (
        f"\n  -> {lasting}" if lasting else ""
    )


def shown(path: Path, top: Path) -> str:
    """Return ``path`` on one line, relative to the top of the repository if inside it."""
    return one_line(str(path.relative_to(top)) if path.is_relative_to(top) else str(path))
