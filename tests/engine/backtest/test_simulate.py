"""The simulated gate: its rates are those that follow from the assumptions."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from ralph_hooks.core.simulation import Assumptions, Setting, Simulated
from ralph_hooks.engine.backtest.simulate import simulate

INDEPENDENT = Assumptions(correlation=0, runner=1, proof=0.5, catch=0.5, false_alarm=0.4, same_place=1)
ALONE = Setting(1, confirm=False, block_on="agreement")
THREE = Setting(3, confirm=False, block_on="agreement")
CONFIRMED = Setting(1, confirm=True, block_on="agreement")
PROVED = Setting(1, confirm=True, block_on="proof")


def result(setting: Setting, assumed: Assumptions = INDEPENDENT) -> Simulated:
    return next(each for each in simulate(assumed) if each.setting == setting)


@pytest.mark.parametrize(
    ("setting", "caught", "false_blocks"),
    [
        (ALONE, 0.5, 0.4),
        (THREE, 0.5, 3 * 0.4**2 * 0.6 + 0.4**3),
        (CONFIRMED, 0.5 * 0.9, 0.4 * 0.3),
        (PROVED, 0.5 * 0.9 * 0.5, 0),
    ],
)
def test_rates_follow_from_the_assumptions(setting: Setting, caught: float, false_blocks: float) -> None:
    found = result(setting)
    assert found.catch_rate[0] == pytest.approx(caught, abs=0.03)
    assert found.false_block_rate[0] == pytest.approx(false_blocks, abs=0.02)


def test_passes_and_confirmation_help_less_the_more_answers_repeat_each_other() -> None:
    repeated = replace(INDEPENDENT, correlation=1)
    for setting in (THREE, CONFIRMED):
        assert result(setting, repeated).false_block_rate == result(ALONE, repeated).false_block_rate
        assert result(setting).false_block_rate[0] < result(ALONE).false_block_rate[0] - 0.03


def test_a_seed_decides_every_figure() -> None:
    assert simulate(INDEPENDENT) == simulate(INDEPENDENT)
    assert simulate(INDEPENDENT) != simulate(replace(INDEPENDENT, seed=2))


def test_requests_are_counted_for_each_step() -> None:
    nothing = replace(INDEPENDENT, catch=0, false_alarm=0)
    assert result(THREE, nothing).requests_per_change == 3
    everything = replace(INDEPENDENT, bugs=0, false_alarm=1, confirm_false=1)
    assert result(PROVED, everything).requests_per_change == 3
