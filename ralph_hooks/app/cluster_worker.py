"""What a worker of a cluster runs: errands of `ralph-hooks backtest --dask`, which it finds by their names here.

A worker has no repository and no state of ours. The keys of the models that it is to ask are in its own environment.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence

import msgspec
from msgspec import Struct

from ralph_hooks import __version__
from ralph_hooks.core.route import Model
from ralph_hooks.core.shape import from_msgpack
from ralph_hooks.engine.backtest import judge
from ralph_hooks.engine.errand import Done, Errand, Memory, Purse, outcome, packed
from ralph_hooks.engine.held import Held

_LIBRARIES = ("ruff", "detect-secrets")
"""What the verdict of the deterministic checks depends on besides ourselves."""


class Greeting(Struct, frozen=True, kw_only=True):
    """What a worker says of itself."""

    versions: dict[str, str]
    obstacles: tuple[str, ...]
    """Why models could not be asked from there."""


def do(data: bytes, tell: Callable[[bytes], None]) -> bytes:
    """The outcome of a packed errand, packed. Each answer of a model is told at once, with what was paid until then."""
    from ralph_hooks.app.wiring import build_errand, worker_marks

    errand = from_msgpack(data, Errand)
    purse = Purse(errand.grant, price_needed=errand.price_needed)
    facts = Memory(errand.known, worker_marks())
    answers = Memory(
        errand.known,
        worker_marks(),
        lambda: tell(packed(Done(calls=tuple(purse.calls), answers=answers.fresh))),
    )
    gate = build_errand(errand, purse, answers, facts)
    return packed(outcome(lambda: judge(gate, Held(errand.change, errand.files)), purse, answers, facts))


def answer(question: bytes) -> bytes:
    """Whether this worker can be used for the models in ``question``."""
    from ralph_hooks.app.wiring import obstacles

    models = from_msgpack(question, tuple[Model, ...])
    return msgspec.msgpack.encode(Greeting(versions=versions(), obstacles=obstacles(models)))


def question(models: Sequence[Model]) -> bytes:
    """Asks a worker about ``models``."""
    return msgspec.msgpack.encode(tuple(models))


def refusal(answered: bytes) -> str:
    """Why a worker that ``answered`` so cannot be used; empty where it can."""
    greeting = from_msgpack(answered, Greeting)
    ours = versions()
    for name, theirs in greeting.versions.items():
        if theirs != ours[name]:
            return f"it has {name} {theirs}, and here is {ours[name]}"
    return "; ".join(f"{obstacle} in its environment" for obstacle in greeting.obstacles)


def versions() -> dict[str, str]:
    """What has to be the same on every machine for the same verdict."""
    from importlib.metadata import version

    python = ".".join(platform.python_version_tuple()[:2])
    return {"ralph-hooks": __version__, "Python": python, **{name: version(name) for name in _LIBRARIES}}
