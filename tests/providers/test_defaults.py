"""What `init` proposes exists, and its price is known."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from genai_prices.data_snapshot import get_snapshot

from ralph_hooks.core.route import Model, Wire
from ralph_hooks.providers import registry
from ralph_hooks.providers.defaults import defaults
from ralph_hooks.store.cache import Verdicts
from ralph_hooks.store.prices import Catalogue
from ralph_hooks.store.sqlite import Database

NAMES = [
    (provider, name) for provider, pair in defaults().models.items() for name in (pair.cheap, pair.expensive) if name
]


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalogue]:
    with Database(tmp_path_factory.mktemp("state")) as database:
        yield Catalogue({}, Verdicts(database))


@pytest.mark.parametrize(("provider", "name"), NAMES)
def test_every_model_is_current_and_has_a_price(catalogue: Catalogue, provider: str, name: str) -> None:
    served = registry.built_in()[provider]
    _, found = get_snapshot().find_provider_model(name, None, served.catalogue, None)
    assert not found.deprecated
    price = catalogue.price(Model(served, name))
    assert price is not None
    assert price.input > 0


@pytest.mark.parametrize("provider", defaults().models)
def test_the_cheap_one_costs_less(catalogue: Catalogue, provider: str) -> None:
    pair = defaults().models[provider]
    served = registry.built_in()[provider]
    cheap, expensive = (catalogue.price(Model(served, name)) for name in (pair.cheap, pair.expensive or pair.cheap))
    assert cheap is not None
    assert expensive is not None
    assert cheap.output < expensive.output or not pair.expensive


OWN_MODELS = {"azure", "bedrock", "vertex", "github", "litellm", "qwen"}
"""Which models there are depends on the account, or no catalogue has their prices."""


def test_every_provider_with_a_key_and_the_same_models_for_all_has_a_pair() -> None:
    with_key = {name for name, provider in registry.built_in().items() if provider.api_key_env}
    assert set(defaults().models) == with_key - OWN_MODELS


def test_every_built_in_agent_is_proposed_for_what_it_can_do() -> None:
    agents = {name: provider for name, provider in registry.built_in().items() if provider.wire is Wire.AGENT}
    assert defaults().agents.keys() == agents.keys()
    for name, pair in defaults().agents.items():
        assert bool(pair.cheap) == bool(agents[name].ask), name
        assert bool(pair.expensive) == bool(agents[name].command), name
