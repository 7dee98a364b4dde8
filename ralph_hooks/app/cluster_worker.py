"""What a worker of a cluster runs: errands of `ralph-hooks backtest --dask`, which it finds by their names here.

A worker has no repository and no state of ours. The keys of the models that it is to ask are in its own environment.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Sequence
from functools import lru_cache

import msgspec
from msgspec import Struct

from ralph_hooks import __version__
from ralph_hooks.app.progress import Silent
from ralph_hooks.checks.all import all_change_checks, all_checks
from ralph_hooks.checks.secrets import Secrets
from ralph_hooks.core.codec import from_msgpack
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.ports.models import ModelClient
from ralph_hooks.core.route import Model
from ralph_hooks.engine.backtest.prefetch import InMemorySnapshot
from ralph_hooks.engine.backtest.replay import judge
from ralph_hooks.engine.backtest.task import (
    NoCommands,
    NoHistory,
    NoReceipts,
    Task,
    TaskCache,
    TaskLedger,
    TaskPrices,
    TaskResult,
    WorkerOutages,
    outcome,
    packed,
)
from ralph_hooks.engine.models.access import ModelAccess
from ralph_hooks.engine.models.caller import Caller
from ralph_hooks.engine.review.gate import Gate
from ralph_hooks.engine.worker_pool import WorkerPool
from ralph_hooks.providers import registry
from ralph_hooks.trust.redaction import Redaction

_LIBRARIES = ("ruff", "detect-secrets")
"""What the verdict of the deterministic checks depends on besides ourselves."""


class Greeting(Struct, frozen=True, kw_only=True):
    """What a worker says of itself."""

    versions: dict[str, str]
    obstacles: tuple[str, ...]
    """Why models could not be asked from there."""


def do(data: bytes, tell: Callable[[bytes], None]) -> bytes:
    """The outcome of a packed errand, packed. Each answer of a model is told at once, with what was paid until then."""
    task = from_msgpack(data, Task)
    ledger = TaskLedger(task.grant, price_needed=task.price_needed)
    facts = TaskCache(task.known, worker_outages())
    answers = TaskCache(
        task.known,
        worker_outages(),
        lambda: tell(packed(TaskResult(calls=tuple(ledger.calls), answers=answers.fresh))),
    )
    gate = build_task_gate(task, ledger, answers, facts)
    return packed(outcome(lambda: judge(gate, InMemorySnapshot(task.change, task.files)), ledger, answers, facts))


def answer(question: bytes) -> bytes:
    """Return whether this worker can be used for the models in ``question``."""
    models = from_msgpack(question, tuple[Model, ...])
    return msgspec.msgpack.encode(Greeting(versions=versions(), obstacles=obstacles(models)))


def question(models: Sequence[Model]) -> bytes:
    """Asks a worker about ``models``."""
    return msgspec.msgpack.encode(tuple(models))


def refusal(answered: bytes) -> str:
    """Return why a worker that ``answered`` so cannot be used; empty where it can."""
    greeting = from_msgpack(answered, Greeting)
    ours = versions()
    for name, theirs in greeting.versions.items():
        if theirs != ours[name]:
            return f"it has {name} {theirs}, and here is {ours[name]}"
    return "; ".join(f"{obstacle} in its environment" for obstacle in greeting.obstacles)


def versions() -> dict[str, str]:
    """Return what has to be the same on every machine for the same verdict."""
    from importlib.metadata import version

    python = ".".join(platform.python_version_tuple()[:2])
    return {"ralph-hooks": __version__, "Python": python, **{name: version(name) for name in _LIBRARIES}}


def build_task_gate(task: Task, ledger: TaskLedger, answers: TaskCache, facts: TaskCache) -> Gate:
    """The gate for one change that came from another machine: no repository, no state, no commands."""
    limits = task.gate
    deadline = Deadline(limits.deadline, time.monotonic)
    prices = TaskPrices(task.prices)
    caller = Caller(
        client=worker_client(),
        store=facts,
        ledger=ledger,
        prices=prices,
        redactor=Redaction(),
        deadline=deadline,
        run=task.run,
        sleep=time.sleep,
        now=time.time,
    )
    models = ModelAccess(
        settings=task.settings,
        limits=limits,
        caller=caller,
        pool=WorkerPool(limits.parallel, deadline, Silent()),
        answers=answers,
        prices=prices,
    )
    return Gate(
        models=models,
        checks=all_checks(),
        change_checks=all_change_checks(task.settings.checks.weakened_tests),
        secrets=Secrets(),
        store=facts,
        verifier=NoCommands(),
        history=NoHistory(),
        receipts=NoReceipts(),
    )


@lru_cache(maxsize=1)
def worker_client() -> ModelClient:
    """The way to the models from this worker, whose connections all errands share."""
    return registry.client(os.environ, programs=False)


@lru_cache(maxsize=1)
def worker_outages() -> WorkerOutages:
    """Return what all errands of this worker know of models that are down."""
    return WorkerOutages()


def obstacles(models: Sequence[Model]) -> tuple[str, ...]:
    """Return why each of ``models`` could not be asked from here."""
    return tuple(dict.fromkeys(filter(None, (registry.obstacle(model, os.environ) for model in models))))
