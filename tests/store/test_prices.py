from __future__ import annotations

import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from genai_prices import Usage, calc_price
from genai_prices.data_snapshot import get_snapshot

from ralph_hooks.core.route import Model, Provider, Wire
from ralph_hooks.core.usage import Price
from ralph_hooks.errors import ConfigError
from ralph_hooks.store.cache import Verdicts
from ralph_hooks.store.prices import Catalogue
from ralph_hooks.store.sqlite import Database
from tests.support.store import Clock, Processes

ASK_TWICE = """
import sys
from pathlib import Path
from ralph_hooks.core.route import Model, Provider, Wire
from ralph_hooks.store.sqlite import Database
from ralph_hooks.store.prices import Catalogue
from ralph_hooks.store.cache import Verdicts
with Database(Path(sys.argv[1])) as database:
    provider = Provider(name="p", wire=Wire.OPENAI, base_url="https://p.example", catalogue=sys.argv[2])
    print(Catalogue({}, Verdicts(database)).price(Model(provider, sys.argv[3])) is not None)
    print("genai_prices" in sys.modules)
"""


def model(name: str, catalogue: str = "", *, url: str = "https://llm.example/v1", key: str = "KEY") -> Model:
    provider = Provider(name="corp", wire=Wire.OPENAI, base_url=url, api_key_env=key, catalogue=catalogue)
    return Model(provider, name)


@pytest.fixture
def catalogue(database: Database) -> Catalogue:
    return Catalogue({}, Verdicts(database))


def test_a_model_is_found_in_its_providers_catalogue(catalogue: Catalogue) -> None:
    assert catalogue.price(model("claude-opus-4-5", "anthropic")) == Price(
        input=Decimal(5), output=Decimal(25), cached_input=Decimal("0.5"), cache_write=Decimal("6.25")
    )


def test_openrouters_models_go_by_vendor_and_name(catalogue: Catalogue) -> None:
    price = catalogue.price(model("deepseek/deepseek-v4-flash", "openrouter"))
    assert price is not None
    assert 0 < price.input < price.output < 1


def test_the_users_own_price_comes_first_and_by_the_whole_name(database: Database) -> None:
    own = Price(input=Decimal("0.01"), output=Decimal("0.02"))
    catalogue = Catalogue({"corp/claude-opus-4-5": own}, Verdicts(database))
    assert catalogue.price(model("claude-opus-4-5", "anthropic")) == own
    assert catalogue.price(model("claude-sonnet-4-5", "anthropic")) != own


def test_a_repositorys_price_comes_last(database: Database) -> None:
    theirs = Price(input=Decimal(0), output=Decimal(0), fallback=True)
    catalogue = Catalogue({"corp/claude-opus-4-5": theirs, "corp/big": theirs}, Verdicts(database))
    dear = catalogue.price(model("claude-opus-4-5", "anthropic"))
    assert dear is not None
    assert dear.input > 0
    assert catalogue.price(model("big")) == theirs


@pytest.mark.parametrize(
    "unknown",
    [
        model("no-such-model-at-all", "openai"),
        model("gpt-5-mini", "no-such-provider"),
        model("big"),
        model("sonar-pro", "perplexity"),  # costs something per request, which a price per token cannot say
        Model(Provider(name="agent", wire=Wire.AGENT, command=("claude",)), "opus"),
    ],
    ids=["model", "provider", "no catalogue", "per request", "agent"],
)
def test_what_is_not_known_stays_unknown(catalogue: Catalogue, unknown: Model) -> None:
    assert catalogue.price(unknown) is None


@pytest.mark.parametrize(
    "url", ["http://localhost:11434/v1", "http://127.0.0.1:8080/v1", "http://[::1]:1234", "http://LOCALHOST/v1"]
)
def test_a_server_on_this_machine_costs_nothing(catalogue: Catalogue, url: str) -> None:
    assert catalogue.price(model("qwen", url=url, key="")) == Price(input=Decimal(0), output=Decimal(0))


@pytest.mark.parametrize(
    "paid",
    [
        model("gpt", url="http://localhost:4000/v1"),  # a proxy that takes a key
        model("gpt", url="https://localhost.example.com/v1", key=""),
        model("gpt", url="http://127.0.0.1.example.com/v1", key=""),
        model("gpt", url="https://llm.example/?http://localhost/", key=""),
    ],
)
def test_what_only_looks_local_is_unknown(catalogue: Catalogue, paid: Model) -> None:
    assert catalogue.price(paid) is None


@pytest.mark.parametrize("hour", [3, 20])
def test_a_price_that_depends_on_the_hour_is_that_of_the_dearest(database: Database, clock: Clock, hour: int) -> None:
    midnight = datetime(2026, 10, 5, tzinfo=UTC)
    through_the_day = [
        calc_price(
            Usage(output_tokens=1_000_000),
            "deepseek-chat",
            provider_id="deepseek",
            genai_request_timestamp=midnight + timedelta(hours=each),
        ).total_price
        for each in range(24)
    ]
    assert min(through_the_day) < max(through_the_day)
    clock.now = (midnight + timedelta(hours=hour)).timestamp()
    price = Catalogue({}, Verdicts(database), clock=clock).price(model("deepseek-chat", "deepseek"))
    assert price is not None
    assert price.output == max(through_the_day)


def test_a_price_that_depends_on_length_is_that_of_requests_as_long_as_ours(catalogue: Catalogue) -> None:
    price = catalogue.price(model("gemini-2.5-pro", "google"))  # twice as much beyond 200,000 tokens
    assert price is not None
    assert (price.input, price.output, price.cached_input) == (Decimal("1.25"), Decimal(10), Decimal("0.125"))


@pytest.mark.parametrize(("name", "known"), [("claude-opus-4-5", "True"), ("no-such-model", "False")])
def test_the_catalogue_is_loaded_once_for_many_runs_even_for_what_it_lacks(
    state: Path, start: Processes, name: str, known: str
) -> None:
    first = start(ASK_TWICE, state, "anthropic", name).communicate(timeout=60)[0]
    second = start(ASK_TWICE, state, "anthropic", name).communicate(timeout=60)[0]
    assert first.split() == [known, "True"]
    assert second.split() == [known, "False"]


STALE = b'{"input": "1", "output": "1"}'


def spoil(database: Database) -> None:
    """Show in what is said next whether it was kept."""
    database.transact(lambda connection: connection.execute("UPDATE answers SET value = ?", (STALE,)))


@pytest.mark.parametrize(
    ("priced", "lasts"),
    [(model("claude-opus-4-5", "anthropic"), True), (model("deepseek-chat", "deepseek"), False)],
    ids=["the same at any time", "by the hour"],
)
def test_a_kept_price_lasts_a_day_where_it_depends_on_the_time(
    database: Database, clock: Clock, priced: Model, *, lasts: bool
) -> None:
    store = Verdicts(database, clock=clock)
    right = Catalogue({}, store, clock=clock).price(priced)
    spoil(database)
    stale = Price(input=Decimal(1), output=Decimal(1))
    assert Catalogue({}, store, clock=clock).price(priced) == stale != right
    clock.now += 86_400
    assert Catalogue({}, store, clock=clock).price(priced) == (stale if lasts else right)


def test_a_kept_price_is_looked_up_again_after_another_catalogue_is_installed(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Verdicts(database)
    opus = model("claude-opus-4-5", "anthropic")
    assert Catalogue({}, store).price(opus) is not None
    package = tmp_path / "genai_prices"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "data.py").write_text("# another release, without this model")
    (package / "data_snapshot.py").write_text("def get_snapshot():\n    raise LookupError\n")
    for name in [name for name in sys.modules if name.partition(".")[0] == "genai_prices"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(tmp_path)
    assert Catalogue({}, store).price(opus) is None


def test_prices_are_found_without_a_store_that_works(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with Database(tmp_path / "file" / "state") as database:
        assert Catalogue({}, Verdicts(database)).price(model("claude-opus-4-5", "anthropic")) is not None


def test_a_name_without_its_vendor_is_completed_where_one_vendor_has_it(catalogue: Catalogue) -> None:
    assert catalogue.full_name(model("deepseek-v4-flash", "openrouter")) == "deepseek/deepseek-v4-flash"
    assert catalogue.full_name(model("deepseek/deepseek-v4-flash", "openrouter")) == "deepseek/deepseek-v4-flash"
    assert catalogue.full_name(model("deepseek-v4-flash", "deepseek")) == "deepseek-v4-flash"


def test_a_misspelt_name_lists_the_nearest_ones(catalogue: Catalogue) -> None:
    with pytest.raises(ConfigError) as caught:
        catalogue.full_name(model("deepseek-v4-flahs", "openrouter"))
    assert "no known model" in caught.value.message
    assert "corp/deepseek/deepseek-v4-flash" in caught.value.hint


def test_a_name_that_several_vendors_have_lists_them(catalogue: Catalogue) -> None:
    served = next(each for each in get_snapshot().providers if each.id == "openrouter")
    shorts = Counter(each.id.rpartition("/")[2] for each in served.models if "/" in each.id and each.id[0] != "~")
    short = next(name for name, count in shorts.items() if count > 1)
    with pytest.raises(ConfigError) as caught:
        catalogue.full_name(model(short, "openrouter"))
    assert "several models" in caught.value.message
    assert caught.value.hint.count(f"/{short}") > 1
