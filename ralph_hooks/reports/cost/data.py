"""The bill as JSON and CSV. Amounts are exact decimals in US dollars; ``null`` means unknown, never 0."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ralph_hooks.core.cost_summary import Bill, Total
from ralph_hooks.core.text import visible

SCHEMA = 1
COLUMNS = (
    "group", "name", "calls", "from_store", "input_tokens", "cached_input_tokens", "cache_write_tokens",
    "output_tokens", "cost_usd", "unknown_cost_calls", "estimated_calls", "seconds",
)  # fmt: skip


def groups(bill: Bill) -> Iterator[tuple[str, Sequence[Total]]]:
    """Yield every grouping of the ledger."""
    summed = bill.statement
    yield "all", [summed.whole]
    yield "phase", summed.by_phase
    yield "model", summed.by_model
    yield "repository", summed.by_repository
    yield "hook", summed.by_command
    yield "day", summed.by_day


def to_json(bill: Bill) -> str:
    """Return one JSON object; docs/report.md describes its fields."""
    import msgspec

    forecast, caught = bill.forecast, bill.caught
    document = {
        "schema": SCHEMA,
        "since": bill.since or None,
        "until": bill.until,
        "scope": visible(bill.scope),
        "totals": {group: [_fields(total) for total in totals] for group, totals in groups(bill)},
        "baseline": {"model": visible(bill.expensive), "cost_usd": bill.baseline} if bill.expensive else None,
        "budgets": [{"per": cap.name, "spent_usd": cap.spent, "cap_usd": cap.cap} for cap in bill.caps],
        "forecast": forecast
        and {
            "expected_usd": round(forecast.expected, 6),
            "low_usd": round(forecast.low, 6),
            "high_usd": round(forecast.high, 6),
            "probability": 0.8,
            "days": forecast.days,
        },
        "caught": caught and {"judged": caught.judged, "held_back": caught.held_back, "cost_usd": caught.spent},
        "routing": bill.pays or None,
    }
    encoder = msgspec.json.Encoder(decimal_format="number")
    return msgspec.json.format(encoder.encode(document)).decode() + "\n"


def to_csv(bill: Bill) -> str:
    """Return a CSV row for each total, with its group."""
    import csv
    import io

    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for group, totals in groups(bill):
        for total in totals:
            fields = {"group": group, **_fields(total)}
            fields["name"] = _harmless(str(fields["name"]))
            writer.writerow(fields)
    return text.getvalue()


def _harmless(name: str) -> str:
    """Escape a cell that a spreadsheet would evaluate as a formula (OWASP, CSV injection)."""
    return f"'{name}" if name.startswith(("=", "+", "-", "@", "\t", "\r")) else name


def _fields(total: Total) -> dict[str, Any]:
    usage = total.usage
    return {
        "name": visible(total.name),
        "calls": total.calls,
        "from_store": total.remembered,
        "input_tokens": usage.input_tokens,
        "cached_input_tokens": usage.cached_input_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "output_tokens": usage.output_tokens,
        "cost_usd": total.cost_usd,
        "unknown_cost_calls": total.unknown,
        "estimated_calls": total.estimated,
        "seconds": round(total.seconds, 3),
    }
