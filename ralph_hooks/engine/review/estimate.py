"""Estimate of a review: the requests it would make, their models and approximate cost. Sends nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from msgspec import Struct

from ralph_hooks.core.change import Entry
from ralph_hooks.core.change_kind import Kind
from ralph_hooks.core.route import Chain, Model, Phase
from ralph_hooks.core.usage import estimate_tokens
from ralph_hooks.engine.models.access import ModelAccess
from ralph_hooks.engine.models.token_budget import expected
from ralph_hooks.engine.review.context import CodeContext, Signatures
from ralph_hooks.engine.review.questions import batched
from ralph_hooks.engine.review.review_input import ReviewInput
from ralph_hooks.engine.review.reviewer import analyze_key
from ralph_hooks.languages.change_kind import kind_of, kind_of_path
from ralph_hooks.phases import analyze, implement, verify

_REPLY = 120  # tokens: a reply of the analyze phase without or with one finding
_CLAIM, _VERDICT = 1_200, 80  # tokens: a claim with its code, and its verdict
_REPAIR_ROOM, _REPAIR_REPLY = 1_500, 1_200  # tokens: instructions, plan and failing output; the edits


class Estimate(Struct, frozen=True, kw_only=True):
    """The estimate of one step: one token for four bytes; the length of replies is a guess."""

    phase: Phase
    model: str
    requests: int
    input_tokens: int
    output_tokens: int
    cost_usd: Decimal | None
    """US dollars; None if the price is not known."""


class Preview(Struct, frozen=True, kw_only=True):
    """Forecast for one path."""

    path: str
    kind: Kind
    models: Mapping[Phase, tuple[str, ...]]
    """By phase, in the order they would be tried."""
    reason: str
    """Which rule chose the models, or why the path is left out."""
    repair_reason: str = ""
    """Reason for the models of the implement phase."""
    left_out: bool = False
    known: bool = False
    """True if the answer is cached: no request would be sent."""


class Forecasted(Struct, frozen=True):
    """Forecast for a change."""

    paths: tuple[Preview, ...]
    certain: tuple[Estimate, ...]
    """Requests of the analyze phase."""
    perhaps: tuple[Estimate, ...]
    """Additional requests for a finding that would block: its confirmation, and a repair."""


def preview_paths(models: ModelAccess, paths: Sequence[str]) -> tuple[Preview, ...]:
    """Return how ``paths`` are routed, whether they are changed or not."""
    return tuple(_preview(models, path, kind_of_path(path)) for path in paths)


def preview(models: ModelAccess, change: ReviewInput, context: CodeContext) -> Forecasted:
    """Return the requests that a review of ``change`` would send; ``context`` is the code around it."""
    sources = {source.path: source for source in change.sources(change.review)}
    kinds = {path: kind_of(source.entry, source.content) for path, source in sources.items()}
    routed, known = _routed(models, change, context)
    left_out = {item.path: item.reason for item in change.unreviewed}
    left_out |= {item.path: item.reason for item in change.refused}
    paths = [
        _preview(
            models,
            entry.path,
            kinds.get(entry.path, kind_of_path(entry.path)),
            left_out=left_out.get(entry.path, ""),
            known=entry.path in known,
        )
        for entry in change.snapshot.change.entries
    ]
    missing = [(entry, chain) for entry, chain in routed if entry.path not in known]
    certain = _certain(models, change, missing, context.signatures([entry for entry, _ in missing]))
    return Forecasted(tuple(paths), certain, _perhaps(models, routed, change, kinds))


def requests(models: ModelAccess, change: ReviewInput) -> tuple[Estimate, ...]:
    """Return the analyze requests that a review of ``change`` alone would send, without the forecast of its paths."""
    routed, known = _routed(models, change)
    return _certain(models, change, [(entry, chain) for entry, chain in routed if entry.path not in known], {})


def _certain(
    models: ModelAccess, change: ReviewInput, missing: Sequence[tuple[Entry, Chain]], signatures: Signatures
) -> tuple[Estimate, ...]:
    batches = batched(missing, change, signatures=signatures, passes=models.limits.passes)
    return _summed(
        [_estimate(models, Phase.ANALYZE, each.chain[0], each.tokens + _ANALYZE, _REPLY) for each in batches]
    )


_ANALYZE = estimate_tokens(analyze.SYSTEM)
_VERIFY = estimate_tokens(verify.SYSTEM)


def _routed(
    models: ModelAccess, change: ReviewInput, context: CodeContext | None = None
) -> tuple[list[tuple[Entry, Chain]], frozenset[str]]:
    """Return the entries for models with their chains, and the paths whose answers are cached."""
    asked = [(entry, models.settings.route(entry.path)) for entry in change.open_to_models]
    routed = [(e, route.chain(Phase.ANALYZE)) for e, route in asked if not route.skip and route.chain(Phase.ANALYZE)]
    return routed, _known(models, routed, context.digests([entry for entry, _ in routed]) if context else {})


def _known(models: ModelAccess, routed: Sequence[tuple[Entry, Chain]], digests: Mapping[str, str]) -> frozenset[str]:
    names = {
        analyze_key(
            entry,
            model,
            models.rules(entry.path),
            context=digests.get(entry.path, ""),
            passes=models.limits.passes,
        ): entry.path
        for entry, chain in routed
        for model in chain
    }
    return frozenset(names[name] for name in models.answers.get(names))


def _preview(models: ModelAccess, path: str, kind: Kind, *, left_out: str = "", known: bool = False) -> Preview:
    route = models.settings.route(path)
    implementers, repair_reason = models.settings.implementers(path, kind)
    chains = {phase: route.chain(phase) for phase in Phase} | {Phase.IMPLEMENT: implementers}
    reason = left_out or (f"skipped by {route.reason}" if route.skip else route.reason)
    return Preview(
        path=path,
        kind=kind,
        models={phase: tuple(model.id for model in chain) for phase, chain in chains.items() if chain},
        reason=reason,
        repair_reason=repair_reason,
        left_out=bool(left_out) or route.skip or not route.chain(Phase.ANALYZE),
        known=known,
    )


def _perhaps(
    models: ModelAccess, routed: Sequence[tuple[Entry, Chain]], change: ReviewInput, kinds: Mapping[str, Kind]
) -> tuple[Estimate, ...]:
    """Estimate a claim to confirm, and a repair of the largest file, on the models of the paths to be reviewed."""
    if not routed:
        return ()
    entry = max(routed, key=lambda pair: len(change.sources([pair[0]])[0].content.new or b""))[0]
    route = models.settings.route(entry.path)
    size = len(change.sources([entry])[0].content.new or b"") // 4
    steps = (
        (Phase.VERIFY, route.chain(Phase.VERIFY), _VERIFY + _CLAIM, _VERDICT),
        (
            Phase.IMPLEMENT,
            models.settings.implementers(entry.path, kinds[entry.path])[0],
            _REPAIR_ROOM + size,
            _REPAIR_REPLY,
        ),
    )
    return tuple(_estimate(models, phase, chain[0], sent, reply) for phase, chain, sent, reply in steps if chain)


_SYSTEMS = {Phase.ANALYZE: analyze.SYSTEM, Phase.VERIFY: verify.SYSTEM, Phase.IMPLEMENT: implement.SYSTEM}


def _estimate(models: ModelAccess, phase: Phase, model: Model, sent: int, reply: int) -> Estimate:
    price = models.prices.price(model)
    return Estimate(
        phase=phase,
        model=model.id,
        requests=1,
        input_tokens=sent,
        output_tokens=reply,
        cost_usd=price.cost(price.dearest(expected(model, _SYSTEMS[phase], sent, reply))) if price else None,
    )


def _summed(estimates: Sequence[Estimate]) -> tuple[Estimate, ...]:
    """Return one estimate per model."""
    by_model: dict[str, Estimate] = {}
    for each in estimates:
        before = by_model.get(each.model)
        if before is None:
            by_model[each.model] = each
            continue
        costs = (before.cost_usd, each.cost_usd)
        by_model[each.model] = Estimate(
            phase=each.phase,
            model=each.model,
            requests=before.requests + each.requests,
            input_tokens=before.input_tokens + each.input_tokens,
            output_tokens=before.output_tokens + each.output_tokens,
            cost_usd=None if costs[0] is None or costs[1] is None else costs[0] + costs[1],
        )
    return tuple(by_model.values())
