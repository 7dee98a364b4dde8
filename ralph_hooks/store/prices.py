"""Prices of models: the user's own figures, else the catalogue of genai-prices, else the repository's, else nothing.

Importing the catalogue takes longer than reviewing an ordinary commit, so prices found in it are cached by the state of
the catalogue's file; for one day only if a price depends on the time. It is read as installed; its own updater, which
would use the network, is never started.
"""

from __future__ import annotations

import importlib.util
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ralph_hooks.core.codec import from_json
from ralph_hooks.core.lazy_pattern import lazy
from ralph_hooks.core.ports.store import Cache
from ralph_hooks.core.route import Model, Provider
from ralph_hooks.core.text import one_line
from ralph_hooks.core.usage import Price
from ralph_hooks.errors import ConfigError

if TYPE_CHECKING:
    from genai_prices.types import ModelPrice

_PACKAGE = "genai_prices"
_DAY = 86_400.0  # seconds
_QUARTERS = 96  # a day's quarters of an hour: prices change at times of day that are given in minutes
_FREE = Price(input=Decimal(0), output=Decimal(0))
_WITH_VENDORS = "openrouter"
_CANDIDATES = 4
_LOOPBACK = lazy(r"(?i)https?://(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?(/.*)?")
_LARGEST_REQUEST = 100_000
"""Input tokens that no request of ours goes beyond: dearer prices for longer ones than this do not apply."""


class Catalogue:
    """Implements `core.ports.models.Prices`. Safe from several threads.

    Where a price depends on the time, the dearest of the coming 24 hours is taken; where it depends on the length of
    the request, the dearest that a request of ours can reach. A server on this machine that takes no key and is in no
    catalogue costs nothing. A model that also costs something per request, or is not in the catalogue, is not known.
    """

    def __init__(self, overrides: Mapping[str, Price], store: Cache, *, clock: Callable[[], float] = time.time) -> None:
        """Use ``overrides`` by ``provider/model``."""
        self._overrides = overrides
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._found: dict[tuple[str, str], Price | None] = {}

    def price(self, model: Model) -> Price | None:
        """Return the price in USD per million tokens; None if it is unknown."""
        given = self._overrides.get(model.id)
        if given is not None and not given.fallback:
            return given
        catalogue = model.provider.catalogue
        if not catalogue:
            return given or (_FREE if _is_local(model.provider) else None)
        with self._lock:
            wanted = (catalogue, _own_name(model))
            if wanted not in self._found:
                self._found[wanted] = self._recall(*wanted)
            return self._found[wanted] or given

    def full_name(self, model: Model) -> str:
        """Return the name of ``model`` with its vendor, which people often omit: ``deepseek/deepseek-v4-flash``.

        Raises RalphError with the candidates where the short name is not that of exactly one model.
        """
        if not lacks_vendor(model):
            return model.name
        key = f"name/{_catalogue_state()}/{model.id}"
        known = self._store.get([key]).get(key)
        if known is not None:
            return known.decode()
        name = _with_vendor(model)
        self._store.put({key: name.encode()})
        return name

    def _recall(self, catalogue: str, name: str) -> Price | None:
        key = f"price/{_catalogue_state()}/{catalogue}/{name}"
        known = self._store.get([key]).get(key)
        if known is not None:
            return None if known == b"null" else from_json(known, Price)
        price, lasts = _look_up(catalogue, name, self._clock())
        self._store.put({key: msgspec.json.encode(price)}, ttl=None if lasts else _DAY)
        return price


def _own_name(model: Model) -> str:
    """Return the name of ``model`` in the catalogue: Vertex AI writes ``google/gemini-...`` for a model of Google."""
    vendor = "" if model.provider.catalogue == _WITH_VENDORS else f"{model.provider.catalogue}/"
    return model.name.removeprefix(vendor)


def lacks_vendor(model: Model) -> bool:
    """Return True for a short name at a provider that serves every model under its vendor's name."""
    return model.provider.catalogue == _WITH_VENDORS and "/" not in model.name


def _with_vendor(model: Model) -> str:
    from difflib import get_close_matches

    from genai_prices.data_snapshot import get_snapshot

    served = next(each for each in get_snapshot().providers if each.id == _WITH_VENDORS)
    by_short: dict[str, list[str]] = {}
    for each in served.models:
        if "/" in each.id and not each.id.startswith("~"):
            by_short.setdefault(each.id.rpartition("/")[2], []).append(each.id)
    found = by_short.get(model.name, [])
    if len(found) == 1:
        return found[0]
    near = found or [by_short[short][0] for short in get_close_matches(model.name, by_short, _CANDIDATES)]
    raise ConfigError(
        f"'{one_line(model.id)}' names {'several models' if found else 'no known model'}: "
        f"{model.provider.name} has them by vendor",
        f"write one of {', '.join(f'{model.provider.name}/{name}' for name in near)}"
        if near
        else f"write {model.provider.name}/VENDOR/{one_line(model.name)}",
    )


def _is_local(provider: Provider) -> bool:
    """Return True for a loopback address without a key. A key suggests that it is a proxy to a paid service."""
    return not provider.api_key_env and _LOOPBACK.fullmatch(provider.base_url) is not None


def _catalogue_state() -> str:
    """Return a value that changes with the installed catalogue, found without importing it or reading metadata."""
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        return ""
    status = Path(spec.origin).with_name("data.py").stat()
    return f"{status.st_mtime_ns:x}-{status.st_size:x}"


def _look_up(catalogue: str, name: str, now: float) -> tuple[Price | None, bool]:
    """Return the catalogue's price for ``name``, and whether it is the same at any time."""
    from datetime import UTC, datetime, timedelta

    from genai_prices.data_snapshot import get_snapshot

    begin = datetime.fromtimestamp(now, UTC)
    try:
        _, found = get_snapshot().find_provider_model(name, None, catalogue, None)
    except LookupError:
        return None, True
    if not isinstance(found.prices, list):
        return _dearest([found.prices]), True
    quarter = timedelta(minutes=15)
    return _dearest([found.get_prices(begin + index * quarter) for index in range(_QUARTERS)]), False


def _dearest(prices: list[ModelPrice]) -> Price | None:
    """Return the highest of each price; None if one has no price for input or output, or one per request."""
    if any(any(_figures(price, "requests_kcount")) for price in prices):
        return None
    given, replied, cached, written = (
        [figure for price in prices for name in names for figure in _figures(price, name)]
        for names in (
            ("input_mtok",),
            ("output_mtok", "output_reasoning_mtok"),
            ("cache_read_mtok",),
            ("cache_write_mtok",),
        )
    )
    if not given or not replied:
        return None
    return Price(
        input=max(given),
        output=max(replied),
        cached_input=max(cached, default=None),
        cache_write=max(written, default=None),
    )


def _figures(price: ModelPrice, name: str) -> Iterator[Decimal]:
    """Yield what ``name`` can come to for a request of ours: one figure, or one for each length that it can have."""
    from genai_prices.types import TieredPrices

    value = getattr(price, name, None)
    if isinstance(value, TieredPrices):
        yield value.base
        yield from (tier.price for tier in value.tiers if tier.start < _LARGEST_REQUEST)
    elif value is not None:
        yield value
