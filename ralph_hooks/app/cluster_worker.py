"""The code that a cluster worker runs for `ralph-hooks backtest --dask`; the scheduler refers to it by name.

A worker has neither the repository nor our state. Its own environment has the keys of the models that it calls.
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
from ralph_hooks.engine.review.run_checks import CheckSuite
from ralph_hooks.engine.review.verify_commands import NoCommands
from ralph_hooks.engine.worker_pool import WorkerPool
from ralph_hooks.providers import registry
from ralph_hooks.trust.redaction import Redaction

_LIBRARIES = ("ruff", "detect-secrets")
"""The libraries that the verdict of the deterministic checks depends on."""


class Greeting(Struct, frozen=True, kw_only=True):
    """A worker's description of itself."""

    versions: dict[str, str]
    obstacles: tuple[str, ...]
    """The reasons why this worker cannot ask some models."""


def do(data: bytes, tell: Callable[[bytes], None]) -> bytes:
    """Run a packed task and return its packed result.

    Each answer of a model is reported at once through ``tell``, with the cost so far.
    """
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
    """Return this worker's packed greeting, which shows if it can serve the models in ``question``."""
    models = from_msgpack(question, tuple[Model, ...])
    return msgspec.msgpack.encode(Greeting(versions=versions(), obstacles=obstacles(models)))


def question(models: Sequence[Model]) -> bytes:
    """Return a packed question to a worker about ``models``."""
    return msgspec.msgpack.encode(tuple(models))


def refusal(answered: bytes) -> str:
    """Return the reason why a worker with the greeting ``answered`` cannot be used; empty if it can."""
    greeting = from_msgpack(answered, Greeting)
    ours = versions()
    for name, theirs in greeting.versions.items():
        if theirs != ours[name]:
            return f"it has {name} {theirs}, this machine has {ours[name]}"
    return "; ".join(f"{obstacle} in its environment" for obstacle in greeting.obstacles)


def versions() -> dict[str, str]:
    """Return the versions that must match on every machine for equal verdicts."""
    from importlib.metadata import version

    python = ".".join(platform.python_version_tuple()[:2])
    return {"ralph-hooks": __version__, "Python": python, **{name: version(name) for name in _LIBRARIES}}


def build_task_gate(task: Task, ledger: TaskLedger, answers: TaskCache, facts: TaskCache) -> Gate:
    """Return the gate for one change from another machine: no repository, no state, no commands."""
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
        checks=CheckSuite(
            files=all_checks(),
            changes=all_change_checks(task.settings.checks.weakened_tests),
            secrets=Secrets(),
        ),
        store=facts,
        verifier=NoCommands(),
        history=NoHistory(),
        receipts=NoReceipts(),
    )


@lru_cache(maxsize=1)
def worker_client() -> ModelClient:
    """Return this worker's model client, whose connections all tasks share."""
    return registry.client(os.environ, programs=False)


@lru_cache(maxsize=1)
def worker_outages() -> WorkerOutages:
    """Return this worker's record of model outages, shared by all tasks."""
    return WorkerOutages()


def obstacles(models: Sequence[Model]) -> tuple[str, ...]:
    """Return the reason for each of ``models`` that cannot be asked from here."""
    return tuple(dict.fromkeys(filter(None, (registry.obstacle(model, os.environ) for model in models))))
