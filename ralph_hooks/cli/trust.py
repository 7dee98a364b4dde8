"""``ralph-hooks trust``."""

from __future__ import annotations

import sys

import click

from ralph_hooks.app.context import Context, load_context
from ralph_hooks.core.text import one_line
from ralph_hooks.errors import UntrustedError
from ralph_hooks.trust.consent import VARIABLE, Permission, digest

HELP = f"""\
Show what this repository's configuration may do on your machine, and approve it. Any later change asks again.

A repository's configuration is other people's code: it runs verify commands and linters, and its providers receive the
code under review and a key. None of this happens before you approve it here.

\b
Examples:
  ralph-hooks trust          review, then answer y or n
  ralph-hooks trust --yes    in scripts: approve the current configuration
  {VARIABLE}=<digest>        in CI: the digest that this command prints
"""


@click.command("trust", help=HELP)
@click.option("--yes", is_flag=True, help="Approve without asking.")
def command(*, yes: bool) -> None:
    """Show the permissions, ask, and store the answer."""
    context = load_context()
    if not context.permissions:
        click.echo("This repository's configuration asks for nothing that needs your approval.")
        return
    show(context)
    if context.consent.approved(context.key, context.permissions):
        click.echo("Approved already.")
        return
    if not yes and not _agreed():
        raise UntrustedError("nothing was approved")
    context.consent.approve(context.key, context.permissions)
    click.echo(f"Approved for {one_line(str(context.repository.top))}.")


def show(context: Context) -> None:
    """Show the permissions to approve, and the difference to the last approval."""
    before = {permission.key: permission.lines for permission in context.consent.previous(context.key)}
    click.echo("This repository's configuration wants to:")
    for permission in context.permissions:
        known = before.get(permission.key)
        mark = "" if not before else _mark(permission, known)
        click.echo(f"\n  {one_line(permission.allows)} [{one_line(permission.key)}]{mark}")
        for line in permission.lines:
            click.echo(f"    {'+ ' if known is not None and line not in known else '  '}{one_line(line)}")
        for line in known or ():
            if line not in permission.lines:
                click.echo(f"    - {one_line(line)}")
    click.echo(f"\ndigest: {digest(context.permissions)}")


def _mark(permission: Permission, known: tuple[str, ...] | None) -> str:
    if known is None:
        return " (new)"
    if known == permission.lines:
        return " (as approved)"
    return "" if set(known) != set(permission.lines) else " (the same lines, in another order or repeated)"


def _agreed() -> bool:
    if not sys.stdin.isatty():
        raise UntrustedError(
            "cannot ask for approval without a terminal", "run `ralph-hooks trust --yes` to approve it"
        )
    return click.confirm("Approve?", default=False)
