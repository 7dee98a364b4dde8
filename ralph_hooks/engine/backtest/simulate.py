"""Simulation of a gate: the effect of passes, confirmation and proof under assumed error rates of the models."""

from __future__ import annotations

import random

from ralph_hooks.core.backtest import interval
from ralph_hooks.core.simulation import SETTINGS, Assumptions, Setting, Simulated

_MOST_PASSES = max(setting.passes for setting in SETTINGS)


def simulate(assumed: Assumptions) -> tuple[Simulated, ...]:
    """Return the result of each of `SETTINGS` on the same simulated changes, the same for the same seed."""
    source = random.Random(assumed.seed)  # noqa: S311 - a simulation
    results = [_Count() for _ in SETTINGS]
    for _ in range(assumed.changes):
        buggy = source.random() < assumed.bugs
        runs = source.random() < assumed.runner
        true = _Finding(source, assumed.correlation, assumed.catch, assumed.catch)
        true.answer(source, assumed.correlation, assumed.confirm_true, assumed.proof)
        false = _Finding(source, assumed.correlation, assumed.false_alarm, assumed.false_alarm * assumed.same_place)
        false.answer(source, assumed.correlation, assumed.confirm_false, assumed.wrong_proof)
        for setting, count in zip(SETTINGS, results, strict=True):
            count.add(setting, [true, false] if buggy else [false], buggy=buggy, runs=runs)
    return tuple(count.result(setting) for setting, count in zip(SETTINGS, results, strict=True))


class _Finding:
    """Answers of all models about one possible finding of a change, drawn whether or not a setting asks for them."""

    def __init__(self, source: random.Random, correlation: float, first: float, later: float) -> None:
        self.reports = [source.random() < first]
        for _ in range(_MOST_PASSES - 1):
            own, repeats = source.random() < later, source.random() < correlation
            self.reports.append(self.reports[0] if repeats else own)

    def answer(self, source: random.Random, correlation: float, confirmed: float, proved: float) -> None:
        """Draw the answer of the verify model, and the result of a reproducer."""
        own, repeats = source.random() < confirmed, source.random() < correlation
        self.confirmed = own or repeats
        self.proved = source.random() < proved

    def is_reported(self, passes: int) -> bool:
        """Return whether most of the first ``passes`` report it."""
        return sum(self.reports[:passes]) * 2 > passes


class _Count:
    """Counts of one setting."""

    def __init__(self) -> None:
        self.bugs = self.caught = self.clean = self.blocked = self.requests = 0

    def add(self, setting: Setting, findings: list[_Finding], *, buggy: bool, runs: bool) -> None:
        """Count a change; if it is buggy, the first of its ``findings`` is true."""
        reported = [finding for finding in findings if finding.is_reported(setting.passes)]
        weighty = [finding for finding in reported if finding.confirmed or not setting.confirm]
        proves = setting.block_on != "agreement" and runs
        blocking = [each for each in weighty if (each.proved if proves else setting.block_on != "proof")]
        self.requests += setting.passes + (setting.confirm and bool(reported)) + (len(weighty) if proves else 0)
        if buggy:
            self.bugs += 1
            self.caught += findings[0] in blocking
        else:
            self.clean += 1
            self.blocked += bool(blocking)

    def result(self, setting: Setting) -> Simulated:
        """Return the rates."""
        return Simulated(
            setting=setting,
            catch_rate=interval(self.caught, self.bugs),
            false_block_rate=interval(self.blocked, self.clean),
            requests_per_change=self.requests / (self.bugs + self.clean),
        )
