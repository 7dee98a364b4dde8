"""The models that `ralph-hooks init` proposes for the detected providers, and the estimated cost of a commit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from msgspec import Struct

from ralph_hooks.cli.init.detect import Detected
from ralph_hooks.core.ports.models import Prices
from ralph_hooks.core.route import Model, Phase, Provider
from ralph_hooks.core.text import money
from ralph_hooks.core.usage import Usage
from ralph_hooks.engine.models.ping import PingResult
from ralph_hooks.engine.models.token_budget import expected
from ralph_hooks.phases import analyze, implement
from ralph_hooks.providers.defaults import Pair, defaults

Ping = Callable[[Model, Phase], PingResult | None]
"""Asks a model one question for a phase; None if it may not be asked yet."""

COMMIT = Usage(input_tokens=4_000, output_tokens=500)
"""Tokens of a commit of about 100 changed lines.

3,000 tokens of diff (the mean of ten commits of a well-kept library), the instructions, and a reply with a little
reasoning.
"""
REPAIR = Usage(input_tokens=8_000, output_tokens=2_000)
"""Tokens of the implement phase for a refused commit: the plan, two or three files, and the edits."""
_QUOTA = (
    "no API key found: {agent} reviews on your subscription, within its limits, without tools in an empty folder. "
    "A commit of 100 changed lines takes about 2 requests; each starts the program, which takes a second or more"
)
_SECOND = (
    "{model} checks the first model's findings: two models of one family tend to share mistakes. Your code goes to "
    "both vendors"
)
_UNAPPROVED = "not asked before you approve its provider"
_CHEAP = (Phase.ANALYZE, Phase.VERIFY, Phase.PLAN, Phase.FIX)


class Proposal(Struct, frozen=True):
    """The proposed configuration."""

    values: Mapping[str, Any]
    """Tables and keys of `[tool.ralph-hooks]`; empty if nothing is to be added."""
    remarks: tuple[str, ...] = ()
    """Remarks for the user."""
    tried: tuple[str, ...] = ()
    """The tested models, each with its result."""


class _Trials:
    """Tests candidates in turn until one answers. Each model is tested once."""

    def __init__(self, ping: Ping | None) -> None:
        self._ping = ping
        self._results: dict[Model, PingResult | None] = {}
        self._kept: dict[Model, str] = {}

    @property
    def told(self) -> tuple[str, ...]:
        """Every tested model and its result, or the reason that none was tested."""
        if self._ping is None:
            return ("no model (`ralph-hooks doctor` tests them)",)
        return tuple(
            f"{model.id}: {result.summary if result else _UNAPPROVED}{self._kept.get(model, '')}"
            for model, result in self._results.items()
        )

    def first(self, candidates: Sequence[Model], phase: Phase) -> Model | None:
        """Return the first of ``candidates`` that answers, or else the first one with an outage."""
        away: Model | None = None
        for model in candidates:
            result = self.result(model, phase)
            if result is None or not result.problem:
                return model
            if result.is_outage and away is None:
                away = model
        if away is not None:
            self._kept[away] = " (proposed anyway: it may be back soon)"
        return away

    def result(self, model: Model, phase: Phase) -> PingResult | None:
        """Return the result of the test request to ``model``; None if it is not tested."""
        if self._ping is not None and model not in self._results:
            self._results[model] = self._ping(model, phase)
        return self._results.get(model)

    def keep(self, model: Model, phase: Phase) -> None:
        """Test ``model``, the user's own choice, which is kept whatever the result."""
        result = self.result(model, phase)
        if result is not None and result.problem:
            self._kept[model] = " (kept: you chose it)"


def propose(
    around: Detected,
    providers: Mapping[str, Provider],
    prices: Prices,
    *,
    cheap: str = "",
    expensive: str = "",
    ping: Ping | None = None,
) -> Proposal:
    """Return models for the detected providers; ``cheap`` and ``expensive`` override the choice.

    With ``ping`` each model is tested before it is proposed, and replaced by the next if it does not answer.
    """
    if around.phase_map and not cheap and not expensive:
        return Proposal(_from_map(around.phase_map))
    values: dict[str, Any] = {}
    remarks = []
    trials = _Trials(ping)
    candidates = _cheap(around, providers, prices)
    chosen = _chosen(cheap, providers, Phase.ANALYZE, trials) or _id(trials.first(candidates, Phase.ANALYZE))
    if chosen:
        name = chosen.partition("/")[0]
        values["cheap"] = chosen
        if name in around.agents:
            remarks.append(_QUOTA.format(agent=name))
        second = "" if cheap else _id(trials.first(_seconds(candidates, chosen), Phase.VERIFY))
        if second:
            values["models"] = {Phase.VERIFY.value: second}
            remarks.append(_SECOND.format(model=second))
        if name in around.servers:
            remarks.append("the quality of a local model depends on its size: test it on known bugs first")
    elif candidates:
        remarks.append("no model answered: only the checks and your tests run until you choose a model")
    else:
        remarks.append(
            "no API key found: only the checks and your tests run, without a model (see docs/configuration.md)"
        )
    repairer = _chosen(expensive, providers, Phase.IMPLEMENT, trials) or _id(
        trials.first(_expensive(around, providers), Phase.IMPLEMENT)
    )
    if repairer:
        values["expensive"] = repairer
    elif chosen:
        remarks.append("no model for repairs: a rejected change is blocked, but not repaired")
    return Proposal(values, tuple(remarks), trials.told if candidates or values else ())


def _chosen(text: str, providers: Mapping[str, Provider], phase: Phase, trials: _Trials) -> str:
    """Return the user's own choice, after testing it; empty if there is none."""
    provider, _, name = text.partition("/")
    if name and provider in providers:
        trials.keep(Model(providers[provider], name), phase)
    return text


def _id(model: Model | None) -> str:
    return model.id if model else ""


def _from_map(models: Mapping[Phase, str]) -> Mapping[str, Any]:
    """Return two lines if they express the map, else a line for each phase."""
    cheap = {models.get(phase) for phase in _CHEAP}
    if len(cheap) == 1 and Phase.IMPLEMENT in models and None not in cheap:
        return {"cheap": models[Phase.ANALYZE], "expensive": models[Phase.IMPLEMENT]}
    return {"models": {phase.value: models[phase] for phase in Phase if phase in models}}


def _cheap(around: Detected, providers: Mapping[str, Provider], prices: Prices) -> list[Model]:
    """Return the models of the providers with a key, cheapest first, then agents covered by a subscription.

    Local models come last: few of them are large enough to review code.
    """
    models = _with_a_key(around, providers)
    priced = {model: price.cost(COMMIT) for model in models if (price := prices.price(model))}
    models.sort(key=lambda model: priced.get(model, Decimal("Infinity")))
    agents = [(name, defaults().agents[name].cheap) for name in around.agents]
    local = [(server, names[0]) for server, names in around.servers.items()]
    return [*models, *(Model(providers[name], model) for name, model in (*agents, *local) if model)]


def _seconds(candidates: Sequence[Model], first: str) -> list[Model]:
    """Return the candidates of another vendor than ``first``'s: those with a key, or agents where there is none."""
    own = next((model for model in candidates if model.id == first), None)
    if own is None or not _vendor(own):
        return []
    alike = [model for model in candidates if bool(model.provider.ask) is bool(own.provider.ask)]
    return [model for model in alike if _vendor(model) not in {"", _vendor(own)}]


def _vendor(model: Model) -> str:
    """Return the vendor of ``model``, empty for a local one; OpenRouter and Groq include it in the model's name."""
    if model.provider.ask:
        return model.provider.catalogue
    return "" if model.provider.base_url.startswith("http:") else model.id.split("/")[-2]


def _with_a_key(around: Detected, providers: Mapping[str, Provider], role: str = "cheap") -> list[Model]:
    def named(pair: Pair) -> str:
        return pair.expensive if role == "expensive" else pair.cheap

    return [
        Model(providers[name], named(pair))
        for name, pair in defaults().models.items()
        if named(pair) and providers[name].api_key_env in around.keys
    ]


def _expensive(around: Detected, providers: Mapping[str, Provider]) -> list[Model]:
    agents = [Model(providers[name], defaults().agents[name].expensive) for name in around.agents]
    return [*_with_a_key(around, providers, "expensive"), *agents]


def costs(models: Mapping[Phase, tuple[Model, ...]], prices: Prices) -> Iterator[str]:
    """Yield the estimated cost of a commit and of a repair, for display."""
    for phase, system, usage, what in (
        (Phase.ANALYZE, analyze.SYSTEM, COMMIT, "a commit of 100 changed lines"),
        (Phase.IMPLEMENT, implement.SYSTEM, REPAIR, "a repair, if one is needed"),
    ):
        chain = models.get(phase, ())
        if chain:
            price = prices.price(chain[0])
            whole = expected(chain[0], system, usage.input_tokens, usage.output_tokens)
            cost = "not known" if price is None else _about(price.cost(price.dearest(whole)))
            tokens = f"{usage.input_tokens:,} tokens in, {usage.output_tokens:,} out"
            yield f"{what}: {cost} on {chain[0].id} ({tokens})"


def _about(amount: Decimal) -> str:
    return "nothing" if amount == 0 else f"about {money(amount)}"
