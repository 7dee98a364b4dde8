"""The report of one run: what every output format is made from. Its JSON form is documented in docs/report.md."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from ralph_hooks.core.dismissal import Dismissed
from ralph_hooks.core.finding import Finding
from ralph_hooks.core.usage import Call

SCHEMA = 1


class Verdict(StrEnum):
    """Three values, kept apart from the wire to the exit code: an outage is never a pass."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


class Cause(StrEnum):
    """Reason why no model reviewed a path. `UNAVAILABLE` and `BUDGET` make a verdict inconclusive."""

    CONTENT = "content"
    """Nothing to read: binary, LFS pointer, submodule, symbolic link, mode change, too large."""
    EXCLUDED = "excluded"
    """Left out by a rule: generated, vendored, lock file, the user's own patterns, a route's ``skip``."""
    SECRET = "secret"
    """Withheld: the secret scan found something in it (that finding blocks by itself)."""
    REFUSED = "refused"
    """A check blocks it already: a model reviews it once that is fixed, because the file will change."""
    NO_MODEL = "no-model"
    """No model is configured for it: deterministic checks alone."""
    NOT_ASKED = "not-asked"
    """The command does not review: `ralph-hooks verify` runs the commands and asks about the invariants."""
    SAMPLED = "sampled"
    """Reviewed in part: a large data file, of which a model saw its shape and a sample."""
    BYPASSED = "bypassed"
    """The user skipped the models for this run: `RALPH_HOOKS_SKIP`."""
    NO_KEY = "no-key"
    """A model should have reviewed it, and the user has no key for any."""
    UNAVAILABLE = "unavailable"
    """A model should have reviewed it and could not: outage, refusal, unusable reply, deadline."""
    BUDGET = "budget"
    """A model should have reviewed it, and the user's budget did not allow it."""

    @property
    def unjudged(self) -> bool:
        """True if a model should have reviewed the path."""
        return self in {Cause.UNAVAILABLE, Cause.BUDGET, Cause.NO_KEY}


class Unreviewed(Struct, frozen=True):
    """A path that no model reviewed."""

    path: str
    reason: str
    cause: Cause


SCANS = frozenset(("secrets", "invisible", "conflicts", "weakened-tests"))
"""Checks that look for one thing in any text: they do not say whether it is sound."""


class CheckedFile(Struct, frozen=True):
    """A path and the checks that ran on it."""

    path: str
    checks: tuple[str, ...]
    """Their names, in the order their findings are shown; none where nothing could be read or a deadline was over."""

    @property
    def only_scanned(self) -> bool:
        """True if no check can say whether the file is sound."""
        return bool(self.checks) and SCANS.issuperset(self.checks)


class Verification(Struct, frozen=True, kw_only=True):
    """One verify command, run in a scratch copy of the reviewed tree."""

    command: str
    exit_code: int | None
    """None if the command could not be run or was stopped at its timeout."""
    seconds: float
    new_failures: tuple[str, ...] = ()
    """Tests that fail here and did not on the base, by name; needs ``{junit}`` in the command."""
    known_failures: tuple[str, ...] = ()
    missing_tests: tuple[str, ...] = ()
    """Tests that ran on the base and did not run here, though the change does not remove them."""
    removed_tests: tuple[str, ...] = ()
    """Tests that ran on the base, and that the change removes or skips in place."""
    conditions: str = ""
    """Identifier of everything that the outcome depends on, besides the two trees."""
    fails_on_base: bool = False
    """True if the command fails on the base too, and names no tests that would show if the failure is new."""
    tail: str = ""
    """The end of what the command printed."""
    problem: str = ""
    """Reason why the result says nothing about the change (not found, killed for memory); empty if it ran."""
    from_store: bool = False
    """True if it passed on the same tree in an earlier run and was not run again."""
    ref: str = ""
    """Pushed ref on whose tree it ran, for people; empty if only one tree was reviewed."""

    @property
    def verdict(self) -> Verdict:
        """Pass, fail, or inconclusive if the command could not run at all."""
        if self.problem:
            return Verdict.INCONCLUSIVE
        if self.new_failures or self.missing_tests:
            return Verdict.FAIL
        return Verdict.PASS if self.exit_code == 0 or self.known_failures else Verdict.FAIL

    @property
    def to_repair(self) -> bool:
        """True if the change makes it fail, so that a repair may be paid for."""
        return self.verdict is Verdict.FAIL and not self.fails_on_base


class Step(StrEnum):
    """Kind of step in a repair."""

    AUTOFIX = "autofix"
    """The linter's own, which is free."""
    PLAN = "plan"
    IMPLEMENT = "implement"
    CHECK = "check"
    """The repaired change through checks, verify commands and models."""
    FIX = "fix"


class RepairStep(Struct, frozen=True, kw_only=True):
    """One step of a repair as the report shows it: the action, its reason and its outcome."""

    step: Step
    reason: str
    """Reason for the step, for people."""
    outcome: str
    """Outcome of the step, one sentence for people."""
    succeeded: bool
    model: str = ""
    """``provider/model`` that answered; empty if none did."""
    cost_usd: Decimal | None = Decimal(0)
    """US dollars; None if it is not known."""


class Action(StrEnum):
    """Effect of a push on a ref of the remote."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


class PushedRef(Struct, frozen=True, kw_only=True):
    """One ref that a push moves, and the result of its review."""

    ref: str
    """The remote's, in full: ``refs/heads/main``."""
    local_ref: str
    action: Action
    oid: str
    """The object that is pushed: of a commit or an annotated tag; empty if the ref is deleted."""
    tree: str = ""
    """Reviewed tree; empty if there was nothing to review, because the remotes already have everything."""
    base: str = ""
    """The tree it was compared with; empty as above."""
    commits: int = 0
    """Number of commits it adds that no remote and no earlier ref of this push has."""
    verdict: Verdict | None = None
    """Verdict; None if nothing was reviewed."""


class FixSummary(Struct, frozen=True, kw_only=True):
    """A stored repair."""

    id: str
    ref: str
    files: int
    insertions: int
    deletions: int
    verified: bool
    reproduced: bool = False
    """True if the reproducer of each proved finding passes with it."""


class JobSummary(Struct, frozen=True, kw_only=True):
    """A background repair, in its state at the time of the report."""

    state: str
    """One of `core.job.JobState`."""
    step: str
    """Current step; empty before the first one."""
    started: float
    """Seconds since 1970."""
    deadline: float
    """Seconds since 1970."""
    outcome: str
    """One sentence once it has ended."""


class Report(Struct, frozen=True, kw_only=True):
    """The complete result of one run. Findings come in the order they are shown: blocking ones first."""

    command: str
    verdict: Verdict
    reason: str
    """One sentence: why this verdict."""
    tree: str
    title: str
    """Title of the reviewed change, for people."""
    base: str = ""
    """The tree that `tree` was compared with; empty if that is not one tree."""
    findings: tuple[Finding, ...] = ()
    dismissed: tuple[Dismissed, ...] = ()
    """Findings left out because they were dismissed."""
    unreviewed: tuple[Unreviewed, ...] = ()
    checked: tuple[CheckedFile, ...] = ()
    """Every path of the change with the deterministic checks that ran on it."""
    verification: tuple[Verification, ...] = ()
    calls: tuple[Call, ...] = ()
    cost_usd: Decimal | None = Decimal(0)
    """US dollars of this run's calls; None if one of them has no known price."""
    baseline_usd: Decimal | None = None
    """Cost of the same tokens on the expensive model, in USD; None if that is not known."""
    refs: tuple[PushedRef, ...] = ()
    """Pushed refs; empty if the run did not review a push."""
    commits: int = 0
    """Number of reviewed commits, of a push or a range; 0 for a staged change."""
    new_commits: int = 0
    """Of those, the ones that no earlier run had passed: merged, cherry-picked, committed with ``--no-verify``."""
    rungs: tuple[RepairStep, ...] = ()
    """The steps of a repair in the order they were taken; empty if none was tried."""
    fix: FixSummary | None = None
    job: JobSummary | None = None
    """The repair of this tree that is running, or has ended, in the background."""
    reviewed: int = 0
    """Number of paths that a model reviewed, now or earlier (cached)."""
    paths: int = 0
    """Number of paths in the change."""
    dropped: int = 0
    """Items of replies that were dropped: ungrounded quotes, invented paths, malformed."""
    notices: tuple[str, ...] = ()
    """Sentences for the user besides the verdict, such as 'the change was NOT reviewed by a model: …'."""
    seconds: float = 0.0
    exit_code: int = 0


class Receipt(Struct, frozen=True, kw_only=True):
    """One judgement of one tree against another."""

    tree: str
    base: str
    """The tree it was compared with."""
    settings: str
    """A digest of what the verdict depends on besides the two trees; empty if nothing was reviewed."""
    command: str
    verdict: Verdict
    models: tuple[str, ...] = ()
    """Models that answered, now or earlier (cached), as ``provider/model``."""
    cost_usd: Decimal | None = Decimal(0)
    """US dollars of the whole run; None if it is not known."""
    commits: tuple[str, ...] = ()
    """Object ids of the reviewed commits; empty for a staged change, which is no commit yet."""
    skipped: str = ""
    """Parts of the judgement that the user skipped, separated by commas."""
    at: float = 0.0
    """Seconds since 1970; set by who keeps it."""
