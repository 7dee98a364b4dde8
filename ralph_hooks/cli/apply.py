"""``ralph-hooks apply``."""

from __future__ import annotations

import click

from ralph_hooks.cli.stored import choose, told
from ralph_hooks.cli.wiring import find_repository
from ralph_hooks.core.repair import StoredFix
from ralph_hooks.core.text import plural
from ralph_hooks.git.apply import apply
from ralph_hooks.git.snapshot import Repository

HELP = """\
Bring a stored fix into the working tree: the one of what is staged now, or the one whose id begins with ID.

What you have edited since is kept and merged with it; where that cannot be done nothing is changed, and you are told
the file and the line. The index is not touched: `git add` what you want of it. `ralph-hooks undo` takes it back.

\b
Examples:
  ralph-hooks show         says which fix waits
  ralph-hooks apply        the fix of what is staged now
  ralph-hooks apply 1a2b   the fix whose id begins so
"""


@click.command("apply", help=HELP)
@click.argument("fix_id", metavar="[ID]", required=False)
def command(*, fix_id: str | None) -> None:
    """Choose the fix and bring it in."""
    repository = find_repository()
    bring_in(repository, choose(repository, fix_id))


def bring_in(repository: Repository, fix: StoredFix) -> None:
    """Apply ``fix`` and say what was done. Raises RalphError, and then has changed nothing."""
    applied = apply(repository, fix)
    if not applied.paths:
        click.echo(f"Fix {applied.fix} is in your working tree already: nothing was changed.")
        return
    click.echo(f"Applied fix {applied.fix} to {plural(len(applied.paths), 'file')}:")
    for line in told(applied):
        click.echo(line)
    click.echo("  -> look at it with `git diff`, `git add` what you want of it; `ralph-hooks undo` takes it back")
