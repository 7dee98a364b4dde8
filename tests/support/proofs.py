"""Reproducers that are run by the prover."""

from __future__ import annotations

import time

import msgspec

from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.proof import Order, ProofRun, Run, TestFile
from ralph_hooks.engine.review import proof
from ralph_hooks.git.sandbox.prover import GitProver

BASE = '''\
def rate(part, whole):
    """Return 0 where whole is 0."""
    if not whole:
        return 0
    return 100 * part / whole


def days(hours):
    return hours // 24


def wait(n):
    while n > 0:
        n -= 1
    return n
'''


CHANGE = BASE.replace("    if not whole:\n        return 0\n", "").replace("// 24", "// 25").replace("n > 0", "True")


LINES = {"shop.py": (2, 3, 7, 11)}


def runs(prover: tuple[GitProver, str, str], text: str, *, limit: float = 20.0) -> tuple[list[Run], list[Run]]:
    """Three runs on each side, as the gate orders them."""
    runner, change, base = prover
    first = ProofRun(
        tree=change,
        test=TestFile(path="test_it.py", text=text, language="python", command=""),
        lines=LINES,
        limit=limit,
    )
    deadline = Deadline(120, time.monotonic)
    on_change: list[Run] = []
    on_base: list[Run] = []
    failing = ""
    for seed, order in enumerate((Order.FORWARD, Order.REVERSED, Order.ALONE), start=1):
        if on_change and proof.judge(on_change, on_base).failure is None:
            break
        trial = msgspec.structs.replace(first, seed=seed, order=order, only=failing)
        on_base.append(runner.run(msgspec.structs.replace(trial, tree=base, lines={}), deadline))
        on_change.append(runner.run(trial, deadline))
        failing = next((failure.test for failure in on_change[0].failures), "")
    return on_change, on_base
