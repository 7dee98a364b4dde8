"""``ralph-hooks backtest --simulate``."""

from __future__ import annotations

from collections.abc import Sequence

import click
import msgspec

from ralph_hooks.core.simulation import Assumptions
from ralph_hooks.engine.backtest.simulate import simulate
from ralph_hooks.reports.backtest import simulation

NAMES = tuple(field.encode_name for field in msgspec.structs.fields(Assumptions))


def run(assumed: Sequence[str], format_: str) -> None:
    """Simulate with the assumptions ``NAME=VALUE`` and print the result. Raises UsageError for an unknown one."""
    values: dict[str, float] = {}
    for text in assumed:
        name, _, value = text.partition("=")
        try:
            values[name.strip()] = int(value) if name.strip() in {"changes", "seed"} else float(value)
        except ValueError:
            raise click.UsageError(f"--assume {text!r}: expected NAME=NUMBER, such as catch=0.6") from None
    try:
        given = msgspec.convert(values, Assumptions)
    except msgspec.ValidationError as error:
        raise click.UsageError(f"--assume: {error}; the names are {', '.join(NAMES)}") from None
    results = simulate(given)
    click.echo((simulation.to_json if format_ == "json" else simulation.render)(given, results), nl=False)
