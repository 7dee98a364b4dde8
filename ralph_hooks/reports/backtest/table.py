"""Backtest scores as a terminal table and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from ralph_hooks.core.backtest import BlockOnScore, Rate, Score, Tuned, break_even
from ralph_hooks.core.text import money, one_line, plural

SCHEMA = 1


def render(scores: Sequence[Score], *, color: bool, width: int) -> str:
    """Return a row for each routing, then sentences that explain the figures."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(width=width, no_color=not color, force_terminal=color, highlight=False)
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("routing", overflow="fold")
    for name in ("caught", "false blocks", "$ a change", "$ a caught bug", "p50", "p95", "flips", "not judged"):
        table.add_column(name, justify="right")
    for score in scores:
        table.add_row(
            Text(one_line(score.name)),
            f"{score.caught}/{score.bugs} {rate(score.catch_rate)}",
            f"{score.false_blocks}/{score.clean} {rate(score.false_block_rate)}",
            dollars(score.cost_per_change_usd),
            dollars(score.cost_per_caught_usd) if score.caught else "-",
            f"{score.seconds_p50:.2f} s",
            f"{score.seconds_p95:.2f} s",
            "-" if score.flips is None else f"{score.flips:.1%}",
            f"{score.unjudged:,}",
        )
    with console.capture() as capture:
        console.print(table)
        console.print()
        for line in evidence(scores):
            console.print(line, markup=False)
        for line in sentences(scores):
            console.print(line, markup=False)
    return capture.get()


def sentences(scores: Sequence[Score]) -> Iterator[str]:
    """Yield sentences that explain the figures."""
    for score in scores:
        yield break_even(score)
        if score.unjudged:
            unjudged = plural(score.unjudged, "change")
            yield f"{one_line(score.name)}: {unjudged} could not be reviewed and are excluded from the rates."
    yield "Rates have 95 % intervals (Wilson). Caught: blocked on a line known to be wrong."


def evidence(scores: Sequence[Score]) -> Iterator[str]:
    """Yield the findings by their evidence, and what each value of `gate.block-on` would have blocked."""
    for score in scores:
        if not score.by_evidence:
            continue
        yield f"{one_line(score.name)}, findings by evidence:"
        for each in score.by_evidence:
            places = f"{each.hits:,} on known bugs, {each.on_clean:,} in clean changes"
            yield f"  {each.evidence:<10} {each.findings:,}: {places}"
        yield f"{one_line(score.name)}, with block-on:"
        for row in score.by_block_on:
            yield f"  {row.block_on:<10} caught {row.caught:,}, {rate(row.catch_rate)}; {_blocked(row)}"
        if len(score.by_block_on) == 1:
            yield "  proof, shown and auto are not known: --proofs runs reproducers."
        yield ""


def _blocked(row: BlockOnScore) -> str:
    return f"false blocks {row.false_blocks:,}, {rate(row.false_block_rate)}"


def rate(figures: Rate) -> str:
    """Return ``62 % (48-74)``."""
    share, low, high = figures
    return f"{share * 100:.0f} % ({low * 100:.0f}-{high * 100:.0f})"


def dollars(amount: Decimal | None) -> str:
    """Return an amount in US dollars, or a note that it is unknown."""
    return "unknown" if amount is None else money(amount)


def to_json(scores: Sequence[Score]) -> str:
    """Return one JSON object; docs/report.md describes its fields."""
    import msgspec

    encoder = msgspec.json.Encoder(decimal_format="number")
    document = {"schema": SCHEMA, "routings": [msgspec.structs.asdict(score) for score in scores]}
    return msgspec.json.format(encoder.encode(document)).decode() + "\n"


def tuned(best: Tuned | None, target: float) -> Iterator[str]:
    """Yield the configuration to paste, with the data it was measured on."""
    if best is None:
        yield f"No setting keeps false blocks at {target:.1%} or below on these examples."
        return
    bar = best.bar
    yield f"# Chosen on {best.examples} examples: routing {one_line(best.routing)}, at most {target:.1%} false blocks."
    yield f"# Cross-validated: catches {rate(best.caught)} of bugs, blocks {rate(best.false_blocks)} of clean changes."
    yield "[tool.ralph-hooks.gate]"
    yield f'block-at = "{bar.block_at}"'
    yield f"min-confidence = {bar.min_confidence}"
    yield f"confirm = {str(bar.confirm).lower()}"
