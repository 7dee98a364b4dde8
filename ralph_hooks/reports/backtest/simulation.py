"""A simulation as a terminal table and as JSON, with its assumptions in the title."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from ralph_hooks.core.simulation import Assumptions, Simulated
from ralph_hooks.reports.backtest.table import SCHEMA, rate


def title(assumed: Assumptions) -> str:
    """Return one sentence with every assumption: the figures hold for no model in particular."""
    return (
        f"SIMULATION of {assumed.changes:,} changes (seed {assumed.seed}), {assumed.bugs:.0%} of them with a bug. "
        f"Assumed, not measured: an analyze pass reports {assumed.catch:.0%} of the bugs, and something that is no bug "
        f"on {assumed.false_alarm:.0%} of the changes, later passes at the same place in {assumed.same_place:.0%} of "
        f"them; the verify model confirms {assumed.confirm_true:.0%} of true and {assumed.confirm_false:.0%} of false "
        f"findings; a later answer repeats the first one with a probability of {assumed.correlation:.0%}; reproducers "
        f"can run for {assumed.runner:.0%} of the changes, and prove {assumed.proof:.0%} of true and "
        f"{assumed.wrong_proof:.0%} of false findings."
    )


def render(assumed: Assumptions, results: Sequence[Simulated]) -> str:
    """Return the title and a row for each setting."""
    rows = [("passes", "confirm", "block-on", "caught", "false blocks", "requests a change"), *map(_row, results)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    return "\n".join([title(assumed), "", *lines, "", *_notes()]) + "\n"


def _row(each: Simulated) -> tuple[str, ...]:
    setting = each.setting
    return (
        str(setting.passes),
        str(setting.confirm).lower(),
        setting.block_on,
        rate(each.catch_rate),
        rate(each.false_block_rate),
        f"{each.requests_per_change:.2f}",
    )


def _notes() -> Iterator[str]:
    yield "Rates have 95 % intervals (Wilson). To change an assumption, pass --assume NAME=VALUE, such as catch=0.6."


def to_json(assumed: Assumptions, results: Sequence[Simulated]) -> str:
    """Return one JSON object; docs/report.md describes its fields."""
    settings = [
        {**msgspec.structs.asdict(each.setting), **msgspec.structs.asdict(each), "setting": None} for each in results
    ]
    for each in settings:
        del each["setting"]
    document = {"schema": SCHEMA, "simulation": title(assumed), "assumptions": assumed, "settings": settings}
    return msgspec.json.format(msgspec.json.encode(document)).decode() + "\n"
