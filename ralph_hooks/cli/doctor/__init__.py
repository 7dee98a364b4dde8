"""``ralph-hooks doctor``."""

from __future__ import annotations

import os
from collections.abc import Iterator

import click

from ralph_hooks.app.context import open_state
from ralph_hooks.cli.doctor import hooks, linters, probes
from ralph_hooks.cli.doctor.probes import ProbeLine, ProbeStatus
from ralph_hooks.cli.shared.review_command import wants_color
from ralph_hooks.core.text import one_line
from ralph_hooks.errors import ExitCode
from ralph_hooks.store.paths import locate

HELP = """\
Check the setup and suggest fixes: git, the configuration, keys (only their names are shown), prices, your approval, the
hooks, the state folder, the team's store, and network isolation for repairs. Each linter of the project runs on one
file of HEAD. Each model gets one tiny request, which is recorded in the ledger like every other.

Each line is ok, warn or fail, with the next step. Exit 1 if any line is fail.

\b
Examples:
  ralph-hooks doctor
  ralph-hooks doctor --offline          send nothing
  ralph-hooks doctor --format json
"""
_COLORS = {ProbeStatus.OK: "green", ProbeStatus.WARN: "yellow", ProbeStatus.FAIL: "red"}


@click.command("doctor", help=HELP)
@click.option("--offline", is_flag=True, help="Send no requests to the models.")
@click.option(
    "--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Output format."
)
def command(*, offline: bool, format_: str) -> int:
    """Run every probe, show the results, and exit with 1 if one failed."""
    lines = []
    for line in examine(offline=offline):
        lines.append(line)
        if format_ == "text":
            _show(line)
    if format_ == "json":
        click.echo(_json(lines), nl=False)
    else:
        click.echo(probes.verdict(lines))
    return ExitCode.REJECTED if any(line.status is ProbeStatus.FAIL for line in lines) else ExitCode.PASS


def examine(*, offline: bool) -> Iterator[ProbeLine]:
    """Yield the result of every probe, in the order in which problems are best fixed."""
    yield from probes.programs()
    home = locate(os.environ)
    yield from probes.state(home)
    context, lines = probes.configuration()
    yield from lines
    if context is None:
        return
    reached = list(probes.store(context))
    yield from reached
    approved, line = probes.consent(context)
    yield line
    yield from probes.shell(context)
    yield from probes.network(context)
    if approved:
        yield from linters.linters(context)
    ready, lines = probes.keys(context)
    yield from lines
    usable = all(line.status is not ProbeStatus.FAIL for line in reached)
    with open_state(home, context.settings if usable else None) as state:
        yield from probes.prices(context, state)
        if approved and not offline:
            yield from probes.answers(context, state, ready)
    yield from probes.dismissed(context)
    yield from hooks.installed(context)
    yield from hooks.agents(context)


def _show(line: ProbeLine) -> None:
    mark = click.style(f"{line.status:<4}", fg=_COLORS[line.status]) if wants_color() else f"{line.status:<4}"
    click.echo(f"{mark}  {line.check:<13}  {one_line(line.message)}")
    if line.hint:
        click.echo(f"      -> {one_line(line.hint)}")


def _json(lines: list[ProbeLine]) -> str:
    import msgspec

    document = {
        "schema": 1,
        "ok": all(line.status is not ProbeStatus.FAIL for line in lines),
        "checks": [
            {"check": line.check, "status": line.status, "message": one_line(line.message), "hint": one_line(line.hint)}
            for line in lines
        ],
    }
    return msgspec.json.format(msgspec.json.encode(document)).decode() + "\n"
