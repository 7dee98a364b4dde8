"""Access to models for one run: everything a pipeline needs to send a question and to account for the answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from msgspec import Struct

from ralph_hooks.config import GateSettings, Settings
from ralph_hooks.core.guidance import Guidance
from ralph_hooks.core.ports.models import Prices
from ralph_hooks.core.ports.store import ModelCache
from ralph_hooks.core.review_rules import data_reason, path_reason
from ralph_hooks.core.route import Phase
from ralph_hooks.core.usage import Call, Usage, total_cost
from ralph_hooks.engine.models.caller import Caller
from ralph_hooks.engine.worker_pool import WorkerPool


class ModelAccess(Struct, frozen=True, kw_only=True):
    """Settings, caller, worker pool, cached answers and prices of one run."""

    settings: Settings
    limits: GateSettings
    caller: Caller
    pool: WorkerPool
    answers: ModelCache
    prices: Prices
    guidance: Guidance = Guidance()

    def rules(self, path: str) -> str:
        """Return the project's review guidelines for ``path``."""
        return self.guidance.rules(self.settings.route(path).guidelines) if self.guidance.files else ""

    def prepare(self, paths: Iterable[str]) -> None:
        """Load the prerequisites of a request about the first reviewed path of ``paths`` in the background."""
        routes = (self.settings.route(path) for path in paths)
        chain = next(
            (route.chain(Phase.ANALYZE) for route in routes if not route.skip and route.chain(Phase.ANALYZE)), ()
        )
        if chain:
            self.caller.prepare(chain[0])

    def withheld(self, path: str, data: bytes | None = None) -> str:
        """Return why no request of any phase may hold ``path`` (with content ``data``); empty if one may."""
        return withheld(self.settings, self.limits.exclude, path, data)

    def cost(self, calls: Sequence[Call]) -> tuple[Decimal | None, Decimal | None]:
        """Return the cost of ``calls`` in USD, and that of the same tokens on the expensive model; None if unknown."""
        paid = [call for call in calls if not call.from_store]
        total = total_cost(call.cost_usd for call in paid)
        expensive = self.settings.models.get(Phase.IMPLEMENT, ())
        if not paid:
            return total, Decimal(0) if expensive else None
        price = self.prices.price(expensive[0]) if expensive else None
        if price is None:
            return total, None
        used = Usage(
            input_tokens=sum(call.input_tokens for call in paid),
            output_tokens=sum(call.output_tokens for call in paid),
        )
        return total, price.cost(used)


def withheld(settings: Settings, exclude: Sequence[str], path: str, data: bytes | None = None) -> str:
    """Return why no request may hold ``path``; empty if one may."""
    route = settings.route(path)
    if route.skip:
        return f"skipped by {route.reason}"
    return path_reason(path, exclude) or ("" if data is None else data_reason(data))
