"""``ralph-hooks route``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click
import msgspec

from ralph_hooks.app.context import load_context, open_state
from ralph_hooks.app.wiring import Selection, build_gate
from ralph_hooks.core.route import Phase
from ralph_hooks.core.text import money, one_line, path_line, plural, visible
from ralph_hooks.engine.review.estimate import Estimate, Forecasted, Preview, preview, preview_paths
from ralph_hooks.engine.review.gate import Scope

HELP = """\
Show what would run for the staged change, or for some paths: the model for each phase, the rule that chose it, which
left out and why, and the estimated cost. Nothing is sent.

A change of documentation, configuration, test data, formatting or a rename is boilerplate: the cheap model repairs it
(fix.boilerplate), unless a route names another one for implement.

\b
Examples:
  ralph-hooks route                       the staged change
  ralph-hooks route src/pay.py docs/x.md  how these paths are routed
  ralph-hooks route --format json
"""


@click.command("route", help=HELP)
@click.argument("paths", nargs=-1, metavar="[PATHS]")
@click.option(
    "--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Output format."
)
def command(*, paths: tuple[str, ...], format_: str) -> None:
    """Show the routing without sending a request."""
    context = load_context()
    with open_state(context.home, context.settings) as state:
        snapshot = Selection().read(context.repository)
        gate = build_gate(context, state, "route", context.settings.gate, snapshot)
        if paths:
            coming = Forecasted(preview_paths(gate.models, paths), (), ())
        else:
            own = msgspec.structs.replace(gate.checks, linters=None)  # no code of the project is run here
            alone = msgspec.structs.replace(gate, checks=own)
            change = alone.examine(snapshot, Scope.REVIEW)
            coming = preview(gate.models, change, gate.context(change))
    if format_ == "json":
        click.echo(_json(coming), nl=False)
        return
    for line in _text(coming, staged=not paths):
        click.echo(line)


def _text(coming: Forecasted, *, staged: bool) -> Iterator[str]:
    if not coming.paths:
        yield "Nothing is staged: `git add` something, or name paths."
        return
    for path in coming.paths:
        yield from _path(path)
    if staged:
        yield ""
        yield from _costs(coming)


def _path(path: Preview) -> Iterator[str]:
    yield f"{path_line(path.path)} ({path.kind.value})"
    if path.left_out:
        yield f"  left out: {one_line(path.reason)}"
        return
    for phase in (Phase.ANALYZE, Phase.VERIFY, Phase.PLAN, Phase.IMPLEMENT, Phase.FIX):
        chain = path.models.get(phase, ())
        names = ", then ".join(map(one_line, chain)) or "nobody"
        known = "  (cached: costs nothing)" if phase is Phase.ANALYZE and path.known else ""
        yield f"  {phase.value:<10} {names}{known}"
    yield f"  why        {one_line(path.reason)}"
    if path.repair_reason != path.reason:
        yield f"  repair     {one_line(path.repair_reason)}"


def _costs(coming: Forecasted) -> Iterator[str]:
    if not coming.certain:
        yield "No request: nothing would be sent."
    for each in coming.certain:
        yield f"{plural(each.requests, 'request')} to {one_line(each.model)}: {_figures(each)}"
    if coming.perhaps:
        yield "If a finding would block, in addition about:"
    for each in coming.perhaps:
        yield f"  {each.phase.value:<10} {one_line(each.model)}: {_figures(each)}"
    yield "Nothing was sent. Tokens are estimated at four bytes each; the length of replies is a guess."


def _figures(each: Estimate) -> str:
    price = "unknown price" if each.cost_usd is None else money(each.cost_usd)
    return f"about {each.input_tokens:,} tokens in, {each.output_tokens:,} out, {price}"


def _json(coming: Forecasted) -> str:
    import msgspec

    def estimates(items: Sequence[Estimate]) -> list[dict[str, object]]:
        return [msgspec.structs.asdict(item) for item in items]

    document = {
        "schema": 1,
        "paths": [{**msgspec.structs.asdict(path), "path": visible(path.path)} for path in coming.paths],
        "requests": estimates(coming.certain),
        "if_it_blocks": estimates(coming.perhaps),
    }
    encoder = msgspec.json.Encoder(decimal_format="number")
    return msgspec.json.format(encoder.encode(document)).decode() + "\n"
