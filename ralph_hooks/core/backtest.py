"""Statistics of a backtest: labelled examples, a routing's trials on them, and rates with confidence intervals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from math import sqrt

from msgspec import Struct

from ralph_hooks.core.change import Entry
from ralph_hooks.core.finding import Finding
from ralph_hooks.core.proof import Evidence
from ralph_hooks.core.text import money


class ChangeLabel(StrEnum):
    """Known label of a change."""

    BUGGY = "buggy"
    CLEAN = "clean"


class Lines(Struct, frozen=True):
    """The lines of one file that are known to be wrong, counted from 1."""

    after: frozenset[int] = frozenset()
    """In the changed file."""
    removed: frozenset[int] = frozenset()
    """In the base: code that should not have been taken away."""


class Example(Struct, frozen=True, kw_only=True):
    """A change with its label. Its content stays in git's objects."""

    id: str
    label: ChangeLabel
    tree: str
    base: str
    entries: tuple[Entry, ...]
    wrong: Mapping[str, Lines] = {}
    """By path; empty for a clean change."""

    def hit_by(self, finding: Finding) -> bool:
        """Return True if ``finding`` is on a line that is known to be wrong."""
        lines = self.wrong.get(finding.path, Lines())
        known = lines.removed if finding.removed else lines.after
        return any(number in known for number in range(finding.line, finding.end_line + 1))


class Trial(Struct, frozen=True, kw_only=True):
    """Result of one routing on one example."""

    id: str
    label: ChangeLabel
    blocked: bool
    hit: bool
    """Blocked by a finding on a line that is known to be wrong."""
    unjudged: bool
    """The models could not be reached, refused, or had no time."""
    cost_usd: Decimal | None
    """US dollars; None if it is not known."""
    seconds: float
    requests: int = 0
    tokens: int = 0
    weighty: tuple[Weighed, ...] = ()
    """Severities whose threshold `tune` may move."""


class Weighed(Struct, frozen=True):
    """One finding, reduced to the values that thresholds use."""

    severity: str
    confidence: float
    confirmed: bool | None
    hit: bool
    certain: bool
    """A deterministic check's: no threshold lets it by."""
    evidence: str = ""
    auto: bool = False
    """True if it blocks with ``block-on = "auto"``."""


Rate = tuple[float, float, float]
"""A share with the ends of its 95 % interval."""


class BlockOnScore(Struct, frozen=True):
    """The result that one value of `gate.block-on` would have had."""

    block_on: str
    caught: int
    false_blocks: int
    catch_rate: Rate
    false_block_rate: Rate


class EvidenceCount(Struct, frozen=True):
    """Findings with one kind of evidence."""

    evidence: str
    findings: int
    hits: int
    """On lines known to be wrong."""
    on_clean: int
    """In changes known to be good."""


class Score(Struct, frozen=True, kw_only=True):
    """One routing over all examples."""

    name: str
    changes: int
    bugs: int
    caught: int
    clean: int
    false_blocks: int
    catch_rate: Rate
    false_block_rate: Rate
    cost_usd: Decimal | None
    cost_per_change_usd: Decimal | None
    cost_per_caught_usd: Decimal | None
    seconds_p50: float
    seconds_p95: float
    flips: float | None
    """Share of examples whose verdict changed when the request was repeated; None without repeats."""
    unjudged: int
    requests: int
    tokens: int
    by_block_on: tuple[BlockOnScore, ...] = ()
    by_evidence: tuple[EvidenceCount, ...] = ()


_Z = 1.959964  # of the normal distribution for 95 %


def interval(hits: int, count: int) -> Rate:
    """Return a share and its Wilson score interval at 95 % (https://doi.org/10.1080/01621459.1927.10502953)."""
    if not count:
        return 0.0, 0.0, 1.0
    share = hits / count
    spread = _Z * sqrt(share * (1 - share) / count + _Z**2 / (4 * count**2))
    middle, scale = share + _Z**2 / (2 * count), 1 + _Z**2 / count
    return share, max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


def score(name: str, runs: Sequence[Sequence[Trial]], bar: Bar | None = None, *, proofs: bool = False) -> Score:
    """Return the score of the first of ``runs``, and how often the others reached another verdict.

    Examples without a verdict count in no rate. ``bar`` are the thresholds, for the results by `gate.block-on`;
    ``proofs`` says that reproducers were run.
    """
    from statistics import median, quantiles  # every commit imports this module, and a millisecond more

    first = runs[0]
    judged = [trial for trial in first if not trial.unjudged]
    bugs = [trial for trial in judged if trial.label is ChangeLabel.BUGGY]
    clean = [trial for trial in judged if trial.label is ChangeLabel.CLEAN]
    caught = sum(trial.hit for trial in bugs)
    false_blocks = sum(trial.blocked for trial in clean)
    costs = [trial.cost_usd for trial in first]
    total = None if None in costs else sum((cost for cost in costs if cost is not None), Decimal(0))
    seconds = [trial.seconds for trial in judged] or [0.0]
    return Score(
        name=name,
        changes=len(first),
        bugs=len(bugs),
        caught=caught,
        clean=len(clean),
        false_blocks=false_blocks,
        catch_rate=interval(caught, len(bugs)),
        false_block_rate=interval(false_blocks, len(clean)),
        cost_usd=total,
        cost_per_change_usd=total / len(first) if total is not None and first else None,
        cost_per_caught_usd=total / caught if total is not None and caught else None,
        seconds_p50=round(median(seconds), 3),
        seconds_p95=round(quantiles(seconds, n=20, method="inclusive")[-1] if len(seconds) > 1 else seconds[0], 3),
        flips=_flips(runs),
        unjudged=len(first) - len(judged),
        requests=sum(trial.requests for trial in first),
        tokens=sum(trial.tokens for trial in first),
        by_block_on=tuple(
            _by_block_on(settled(judged, bar, block_on), block_on)
            for block_on in (BLOCK_ON if proofs else BLOCK_ON[-1:])
        )
        if bar is not None
        else (),
        by_evidence=tuple(_by_evidence(judged)),
    )


BLOCK_ON = ("proof", "shown", "auto", "agreement")
"""The values of `gate.block-on`; what the last one blocks is known without reproducers."""
_ENOUGH = {"proof": {"proved"}, "shown": {"proved", "shown"}}
"""Evidence that suffices for a value of `gate.block-on`."""


def settled(trials: Sequence[Trial], bar: Bar, block_on: str) -> list[Trial]:
    """Return ``trials`` with the result that they would have with ``block_on``. Their reproducers were run."""
    return [_with(trial, [each for each in trial.weighty if _blocks(each, bar, block_on)]) for trial in trials]


def _blocks(finding: Weighed, bar: Bar, block_on: str) -> bool:
    if finding.certain or not bar.blocks(finding):
        return finding.certain
    if block_on == "auto":
        return finding.auto
    return block_on not in _ENOUGH or finding.evidence in _ENOUGH[block_on]


def _by_block_on(trials: Sequence[Trial], block_on: str) -> BlockOnScore:
    bugs = [trial for trial in trials if trial.label is ChangeLabel.BUGGY]
    clean = [trial for trial in trials if trial.label is ChangeLabel.CLEAN]
    caught, blocked = sum(trial.hit for trial in bugs), sum(trial.blocked for trial in clean)
    return BlockOnScore(block_on, caught, blocked, interval(caught, len(bugs)), interval(blocked, len(clean)))


def _by_evidence(trials: Sequence[Trial]) -> Iterator[EvidenceCount]:
    for evidence in Evidence:
        found = [(trial, each) for trial in trials for each in trial.weighty if each.evidence == evidence.value]
        if found:
            clean = sum(trial.label is ChangeLabel.CLEAN for trial, _ in found)
            yield EvidenceCount(evidence.value, len(found), sum(each.hit for _, each in found), clean)


def _flips(runs: Sequence[Sequence[Trial]]) -> float | None:
    if len(runs) == 1:
        return None
    verdicts: dict[str, set[bool]] = {}
    for run in runs:
        for trial in run:
            if not trial.unjudged:
                verdicts.setdefault(trial.id, set()).add(trial.blocked)
    return sum(len(seen) > 1 for seen in verdicts.values()) / len(verdicts) if verdicts else 0.0


BREAK_EVEN_MISSES = 0.18
"""Share of wrong results let through above which routing to a cheap model first costs more than the expensive model
alone: computed from published per-task results of 24 models on SWE-bench Verified, for DeepSeek V3.2 before Opus
4.5."""


def break_even(scored: Score) -> str:
    """Return one sentence: is this gate accurate enough for routing to save money?"""
    if not scored.bugs:
        return f"{scored.name}: there are no bugs among the examples, so its miss rate is unknown."
    rate, low, high = scored.catch_rate
    misses = f"misses {1 - rate:.0%} of the bugs ({1 - high:.0%} to {1 - low:.0%})"
    bound = f"above {BREAK_EVEN_MISSES:.0%} misses, using only the expensive model is cheaper"
    if 1 - low <= BREAK_EVEN_MISSES:
        word = "good enough"
    elif 1 - high > BREAK_EVEN_MISSES:
        word = "not good enough alone: run tests as well"
    else:
        word = "undecided: test more examples"
    price = "" if scored.cost_per_caught_usd is None else f", {money(scored.cost_per_caught_usd)} per caught bug"
    return f"{scored.name} {misses}{price}; {bound}: {word}."


class Bar(Struct, frozen=True, order=True):
    """A setting of the thresholds."""

    block_at: str
    min_confidence: float
    confirm: bool

    def blocks(self, finding: Weighed) -> bool:
        """Return whether a gate with this setting would block the change for ``finding``."""
        if finding.certain:
            return True
        if _RANKS[finding.severity] > _RANKS[self.block_at] or finding.confidence < self.min_confidence:
            return False
        return finding.confirmed is True if self.confirm else True


_RANKS = {"error": 0, "warning": 1, "note": 2}
BARS = tuple(
    Bar(block_at, confidence, confirm)
    for block_at in ("error", "warning")
    for confidence in (0.0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95)
    for confirm in (True, False)
)


class Tuned(Struct, frozen=True, kw_only=True):
    """Result of tuning the thresholds on one routing's trials."""

    routing: str
    bar: Bar
    caught: Rate
    false_blocks: Rate
    """Both on examples that were not used for choosing (cross-validation)."""
    examples: int


def moved(trial: Trial, bar: Bar) -> Trial:
    """Return ``trial`` with the result it would have under ``bar``."""
    return _with(trial, [finding for finding in trial.weighty if bar.blocks(finding)])


def _with(trial: Trial, blocking: Sequence[Weighed]) -> Trial:
    from msgspec.structs import replace

    return replace(trial, blocked=bool(blocking), hit=any(finding.hit for finding in blocking))


def tune(trials: Mapping[str, Sequence[Trial]], target: float, folds: int = 5) -> Tuned | None:
    """Return the routing and thresholds that catch most while at most ``target`` of the clean changes are blocked.

    Of settings that catch the same the cheaper routing wins, then the stricter bar. The rates are those on the fold
    that was left out, each time with the setting that was best on the others. None if nothing keeps the target.
    """
    names = sorted({trial.id for run in trials.values() for trial in run})
    best = _best(trials, set(names), target)
    if best is None:
        return None
    held: list[Trial] = []
    for fold in range(folds):
        out = {name for index, name in enumerate(names) if index % folds == fold}
        chosen = _best(trials, set(names) - out, target)
        if chosen is not None:
            routing, bar = chosen
            held += [moved(trial, bar) for trial in trials[routing] if trial.id in out and not trial.unjudged]
    bugs = [trial for trial in held if trial.label is ChangeLabel.BUGGY]
    clean = [trial for trial in held if trial.label is ChangeLabel.CLEAN]
    return Tuned(
        routing=best[0],
        bar=best[1],
        caught=interval(sum(trial.hit for trial in bugs), len(bugs)),
        false_blocks=interval(sum(trial.blocked for trial in clean), len(clean)),
        examples=len(names),
    )


def _best(trials: Mapping[str, Sequence[Trial]], names: set[str], target: float) -> tuple[str, Bar] | None:
    ranked: list[tuple[int, Decimal, Bar, str]] = []
    for routing, run in trials.items():
        chosen = [trial for trial in run if trial.id in names and not trial.unjudged]
        cost = sum((trial.cost_usd or Decimal(0) for trial in chosen), Decimal(0))
        clean = sum(trial.label is ChangeLabel.CLEAN for trial in chosen)
        for bar in BARS:
            after = [moved(trial, bar) for trial in chosen]
            blocks = sum(trial.blocked for trial in after if trial.label is ChangeLabel.CLEAN)
            if clean and blocks / clean <= target:
                ranked.append((-sum(trial.hit for trial in after), cost, bar, routing))
    if not ranked:
        return None
    _, _, bar, routing = min(ranked, key=lambda row: (row[0], row[1], -row[2].min_confidence, row[3]))
    return routing, bar
