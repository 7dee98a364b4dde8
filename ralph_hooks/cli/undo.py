"""``ralph-hooks undo``."""

from __future__ import annotations

import click

from ralph_hooks.app.context import find_repository
from ralph_hooks.cli.shared.stored_fixes import told
from ralph_hooks.core.text import plural
from ralph_hooks.git.fixes.apply import undo

HELP = """\
Take the last `ralph-hooks apply` of this working tree back; again, and the one before it goes too.

What you have edited since is kept; where that cannot be done nothing is changed, and you are told the file and the
line.

\b
Examples:
  ralph-hooks undo
"""


@click.command("undo", help=HELP)
def command() -> None:
    """Put the files back."""
    undone = undo(find_repository())
    if not undone.paths:
        click.echo(f"Nothing of fix {undone.fix} is left in your working tree: nothing was changed.")
        return
    click.echo(f"Took fix {undone.fix} back in {plural(len(undone.paths), 'file')}:")
    for line in told(undone):
        click.echo(line)
