"""The rules by which the runs of a reproducer prove a finding. Pure.

Each rule stops a kind of reproducer that would otherwise pass for a proof; docs/evidence.md lists them. They are, in
the order of the rules: what fails or passes by chance or by something left behind, what never runs the change, what
does things a test must not do, and what only shows that the behaviour has changed.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from ralph_hooks.config import BlockOn
from ralph_hooks.core.proof import HANG, Evidence, Failure, ProofOutcome, Run

TIMES = 3
"""Runs on each side: three that agree, in fresh trees, stop all but the reproducers of the other rules."""


class JudgedRuns(Struct, frozen=True, kw_only=True):
    """Runs by rules 1 to 3, and the facts about them that rule 4 needs."""

    reason: str
    """Reason why they do not count, or how they ended; one sentence."""
    failure: Failure | None = None
    """The failing test of the change; None if the runs do not count."""
    differs: bool = False
    """True if the base passes."""
    new: bool = False
    """True if the code is new, so that there is no base to run on."""
    reload: bool = False
    """True if the test did not load, so that its author may try again."""
    foreign: bool = False
    """True if nothing can be run on the change: the project itself does not load."""

    @property
    def exceptional(self) -> bool:
        """True if the project's own code let out an exception or hung."""
        return self.failure is not None and self.failure.own


def judge(on_change: Sequence[Run], on_base: Sequence[Run], *, new: bool = False) -> JudgedRuns:
    """Apply rules 1 to 3. ``new``: the definition under test is new in the change, so nothing is run on the base.

    Fewer than `TIMES` runs may be given, to stop early: the result is final only if it is a refusal.
    """
    runs = (*on_change, *on_base)
    if any(run.foreign for run in runs):
        where = "here" if all(run.foreign for run in runs) else "on one side only"
        # A change whose code cannot be loaded is no better supported by the base that can.
        foreign = all(run.foreign for run in on_change)
        return JudgedRuns(reason=f"the project's code cannot be loaded {where}", foreign=foreign)
    refused = next(filter(None, map(_refusal, on_change)), None) or next(filter(None, map(_misdeed, on_base)), None)
    if refused is not None:
        return refused
    failure = _same(on_change)
    if failure is None:
        return JudgedRuns(reason="the reproducer does not fail in the same way in every run")
    if failure.kind == HANG and not failure.own:
        return JudgedRuns(reason="the test itself hangs")
    if not all(_reached(run, failure) for run in on_change):
        return JudgedRuns(reason="no changed line inside a function runs in the failing test")
    return JudgedRuns(reason=_told(failure), failure=failure, new=True) if new else _against_base(failure, on_base)


def _refusal(run: Run) -> JudgedRuns | None:
    """Return why one run on the change shows nothing; None if it fails as it should."""
    match run.outcome:
        case ProofOutcome.NOT_LOADED:
            return _misdeed(run) or JudgedRuns(reason="the reproducer does not load on the change", reload=True)
        case ProofOutcome.NOT_RUN:
            told = run.tail.splitlines()[-1] if run.tail else "no result"
            return JudgedRuns(reason=f"the reproducer could not be run: {told}")
        case ProofOutcome.PASSED:
            return _misdeed(run) or JudgedRuns(reason="the reproducer passes on the change")
        case _:
            return _misdeed(run)


def _misdeed(run: Run) -> JudgedRuns | None:
    return JudgedRuns(reason=f"the reproducer does not count: {', '.join(run.misdeeds)}") if run.misdeeds else None


def _against_base(failure: Failure, on_base: Sequence[Run]) -> JudgedRuns:
    passing = [run for run in on_base if run.outcome is ProofOutcome.PASSED and failure.test in run.passed]
    if len(passing) == len(on_base):
        return JudgedRuns(reason=_told(failure), failure=failure, differs=True)
    if passing:
        return JudgedRuns(reason="the reproducer is flaky on the base")
    if any(run.outcome is ProofOutcome.NOT_LOADED for run in on_base):
        return JudgedRuns(reason="the reproducer does not load on the base", reload=True)
    same = _same(on_base)
    if same is None or (same.test, same.kind) != (failure.test, failure.kind):
        return JudgedRuns(reason="the reproducer fails on the base in another way")
    return JudgedRuns(reason=f"{_told(failure)}, on the base too", failure=failure)


def _same(runs: Sequence[Run]) -> Failure | None:
    """Return the first failure that is in all ``runs``: the same test and the same kind."""
    return next(
        (
            failure
            for failure in (runs[0].failures if runs else ())
            if all(any(_alike(failure, other) for other in run.failures) for run in runs)
        ),
        None,
    )


def _alike(one: Failure, other: Failure) -> bool:
    return (one.test, one.kind, one.own) == (other.test, other.kind, other.own)


def _reached(run: Run, failure: Failure) -> bool:
    return any(other.reached for other in run.failures if _alike(failure, other))


def _told(failure: Failure) -> str:
    where = f" at {failure.at[0]}:{failure.at[1]}" if failure.at[0] else ""
    return f"the project's code hangs{where}" if failure.kind == HANG else f"{failure.kind}{where}"


class Claims(Struct, frozen=True, kw_only=True):
    """Answers of the verify model that rule 4 needs; None if it was not called or did not answer."""

    promised: bool | None = None
    """True if the quoted sentence, which the change leaves alone, promises what is asserted."""
    allowed: bool | None = None
    """True if signature, docstring or a caller allow the input."""
    unintended: bool | None = None
    """True if nothing in the stated intent says that the difference is meant; None if no intent is stated."""


def needs(judged: JudgedRuns, *, deliberate: bool, quoted: bool, intent: bool) -> frozenset[str]:
    """Return the `Claims` that decide: requests that would not change the evidence are not sent."""
    if judged.failure is None:
        return frozenset()
    wanted = set()
    if judged.exceptional and (judged.new or deliberate) and judged.differs | judged.new:
        wanted.add("allowed")
    if not judged.exceptional and quoted and judged.differs | judged.new:
        wanted.add("promised")
    plain = judged.exceptional and not wanted
    if intent and (judged.differs or judged.new) and (plain or wanted):
        wanted.add("unintended")
    return frozenset(wanted)


def weigh(judged: JudgedRuns, claims: Claims, *, deliberate: bool = False) -> tuple[Evidence, str]:
    """Rule 4: the evidence, and one sentence for it. ``deliberate``: the change itself raises the exception."""
    if judged.failure is None:
        return (Evidence.AGREED if judged.foreign else Evidence.UNPROVED), judged.reason
    certain = claims.promised is True
    if judged.exceptional:
        certain = claims.allowed is True if judged.new or deliberate else True
    if not judged.new and not judged.differs:  # an assertion that fails everywhere may be one that always does
        return (Evidence.SHOWN if judged.exceptional else Evidence.UNPROVED), judged.reason
    if not certain and judged.new:
        return Evidence.UNPROVED, f"{judged.reason}, in new code, and no docstring or document promises otherwise"
    if not certain:
        return Evidence.SHOWN, f"{judged.reason}: a difference that may be intended"
    if claims.unintended is False:
        return Evidence.SHOWN, f"{judged.reason}: the stated intent asks for this difference"
    return Evidence.PROVED, judged.reason


def blocks(evidence: Evidence, block_on: BlockOn, *, runnable: bool) -> bool:
    """Return whether a finding that is weighty enough blocks. ``runnable``: a reproducer could be run for its file."""
    match evidence:
        case Evidence.CHECK | Evidence.PROVED:
            return True
        case Evidence.SHOWN:
            return block_on in {BlockOn.SHOWN, BlockOn.AGREEMENT}
        case Evidence.AGREED:
            return block_on is BlockOn.AGREEMENT or (block_on is BlockOn.AUTO and not runnable)
        case _:
            return False
