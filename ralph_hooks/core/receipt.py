"""A receipt: what was judged, when, by what, at what cost."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from ralph_hooks.core.report import Verdict


class Receipt(Struct, frozen=True, kw_only=True):
    """One judgement of one tree against another."""

    tree: str
    base: str
    """The tree it was compared with."""
    settings: str
    """A digest of what the verdict depends on besides the two trees; empty where nothing was reviewed."""
    command: str
    verdict: Verdict
    models: tuple[str, ...] = ()
    """``provider/model`` of those that answered, then or from the store."""
    cost_usd: Decimal | None = Decimal(0)
    """US dollars of the whole run; None where it is not known."""
    commits: tuple[str, ...] = ()
    """Object ids of the commits that were judged by it; none for a staged change, which is no commit yet."""
    at: float = 0.0
    """Seconds since 1970; set by who keeps it."""
