"""Amounts in whole cents: a fee is never a binary fraction."""

from __future__ import annotations

import re

_AMOUNT = re.compile(r"(\d+)(?:\.(\d{2}))?")


def parse_amount(text: str) -> int:
    """Cents in ``12`` or ``12.50``. Raises ValueError for anything else."""
    match = _AMOUNT.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"not an amount: {text!r}")
    return int(match[1]) * 100 + int(match[2] or 0)


def format_amount(cents: int) -> str:
    """``12.50`` for 1250, ``-0.05`` for -5."""
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100}.{abs(cents) % 100:02}"


def split(cents: int, shares: int) -> list[int]:
    """``cents`` in ``shares`` parts that differ by one cent at most and add up exactly, the larger ones first."""
    if shares < 1:
        raise ValueError("at least one share is needed")
    part, rest = divmod(cents, shares)
    return [part + 1] * rest + [part] * (shares - rest)
