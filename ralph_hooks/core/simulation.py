"""A simulated gate: the assumed error rates of its models, its settings and their results."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from ralph_hooks.core.backtest import Rate

Share = Annotated[float, Meta(ge=0, le=1)]


class Assumptions(Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """Error rates of the simulated models.

    The defaults are near the published rates of reviewers on real pull requests, where there are any.
    """

    bugs: Share = 0.2
    """Share of changes with a bug."""
    catch: Share = 0.4
    """Share of bugs that one analyze pass reports."""
    false_alarm: Share = 0.6
    """Share of changes in which one pass reports something that is no bug."""
    correlation: Share = 0.5
    """Probability that a later pass, or the verify model, repeats the first answer instead of giving its own."""
    same_place: Share = 0.5
    """Share of the false findings of later passes, by their own answer, that are at the same place as the first."""
    confirm_true: Share = 0.9
    """Share of true findings that the verify model confirms by its own answer."""
    confirm_false: Share = 0.3
    """The same of false findings."""
    proof: Share = 0.19
    """Share of true findings that a reproducer proves."""
    wrong_proof: Share = 0.0
    """Share of false findings that a wrong reproducer passes for."""
    runner: Share = 0.8
    """Share of changes in files for which a reproducer can run."""
    changes: Annotated[int, Meta(ge=1, le=1_000_000)] = 20_000
    """Number of simulated changes."""
    seed: int = 1


class Setting(Struct, frozen=True):
    """One configuration of the gate."""

    passes: int
    confirm: bool
    block_on: str


class Simulated(Struct, frozen=True, kw_only=True):
    """Result of one setting."""

    setting: Setting
    catch_rate: Rate
    false_block_rate: Rate
    """Of changes without a bug."""
    requests_per_change: float
    """In addition to those of a change that is reviewed in several parts."""


SETTINGS = (
    Setting(1, confirm=False, block_on="agreement"),
    Setting(3, confirm=False, block_on="agreement"),
    Setting(1, confirm=True, block_on="agreement"),
    Setting(3, confirm=True, block_on="agreement"),
    Setting(1, confirm=True, block_on="auto"),
    Setting(1, confirm=True, block_on="proof"),
    Setting(3, confirm=True, block_on="proof"),
)
