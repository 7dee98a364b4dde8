"""The models that `ralph-hooks init` proposes for the detected providers, and the estimated cost of a commit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from msgspec import Struct

from ralph_hooks.cli.init.detect import Detected
from ralph_hooks.core.ports.models import Prices
from ralph_hooks.core.route import Model, Phase, Provider
from ralph_hooks.core.text import money
from ralph_hooks.core.usage import Usage
from ralph_hooks.providers.defaults import defaults

COMMIT = Usage(input_tokens=4_000, output_tokens=500)
"""Tokens of a commit of about 100 changed lines.

3,000 tokens of diff (the mean of ten commits of a well-kept library), the instructions, and a reply with a little
reasoning.
"""
REPAIR = Usage(input_tokens=8_000, output_tokens=2_000)
"""Tokens of the implement phase for a refused commit: the plan, two or three files, and the edits."""
_QUOTA = (
    "there is no key: {agent} reviews on your subscription and within its limits, without tools in an empty folder. "
    "A commit of 100 changed lines takes about 2 questions; each starts the program, which takes a second or more"
)
_SECOND = (
    "what the first model finds, {model} checks: two answers from one family agree too easily. Your code then goes to "
    "both vendors"
)
_CHEAP = (Phase.ANALYZE, Phase.VERIFY, Phase.PLAN, Phase.FIX)


class Proposal(Struct, frozen=True):
    """The proposed configuration."""

    values: Mapping[str, Any]
    """Tables and keys of `[tool.ralph-hooks]`; empty if nothing is to be added."""
    remarks: tuple[str, ...] = ()
    """Remarks for the user."""


def propose(
    around: Detected,
    providers: Mapping[str, Provider],
    prices: Prices,
    *,
    cheap: str = "",
    expensive: str = "",
) -> Proposal:
    """Return models for the detected providers; ``cheap`` and ``expensive`` override the choice."""
    if around.phase_map and not cheap and not expensive:
        return Proposal(_from_map(around.phase_map))
    values: dict[str, Any] = {}
    remarks = []
    chosen = cheap or _cheap(around, providers, prices)
    if chosen:
        values["cheap"] = chosen
        if chosen.partition("/")[0] in around.agents:
            remarks.append(_QUOTA.format(agent=chosen.partition("/")[0]))
        second = "" if cheap else _second(around, providers, prices, chosen)
        if second:
            values["models"] = {Phase.VERIFY.value: second}
            remarks.append(_SECOND.format(model=second))
        if chosen.partition("/")[0] in around.servers:
            remarks.append("a local model judges as well as its size lets it: try it on known bugs first")
    else:
        remarks.append("no key was found: the checks and your tests run without any model (see docs/configuration.md)")
    repairer = expensive or _expensive(around, providers)
    if repairer:
        values["expensive"] = repairer
    elif chosen:
        remarks.append("there is no model to repair with: what fails is held back, and not repaired")
    return Proposal(values, tuple(remarks))


def _from_map(models: Mapping[Phase, str]) -> Mapping[str, Any]:
    """Return two lines if they express the map, else a line for each phase."""
    cheap = {models.get(phase) for phase in _CHEAP}
    if len(cheap) == 1 and Phase.IMPLEMENT in models and None not in cheap:
        return {"cheap": models[Phase.ANALYZE], "expensive": models[Phase.IMPLEMENT]}
    return {"models": {phase.value: models[phase] for phase in Phase if phase in models}}


def _cheap(around: Detected, providers: Mapping[str, Provider], prices: Prices) -> str:
    """Return the cheapest model of the providers with a key, else an agent covered by a subscription.

    A model of this machine comes last: few of them are large enough to judge code.
    """
    models = _with_a_key(around, providers)
    if models:
        return _cheapest(models, prices).id
    agents = [(name, defaults().agents[name].cheap) for name in around.agents]
    local = [(server, names[0]) for server, names in around.servers.items()]
    return next((f"{name}/{model}" for name, model in (*agents, *local) if model), "")


def _second(around: Detected, providers: Mapping[str, Provider], prices: Prices, first: str) -> str:
    """Return a model of a vendor other than ``first``'s for the verify phase; empty if only one vendor has a key."""
    others = [model for model in _with_a_key(around, providers) if _vendor(model.id) != _vendor(first)]
    return _cheapest(others, prices).id if others else ""


def _vendor(model: str) -> str:
    """Return the vendor of ``model``; OpenRouter and Groq include it in the model's name."""
    return model.split("/")[-2]


def _with_a_key(around: Detected, providers: Mapping[str, Provider]) -> list[Model]:
    return [
        Model(providers[name], pair.cheap)
        for name, pair in defaults().models.items()
        if providers[name].api_key_env in around.keys
    ]


def _cheapest(models: Sequence[Model], prices: Prices) -> Model:
    priced = [(price.cost(COMMIT), index) for index, model in enumerate(models) if (price := prices.price(model))]
    return models[min(priced)[1] if priced else 0]


def _expensive(around: Detected, providers: Mapping[str, Provider]) -> str:
    for name, pair in defaults().models.items():
        if pair.expensive and providers[name].api_key_env in around.keys:
            return f"{name}/{pair.expensive}"
    return next((f"{name}/{defaults().agents[name].expensive}" for name in around.agents), "")


def costs(models: Mapping[Phase, tuple[Model, ...]], prices: Prices) -> Iterator[str]:
    """Yield the estimated cost of a commit and of a repair, for display."""
    for phase, usage, what in (
        (Phase.ANALYZE, COMMIT, "a commit of 100 changed lines"),
        (Phase.IMPLEMENT, REPAIR, "a repair, if one is needed"),
    ):
        chain = models.get(phase, ())
        if chain:
            price = prices.price(chain[0])
            cost = "not known" if price is None else _about(price.cost(usage))
            tokens = f"{usage.input_tokens:,} tokens in, {usage.output_tokens:,} out"
            yield f"{what}: {cost} on {chain[0].id} ({tokens})"


def _about(amount: Decimal) -> str:
    return "nothing" if amount == 0 else f"about {money(amount)}"
