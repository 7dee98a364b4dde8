"""What the engine needs from the world, as protocols. Adapters satisfy them; `cli.wiring` puts them together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Protocol

from msgspec import Struct

from ralph_hooks.core.change import Change, Content, Entry, Hunk
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.finding import Finding
from ralph_hooks.core.push import Commit, Message
from ralph_hooks.core.receipt import Receipt
from ralph_hooks.core.repair import AgentRun, StoredFix
from ralph_hooks.core.report import PushedRef, Report, Verification
from ralph_hooks.core.route import Model, Phase
from ralph_hooks.core.usage import Price, Usage


class Snapshot(Protocol):
    """A change that git handed over, and the way to its content. Everything is read when it is asked for."""

    change: Change

    def sizes(self, entries: Sequence[Entry]) -> Mapping[str, int]:
        """Bytes of the larger side of each entry, by path."""
        ...

    def contents(self, entries: Sequence[Entry]) -> Mapping[str, Content]:
        """Both sides of each entry, by path."""
        ...

    def hunks(self, entries: Sequence[Entry]) -> Mapping[str, tuple[Hunk, ...]]:
        """The changed lines of each entry, by path, whatever .gitattributes says of them."""
        ...


class Source(Struct, frozen=True):
    """One file of a change as a check sees it."""

    entry: Entry
    content: Content
    hunks: tuple[Hunk, ...]

    @property
    def path(self) -> str:
        """The path after the change."""
        return self.entry.path


class Committed(Struct, frozen=True):
    """What one commit did to one path, against each of its parents: one entry, for a merge as many as it has parents.

    A path that a merge took from a parent as it was there is not among them.
    """

    commit: str
    entries: tuple[Entry, ...]


class Portion(Struct, frozen=True):
    """What one pushed object adds to what is there already: judged once, however many refs point to it."""

    refs: tuple[str, ...]
    """The remote's refs, for people; empty for a range that is not pushed."""
    snapshot: Snapshot
    """The net change."""
    commits: tuple[Commit, ...]
    """Those that are new, parents first; none for a tag of a tree or a blob."""


class Pushed(Protocol):
    """Everything that a push or a range adds, and the way to what its single commits did."""

    title: str
    refs: tuple[PushedRef, ...]
    portions: tuple[Portion, ...]
    tags: Mapping[str, str]
    """The annotated tags that are pushed: their names by their object ids."""

    def messages(self, oids: Sequence[str], most: int) -> Iterator[Message]:
        """What was written in ``oids``, commits and annotated tags, in their order; at most ``most`` bytes of each.

        Reads as it goes.
        """
        ...

    def history(self, commits: Sequence[str]) -> Iterator[Committed]:
        """What each of ``commits`` did to each path, in their order. Reads as it goes."""
        ...

    def sizes(self, entries: Sequence[Entry]) -> Sequence[int]:
        """Bytes of the larger side of each entry, in their order."""
        ...

    def sources(self, entries: Sequence[Entry]) -> Sequence[Source]:
        """Content and changed lines of each entry, in their order; several may be of the same path."""
        ...


class Hint(Struct, frozen=True):
    """Something a check noticed that is too uncertain to show: handed to the analyze phase."""

    line: int
    text: str


class CheckResult(Struct, frozen=True):
    """What a check says of one file."""

    findings: tuple[Finding, ...] = ()
    hints: tuple[Hint, ...] = ()


class Check(Protocol):
    """A deterministic check. Its answers are kept by content, so ``version`` must change when they may."""

    name: str
    source_only: bool
    """True for checks that say nothing about files left out of the review (generated, vendored, lock files)."""

    @property
    def version(self) -> str:
        """Names everything but the file that the answer depends on: rules, the tool's own version."""
        ...

    def applies(self, entry: Entry) -> bool:
        """Cheap look at the path alone: is there anything for this check here?"""
        ...

    def run(self, sources: Sequence[Source], deadline: Deadline) -> Mapping[str, CheckResult]:
        """One result for each path. Raises RalphError where the check itself cannot run."""
        ...


class Autofix(Protocol):
    """A linter's own repairs, which cost nothing."""

    source: str
    """Whose findings it may mend: `Finding.source`."""

    def mend(self, findings: Sequence[Finding], files: Mapping[str, bytes], deadline: Deadline) -> Mapping[str, bytes]:
        """Those of ``files`` (by path) that safe fixes of ``findings`` change; nothing else in them is touched.

        Raises RalphError where the linter cannot run.
        """
        ...


class SecretCheck(Check, Protocol):
    """The check for credentials, which every single commit has to pass."""

    def excused(self, source: Source, line: int, later: bytes) -> bool:
        """Whether ``later``, what became of the file, says that none of the credentials on ``line`` is real."""
        ...

    def written(self, name: str, text: bytes, advice: str) -> Sequence[Finding]:
        """Findings in a text that is no file; ``advice`` says how to take one out."""
        ...


class ModelRequest(Struct, frozen=True, kw_only=True):
    """One question to one model, independent of the wire it travels on."""

    model: Model
    system: str
    """Instructions that stay the same from call to call, so that a provider's prompt cache can keep them."""
    prompt: str
    schema_name: str
    schema: Mapping[str, Any]
    """JSON Schema of the reply, in the subset that strict structured output takes."""
    max_output: int
    """Tokens the reply may have."""
    omit: frozenset[str] = frozenset()
    """Request fields that this model was seen to reject."""


class Completion(Struct, frozen=True, kw_only=True):
    """A model's answer: text that should be JSON, and what it used (None where the provider did not say)."""

    text: str
    usage: Usage | None


class ModelClient(Protocol):
    """The way to a model. Raises nothing but `core.faults.ModelFault`."""

    def ready(self, model: Model) -> None:
        """Raise NoCredential or Misconfigured where a call to ``model`` could not even be sent."""
        ...

    def complete(self, request: ModelRequest, deadline: Deadline) -> Completion:
        """Ask once: no retry, no fallback."""
        ...

    def employ(self, agent: Model, task: str, bench: Workbench, deadline: Deadline) -> Completion:
        """Have a coding agent work on what ``bench`` holds. The text is what it says; what it did is in the bench."""
        ...


class Store(Protocol):
    """Bytes by key, shared by all runs of this user. Safe from several threads and processes."""

    def get(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Those of ``keys`` that are known and have not expired."""
        ...

    def put(self, items: Mapping[str, bytes], ttl: float | None = None) -> None:
        """Keep ``items``, for ``ttl`` seconds or until they are pruned."""
        ...


class Answers(Store, Protocol):
    """What models have said: it was paid for, and may be shared with a team."""

    @property
    def notices(self) -> tuple[str, ...]:
        """What the report has to say of it, such as that the team's part of it could not be reached."""
        ...


class Reservation(Struct, frozen=True, kw_only=True):
    """A call that is about to be made, at its worst case."""

    run: str
    phase: Phase
    model: str
    worst_usd: Decimal | None
    """None where the model's price is not known."""
    agent: bool = False
    """Whether it is a program that says what it has cost when it has ended, if at all."""


class Ledger(Protocol):
    """Every call, before and after it is made. Budgets are kept here, across threads and processes."""

    def reserve(self, reservation: Reservation) -> int:
        """Record the call at its worst case and return its id. Raises BudgetReached, then nothing was recorded."""
        ...

    def settle(self, call: int, usage: Usage | None, cost_usd: Decimal | None, outcome: str, seconds: float) -> None:
        """Replace the worst case by what happened."""
        ...

    def remembered(self, phase: Phase, model: str, count: int = 1) -> None:
        """Record that ``count`` answers of ``model`` came from the store."""
        ...


class Booked(Struct, frozen=True, kw_only=True):
    """A call that is over, as the ledger keeps it."""

    phase: Phase
    model: str
    usage: Usage | None
    """None where nobody knows, and the worst case stands."""
    cost_usd: Decimal | None
    """US dollars; None where it is not known."""
    outcome: str
    seconds: float


class GrantingLedger(Ledger, Protocol):
    """A ledger that can also give money away to be spent elsewhere."""

    def replace(self, call: int, calls: Sequence[Booked]) -> None:
        """Put ``calls``, which together cost no more than it, in the place of a reservation. None asks a budget."""
        ...


class Cluster(Protocol):
    """Other machines that do errands. Safe from several threads."""

    @property
    def places(self) -> int:
        """How many errands it does at once."""
        ...

    def do(self, errand: bytes) -> bytes:
        """The outcome of ``errand``, which is done once or not at all.

        Raises WorkerLost where nobody knows what became of it, and RalphError where there is nobody to begin it.
        """
        ...


class WorkerLost(Exception):
    """The worker that had an errand is gone: it may have done all of it or nothing. ``str()`` says what is known."""

    def __init__(self, message: str, note: bytes = b"") -> None:
        super().__init__(message)
        self.note = note
        """The last that it has told on its way; empty for nothing."""


class Prices(Protocol):
    """What models cost."""

    def price(self, model: Model) -> Price | None:
        """US dollars per million tokens; None where it is not known."""
        ...


class Redactor(Protocol):
    """The last look at everything that would be sent."""

    def mask(self, text: str) -> str:
        """``text`` with each secret replaced by a placeholder, the same one for the same secret."""
        ...


class Verifier(Protocol):
    """Runs verify commands in a scratch copy of a tree."""

    def run(
        self, tree: str, base: str, commands: Sequence[str], deadline: Deadline, *, afresh: bool = False
    ) -> tuple[Verification, ...]:
        """One outcome a command. Raises nothing for a command that fails: that is its outcome.

        What an earlier run has found out about ``base`` counts, unless ``afresh`` is set.
        """
        ...

    def caveats(self) -> Sequence[str]:
        """Sentences that the user has to read about how commands were run."""
        ...


class History(Protocol):
    """Reports of past runs."""

    def add(self, report: Report) -> None:
        """Keep ``report`` for `show`."""
        ...


class Receipts(Protocol):
    """What was judged so far."""

    def add(self, receipt: Receipt) -> None:
        """Keep ``receipt``."""
        ...

    def passed(self, settings: str, commits: Sequence[Commit]) -> frozenset[str]:
        """Those of ``commits`` that an earlier run with the same ``settings`` has passed, by object id."""
        ...


class Progress(Protocol):
    """Told what goes on; shows it where there is somebody to see it."""

    def begin(self, what: str, total: int) -> None:
        """``total`` requests or commands of ``what`` start now."""
        ...

    def advance(self) -> None:
        """One of them is done."""
        ...

    def end(self) -> None:
        """All are done, or given up."""
        ...


class Workbench(Protocol):
    """A scratch copy of the judged tree in which a repair is made and tried. None of it reaches the user's tree.

    Paths are relative to the top, with forward slashes, decoded with surrogateescape. What `repair` and those below it
    find is held until the next `write`, `reset` or `run_agent`, so that what was verified is what gets stored. They all
    raise RepairRefused, naming the rules, where the resulting tree breaks one (design, section 7).
    """

    def paths(self) -> Sequence[str]:
        """Every file that the copy holds now, sorted."""
        ...

    def read(self, path: str) -> bytes | None:
        """The file as it is now; None where there is none. Follows no symbolic link."""
        ...

    def write(self, files: Mapping[str, bytes | None]) -> None:
        """Write files, or remove those that map to None. A file that is there keeps its mode.

        Raises RepairRefused, and writes nothing, for a path that would leave the copy or that git would not take.
        """
        ...

    def run_agent(
        self, command: Sequence[str], task: str, deadline: Deadline, environment: Mapping[str, str]
    ) -> AgentRun:
        """Run a coding agent's program in the copy.

        ``{task}`` in ``command`` stands for a file that holds ``task``; without it, ``task`` comes on standard input.
        ``environment`` is what it gets besides the allow-list (its own key). Raises nothing for a program that fails.
        """
        ...

    def reset(self) -> None:
        """Make the copy what it was: the judged tree."""
        ...

    def repair(self) -> Snapshot:
        """The repair alone: the judged tree against what the copy holds now."""
        ...

    def repaired(self) -> Snapshot:
        """The change with the repair in it: the base of the judged change against what the copy holds now."""
        ...

    def verify(
        self, commands: Sequence[str], deadline: Deadline, judged: Sequence[Verification] = ()
    ) -> tuple[Verification, ...]:
        """Run verify commands on what the copy holds now, compared by test name with the base of the change.

        ``judged`` is what they came to on the judged tree: what the change has mended is no old failure.
        """
        ...

    def caveats(self) -> Sequence[str]:
        """Sentences that the user has to read about how the repair was tried."""
        ...

    def store(self, *, summary: str, verified: bool) -> StoredFix:
        """Keep the repair under ``refs/ralph/fixes/`` of the user's repository."""
        ...
