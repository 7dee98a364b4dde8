"""``ralph-hooks undo``."""

from __future__ import annotations

import click

from ralph_hooks.app.context import find_repository
from ralph_hooks.cli.shared.stored_fixes import told
from ralph_hooks.core.text import plural
from ralph_hooks.git.fixes.apply import undo

HELP = """\
Revert the last `ralph-hooks apply` in this working tree. Run it again to revert the one before.

Your later edits are kept. On a conflict nothing is changed, and the error names the file and the line.

\b
Examples:
  ralph-hooks undo
"""


@click.command("undo", help=HELP)
def command() -> None:
    """Restore the files."""
    undone = undo(find_repository())
    if not undone.paths:
        click.echo(f"Your working tree no longer contains fix {undone.fix}: nothing was changed.")
        return
    click.echo(f"Reverted fix {undone.fix} in {plural(len(undone.paths), 'file')}:")
    for line in told(undone):
        click.echo(line)
