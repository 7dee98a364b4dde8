"""Recent outages of models, so that an outage costs one timeout a minute and not one for each file.

All threads of a run and all other runs of this user share them: marks are kept in the cache until they expire. Only
outages are marked. A refused key or a missing model may be fixed before the next commit, so it is remembered for the
run alone; a model's answer to one text says nothing about the next.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence

import msgspec
from msgspec import Struct

from ralph_hooks.core.model_errors import ModelError, RateLimited
from ralph_hooks.core.ports.store import Cache
from ralph_hooks.core.route import Model
from ralph_hooks.engine.cache_keys import read_back

MEMORY = 60.0
"""Seconds for which a model is skipped after an outage, or less if it said itself when to retry."""


class Outage(Struct, frozen=True):
    """An outage of one model."""

    since: float
    """Seconds since 1970."""
    until: float
    said: str
    """Description of the outage, for people."""

    def told(self, now: float) -> str:
        """Return why the model was not called, for people."""
        return f"not called again, because {max(0, now - self.since):.0f} s ago {self.said}"


class CircuitBreaker:
    """The marks that hold now. Safe from several threads. ``clock`` gives seconds since 1970."""

    def __init__(self, store: Cache, clock: Callable[[], float]) -> None:
        self.clock = clock
        self._store = store
        self._lock = threading.Lock()
        self._here: dict[str, Outage] = {}  # works even if the store cannot be written
        self._probed: set[str] = set()

    def marks(self, models: Sequence[Model]) -> Mapping[Model, Outage]:
        """Return the marks of those of ``models`` that have one, in their order."""
        keys = {_key(model): model for model in models}
        stored = {key: read_back(data, Outage) for key, data in self._store.get(keys).items()}
        found = {key: mark for key, mark in stored.items() if mark is not None}
        with self._lock:
            for key in keys:
                here, there = self._here.get(key), found.get(key)
                if here is not None and (there is None or there.since < here.since):
                    found[key] = here
        now = self.clock()
        marks = ((model, found.get(key)) for key, model in keys.items())
        return {model: mark for model, mark in marks if mark is not None and mark.since <= now < mark.until}

    def marked_here(self, model: Model) -> bool:
        """Return whether this run has seen ``model`` fail, just now."""
        with self._lock:
            mark = self._here.get(_key(model))
        return mark is not None and self.clock() < mark.until

    def failed(self, model: Model, fault: ModelError) -> None:
        """Mark ``model``. A mark that holds is left as it is: the time runs from the first failure.

        Otherwise a failing probe would exclude a model forever that only needs longer than a probe may take.
        """
        now = self.clock()
        pause = MEMORY
        if isinstance(fault, RateLimited) and fault.retry_after is not None:
            pause = min(MEMORY, fault.retry_after)
        mark = Outage(since=now, until=now + pause, said=str(fault))
        with self._lock:
            known = self._here.get(_key(model))
            if known is not None and now < known.until:
                return
            self._here[_key(model)] = mark
        self._store.put({_key(model): msgspec.json.encode(mark)}, ttl=pause)

    def answered(self, model: Model) -> None:
        """Take the mark of ``model`` away."""
        now = self.clock()
        gone = Outage(since=now, until=now, said="")
        with self._lock:
            self._here[_key(model)] = gone
        self._store.put({_key(model): msgspec.json.encode(gone)}, ttl=0)

    def oldest_open(self, marks: Mapping[Model, Outage]) -> Model | None:
        """Return the model to try once all of them are marked: the one with the oldest mark, the likeliest to be back.

        None if a try in this run has failed already: then the run is inconclusive in any case, and each further file
        would only wait as long again.
        """
        with self._lock:
            left = [model for model in marks if _key(model) not in self._probed]
        return min(left, key=lambda model: marks[model].since, default=None)

    def probe_failed(self, model: Model) -> None:
        """Try ``model`` no more in this run while it is marked."""
        with self._lock:
            self._probed.add(_key(model))


def _key(model: Model) -> str:
    return f"outage/{model.id}/{model.provider.base_url}"
