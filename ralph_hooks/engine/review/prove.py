"""Proof of findings that would block: one more question to the verify model, then the reproducer is run."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial

import msgspec
from msgspec import Struct

from ralph_hooks.config import BlockOn
from ralph_hooks.core.change import Change, Line, decode
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.finding import Finding
from ralph_hooks.core.ports.change import Source
from ralph_hooks.core.ports.sandbox import Prover
from ralph_hooks.core.ports.store import Cache
from ralph_hooks.core.proof import HANG, Evidence, Order, Proof, ProofOutcome, ProofRun, Run, TestFile
from ralph_hooks.core.route import Chain, Model, Phase, settings_key
from ralph_hooks.core.text import beginning, path_line
from ralph_hooks.engine.cache_keys import content_key, key, read_back
from ralph_hooks.engine.models.access import ModelAccess
from ralph_hooks.engine.models.caller import Unanswered
from ralph_hooks.engine.models.token_budget import prompt_budget
from ralph_hooks.engine.review import proof
from ralph_hooks.engine.review.intent import stated
from ralph_hooks.engine.review.proof import TIMES, Claims, JudgedRuns
from ralph_hooks.engine.review.questions import claim
from ralph_hooks.engine.review.review_input import ReviewInput
from ralph_hooks.engine.review.reviewer import Reviewed
from ralph_hooks.engine.worker_pool import run_all
from ralph_hooks.languages.outline import definitions, enclosing
from ralph_hooks.languages.promises import promised
from ralph_hooks.languages.runners import ProofRunner, runner_for
from ralph_hooks.languages.test_files import is_test_file
from ralph_hooks.phases import reproduce, verify

_VERSION = "1"
_WEEK = 7 * 86_400.0  # seconds: a run also depends on installed software
_DAY = 86_400.0  # seconds
_HOUR = 3_600.0  # seconds: the user may install what was missing
_LEAST = 3.0  # seconds: with less left no reproducer is requested
_SHARE = 0.25  # of the time that is left: one run may take it, so that all of them end in time
_SLOWER = 5.0  # times as long as the base took, and a test hangs
_SHORTEST = 2.0  # seconds that a test may take however fast the base was
_CODE_TOKENS = 3_000  # of the claim and the code around it
_ERROR = re.compile(r"error|cannot|not found|not installed|no matching", re.IGNORECASE)
_QUOTED = re.compile(r"^\s*`?([^`:\"\n]+?)`?\s*:\s*[\"'“`]+(.+?)[\"'”`]+\s*\.?\s*$", re.DOTALL)
_RAISES = ("raise", "throw ", "panic(", "panic!(", "assert ", "assert!", "todo!(", "unreachable!(", "process.exit(")
NO_TIME = "the deadline was reached before a reproducer could run"


class Result(Struct, frozen=True):
    """Result for one finding, as it is cached."""

    evidence: Evidence
    proof: Proof | None = None
    note: str = ""
    """Reason why the evidence is no stronger, if no proof says so."""
    problem: str = ""
    """Problem that prevented a result, such as an outage; the result is then not cached."""
    runnable: bool = True


class Subject(Struct, frozen=True):
    """A finding that would block, its file, and the claim that the verify model received."""

    finding: Finding
    source: Source
    chain: Chain
    claim: verify.Claim


def proved(
    models: ModelAccess,
    prover: Callable[[Change], Prover] | None,
    store: Cache,
    reviewed: Reviewed,
    change: ReviewInput,
    intent: str = "",
) -> Reviewed:
    """Return ``reviewed`` with the evidence of each finding that would block; it blocks no longer if that is too weak.

    ``store`` keeps verdicts of proofs on this machine. ``intent`` is the author's description of the change.
    """
    block_on = models.limits.block_on
    places = [index for index, finding in enumerate(reviewed.findings) if finding.blocking]
    if prover is None or block_on is BlockOn.AGREEMENT:
        results = [Result(Evidence.AGREED, runnable=False) for _ in places]
    else:
        subjects = [_subject(models, reviewed.findings[index], change) for index in places]
        proofs = Proofs(models=models, store=store, prover=prover(change.snapshot.change), change=change, intent=intent)
        results = proofs.prove(subjects)
    problems = dict.fromkeys(result.problem for result in results if result.problem)
    return msgspec.structs.replace(
        reviewed,
        findings=_weighed(dict(zip(places, results, strict=True)), reviewed.findings, block_on),
        unconfirmed=(*reviewed.unconfirmed, *problems),
        remarks=proofs.caveats() if prover is not None and block_on is not BlockOn.AGREEMENT else (),
    )


def _subject(models: ModelAccess, finding: Finding, change: ReviewInput) -> Subject:
    entry = next(entry for entry in change.review if entry.path == finding.path)
    (source,) = change.sources([entry])
    route = models.settings.route(finding.path)
    chain = route.chain(Phase.VERIFY) or route.chain(Phase.ANALYZE)
    most = prompt_budget(chain, reproduce.SYSTEM, _CODE_TOKENS)
    return Subject(finding, source, chain, claim(finding, source, most))


class Proofs:
    """Proof of the findings of one change."""

    def __init__(
        self, *, models: ModelAccess, store: Cache, prover: Prover, change: ReviewInput, intent: str = ""
    ) -> None:
        self._settings = models.settings
        self._caller = models.caller
        self._store = store
        self._pool = models.pool
        self._prover = prover
        self._input = change
        self._sources = change.sources
        self._change = change.snapshot.change
        self._given = intent
        self._intent = ""
        self._open = {entry.path: entry for entry in change.review}
        self._paths: frozenset[str] | None = None
        self._lock = threading.Lock()
        self._running: dict[str, threading.Lock] = {}

    def caveats(self) -> tuple[str, ...]:
        """Return notices for the user about how reproducers were run."""
        return tuple(self._prover.caveats())

    def prove(self, subjects: Sequence[Subject]) -> list[Result]:
        """Return one result for each of ``subjects``, in their order. Cached ones are neither requested nor run."""
        results: dict[int, Result] = {}
        runners: dict[int, ProofRunner] = {}
        for index, subject in enumerate(subjects):
            runner = self._runner(subject)
            if isinstance(runner, str):
                results[index] = Result(Evidence.AGREED, note=runner, runnable=False)
            elif (known := self._recall(subject, runner)) is not None:
                results[index] = known
            else:
                runners[index] = runner
        if runners:
            self._intent = stated(self._input, self._given)
        jobs = [partial(self._one, subjects[index], runner) for index, runner in runners.items()]
        for index, answer in zip(runners, self._pool.run("proof", jobs), strict=True):
            results[index] = answer or Result(Evidence.AGREED, problem=NO_TIME)
        return [results[index] for index in range(len(subjects))]

    # Cache

    def _key(self, subject: Subject, runner: ProofRunner, model: Model) -> str:
        proof = self._settings.proof
        version = f"{_VERSION}/{reproduce.VERSION}/{verify.VERSION}/{runner.name}/{proof.command}/{proof.timeout}"
        content = content_key(f"proof/{settings_key(model)}", version, subject.source.entry)
        about = (subject.finding.place, subject.finding.message, self._given)
        return key(content, self._change.tree, self._change.base, *about)

    def _recall(self, subject: Subject, runner: ProofRunner) -> Result | None:
        names = {self._key(subject, runner, model): model for model in subject.chain}
        for name, data in self._store.get(names).items():
            if (known := read_back(data, Result)) is not None:
                self._caller.remembered(Phase.VERIFY, names[name].id)
                return known
        return None

    # One finding

    def _runner(self, subject: Subject) -> ProofRunner | str:
        """Return the runner for the file of a finding, or the reason why there is none."""
        path = subject.finding.path
        if subject.source.content.new is None:
            return "no reproducer can be run for a removed file"
        if is_test_file(path):
            return "no reproducer is written for a test"
        runner = runner_for(path, self._text)
        if runner is None:
            return "no runner for reproducers of this file"
        missing = self._prover.missing(runner.name, path)
        return f"no reproducer can be run: {missing}" if missing else runner

    def _text(self, path: str) -> str | None:
        """Return a file of the reviewed tree, as text."""
        entry = self._open.get(path)
        if entry is not None:
            (source,) = self._sources([entry])
            data = source.content.new
        else:
            data = self._prover.read(self._change.base, path) if path in self._all_paths() else None
        return None if data is None else decode(data)

    def _all_paths(self) -> frozenset[str]:
        """Return every path of the reviewed tree, and of its base."""
        if self._paths is None:
            self._paths = frozenset(self._prover.paths(self._change.base)) | {e.path for e in self._change.entries}
        return self._paths

    def _one(self, subject: Subject, runner: ProofRunner) -> Result:
        if self._caller.deadline.remaining() < _LEAST:
            return Result(Evidence.AGREED, problem=NO_TIME)
        try:
            result, model = self._attempts(subject, runner)
        except Unanswered as fault:
            return Result(Evidence.AGREED, problem=f"no reproducer: {fault}")
        if not result.problem:
            ttl = _WEEK if result.runnable else _HOUR
            self._store.put({self._key(subject, runner, model): msgspec.json.encode(result)}, ttl=ttl)
        return result

    def _attempts(self, subject: Subject, runner: ProofRunner) -> tuple[Result, Model]:
        """Request a reproducer and run it; once more if it does not load. Raise Unanswered."""
        place = runner.place(subject.finding.path, self._all_paths())
        task = reproduce.ProofTask(
            statement=subject.claim.statement, code=subject.claim.code, path=place, framework=runner.framework
        )
        for last in (False, True):
            reply, model = self._caller.ask(reproduce.question(task, self._caller.marker()), subject.chain)
            if reply.cannot:
                note = f"no reproducer: {' '.join(reply.cannot.split())}"
                return Result(Evidence.UNPROVED, note=beginning(note, 300)), model
            test = TestFile(path=place, text=reply.test, language=runner.name, command=_command(runner, place))
            result, why = self._tried(subject, runner, reply, test)
            if not why or last:
                return result, model
            task = msgspec.structs.replace(task, earlier=reply.test, rejected=why)
        raise AssertionError  # the second round returns

    def _tried(
        self, subject: Subject, runner: ProofRunner, reply: reproduce.ReplyReproducer, test: TestFile
    ) -> tuple[Result, str]:
        """Return the result of one reproducer, and feedback for its author if another attempt is worthwhile."""
        refusals = runner.refusals(test.text)
        if refusals:
            shown = Proof(
                command=test.command, path=test.path, test=test.text, on_change="not run", on_base="not run",
                reason=f"the reproducer does not count: {', '.join(refusals)}",
            )  # fmt: skip
            loads = (
                "" if not any("not parse" in each or "no test" in each for each in refusals) else "; ".join(refusals)
            )
            return Result(Evidence.UNPROVED, shown), loads
        on_change, on_base, judged = self._runs(subject, test)
        if any(run.outcome is ProofOutcome.NOT_RUN and "deadline" in run.tail for run in (*on_change, *on_base)):
            return Result(Evidence.AGREED, problem=NO_TIME), ""
        if judged.foreign:
            return Result(Evidence.AGREED, note=_unloadable(on_change[0], judged), runnable=False), ""
        deliberate = judged.failure is not None and self._is_deliberate(*judged.failure.at)
        claims, problem = self._claims(subject, reply, test, judged, deliberate=deliberate)
        evidence, reason = proof.weigh(judged, claims, deliberate=deliberate)
        shown = Proof(
            command=test.command,
            path=test.path,
            test=test.text,
            on_change=_summary(on_change),
            on_base=_summary(on_base) if on_base else "not run: the code is new in this change",
            reason=reason,
            asserts=" ".join(reply.asserts.split()),
            because=" ".join(reply.because.split()),
            runner=runner.name,
        )
        result = Result(evidence, shown, problem=problem)
        why = f"{judged.reason}\n{(on_change or on_base)[-1].tail}" if judged.reload else ""
        return result, why

    # Runs

    def _runs(self, subject: Subject, test: TestFile) -> tuple[list[Run], list[Run], JudgedRuns]:
        """Return the runs on change and base, in pairs that share their random numbers; one pair if that suffices."""
        new = self._is_new(subject)
        lines = self._changed_lines()
        limit = min(self._settings.proof.timeout, max(_SHORTEST, self._caller.deadline.remaining() * _SHARE))
        first = ProofRun(tree=self._change.tree, test=test, lines=lines, limit=limit, seed=1)
        pair = [first] if new else [self._on_base(first), first]
        done = self._run_all(pair)
        on_change, on_base = done[-1:], done[:-1]
        judged = proof.judge(on_change, on_base, new=new)
        if judged.failure is None:
            return on_change, on_base, judged
        if judged.failure.kind == HANG:
            slowest = max((run.seconds for run in on_base), default=limit)
            limit = min(limit, max(_SHORTEST, slowest * _SLOWER))
        others = [
            msgspec.structs.replace(first, seed=number, limit=limit, order=order, only=judged.failure.test)
            for number, order in enumerate((Order.REVERSED, Order.ALONE)[: TIMES - 1], start=2)
        ]
        bases = [] if new else [self._on_base(trial) for trial in others]
        rest = self._run_all([*others, *bases])
        on_change += rest[: len(others)]
        on_base += rest[len(others) :]
        return on_change, on_base, proof.judge(on_change, on_base, new=new)

    def _on_base(self, trial: ProofRun) -> ProofRun:
        return msgspec.structs.replace(trial, tree=self._change.base, lines={})

    def _run_all(self, trials: Sequence[ProofRun]) -> list[Run]:
        deadline = self._caller.deadline
        jobs = [partial(self._run, trial, deadline) for trial in trials]
        done = run_all(jobs, workers=self._prover.places, deadline=deadline)
        late = Run(outcome=ProofOutcome.NOT_RUN, tail="the deadline was reached")
        return [run or late for run in done]

    def _run(self, trial: ProofRun, deadline: Deadline) -> Run:
        """Run ``trial``. Passing runs on the base are cached: amended changes and similar findings share them."""
        if trial.tree != self._change.base:
            return self._prover.run(trial, deadline)
        test = trial.test
        name = key(
            f"base run/{_VERSION}/{test.language}/{self._settings.proof.command}",
            trial.tree, test.path, test.text, str(trial.seed), trial.order.value, trial.only,
        )  # fmt: skip
        with self._lock:
            alone = self._running.setdefault(name, threading.Lock())
        with alone:  # of two findings with the same reproducer the second waits for the first
            known = read_back(self._store.get([name]).get(name), Run)
            if known is not None:
                return known
            run = self._prover.run(trial, deadline)
            if run.outcome is ProofOutcome.PASSED:
                self._store.put({name: msgspec.json.encode(run)}, ttl=_DAY)
            return run

    def _changed_lines(self) -> dict[str, tuple[int, ...]]:
        """Return the changed lines of the reviewed tree; for a pure removal, the lines on both sides of the gap."""
        entries = [entry for entry in self._open.values() if entry.new_oid]
        return {
            source.path: lines
            for source in self._sources(entries)
            if (lines := tuple(_changed([line for hunk in source.hunks for line in hunk.lines])))
        }

    def _is_new(self, subject: Subject) -> bool:
        """Return whether the definition that the finding is in is not in the base, so that nothing can be compared."""
        finding, content = subject.finding, subject.source.content
        if content.old is None:
            return True
        if finding.removed or content.new is None:
            return False
        now = enclosing(definitions(finding.path, decode(content.new)), finding.line)
        return now is not None and now.name not in {d.name for d in definitions(finding.path, decode(content.old))}

    def _is_deliberate(self, path: str, line: int) -> bool:
        """Return whether the change itself added the statement that raises here: then it may be meant to refuse."""
        entry = self._open.get(path)
        if entry is None:
            return False
        (source,) = self._sources([entry])
        added = (row for hunk in source.hunks for row in hunk.lines if row.kind == "+" and row.new == line)
        return any(row.text.strip().startswith(_RAISES) for row in added)

    # Questions of rule 4

    def _claims(
        self,
        subject: Subject,
        reply: reproduce.ReplyReproducer,
        test: TestFile,
        judged: JudgedRuns,
        *,
        deliberate: bool,
    ) -> tuple[Claims, str]:
        quoted = self._quoted(subject, reply, new=judged.new)
        wanted = proof.needs(judged, deliberate=deliberate, quoted=bool(quoted), intent=bool(self._intent))
        if not wanted:
            return Claims(), ""
        asserts = " ".join(reply.asserts.split()) or "what the test asserts"
        around = f"{subject.claim.code}\nTHE TEST\n{test.text}"
        claims = {
            "promised": verify.Claim(f"The quoted sentence promises this: {asserts}", f"QUOTED: {quoted}\n{around}"),
            "allowed": verify.Claim(
                "The signature, the docstring or a caller of the code allows the input of the test", around
            ),
            "unintended": verify.Claim(
                f"Nothing in the stated intent says that this difference is meant: {judged.reason}; the test asserts: "
                f"{asserts}",
                f"THE AUTHOR'S INTENT\n{self._intent}",
            ),
        }
        order = sorted(wanted)
        try:
            verdicts, _ = self._caller.ask(
                verify.question([claims[name] for name in order], self._caller.marker()), subject.chain
            )
        except Unanswered as fault:
            return Claims(), f"a reproducer could not be checked: {fault}"
        answers = {name: verdict.holds for name, verdict in zip(order, verdicts, strict=True)}
        return Claims(**answers), ""

    def _quoted(self, subject: Subject, reply: reproduce.ReplyReproducer, *, new: bool) -> str:
        """Return the promise that the reply quotes, if the base has it and the change keeps it; empty otherwise."""
        match = _QUOTED.match(reply.because)
        path, quote = (match[1].strip(), match[2]) if match else (subject.finding.path, reply.because.strip("\"'` \n"))
        path = path.removeprefix("./")
        if path not in self._all_paths():
            path = subject.finding.path
        entry = self._open.get(path)
        if entry is None and any(other.path == path for other in self._change.entries):
            return ""  # it is left out of the review
        old = self._prover.read(self._change.base, entry.old_path if entry else path)
        now = old
        if entry is not None:
            (source,) = self._sources([entry])
            now = source.content.new
        texts = [now] if new else [old, now]
        stands = all(text is not None and promised(quote, path, decode(text)) for text in texts)
        return f"{path_line(path)}: {' '.join(quote.split())}" if stands else ""


def _changed(rows: Sequence[Line]) -> Collection[int]:
    found = {row.new for row in rows if row.kind == "+" and row.new}
    for index, row in enumerate(rows):
        if row.kind == "-":
            for step in (-1, 1):
                place = index
                while 0 <= place < len(rows) and rows[place].kind == "-":
                    place += step
                near = rows[place].new if 0 <= place < len(rows) else None
                if near:
                    found.add(near)
    return sorted(found)


def _summary(runs: Sequence[Run]) -> str:
    """Return ``fails 3 of 3: ZeroDivisionError``, then the end of the first run's output."""
    failed = sum(run.outcome in {ProofOutcome.FAILED, ProofOutcome.HUNG} for run in runs)
    passed = sum(run.outcome is ProofOutcome.PASSED for run in runs)
    if passed == len(runs):
        return f"passes {passed} of {len(runs)}"
    kinds = ", ".join(dict.fromkeys(failure.kind for run in runs for failure in run.failures)) or runs[0].outcome.value
    head = f"fails {failed} of {len(runs)}: {kinds}"
    told = next((run.tail for run in runs if run.tail), "")
    return f"{head}\n{told}" if told else head


def _unloadable(run: Run, judged: JudgedRuns) -> str:
    """Return why nothing can be run, with the first line of the output that names an error."""
    lines = [line.strip() for line in run.tail.splitlines() if line.strip()]
    told = next((line for line in lines if _ERROR.search(line)), lines[-1] if lines else "")
    return beginning(f"{judged.reason}: {told}" if told else judged.reason, 300)


def _command(runner: ProofRunner, place: str) -> str:
    """Return how a person runs the test at ``place``."""
    folder, _, name = place.rpartition("/")
    return runner.shown.format(test=place, folder=folder, stem=name.rpartition(".")[0])


def run_again(prover: Prover, proof: Proof, tree: str, timeout: float, deadline: Deadline) -> tuple[Run, ...]:
    """Run a reproducer on another tree; ``timeout`` is in seconds for one run."""
    test = TestFile(path=proof.path, text=proof.test, language=proof.runner, command=proof.command)
    limit = min(timeout, max(_SHORTEST, deadline.remaining() * _SHARE))
    trials = [ProofRun(tree=tree, test=test, lines={}, limit=limit, seed=seed) for seed in range(1, TIMES + 1)]
    jobs = [partial(prover.run, trial, deadline) for trial in trials]
    late = Run(outcome=ProofOutcome.NOT_RUN, tail="the deadline was reached")
    return tuple(run or late for run in run_all(jobs, workers=prover.places, deadline=deadline))


def _weighed(results: Mapping[int, Result], findings: Sequence[Finding], block_on: BlockOn) -> tuple[Finding, ...]:
    """Return ``findings`` with the evidence of ``results`` (by index), and blocking where that suffices."""
    return tuple(
        finding
        if (result := results.get(index)) is None
        else msgspec.structs.replace(
            finding,
            evidence=result.evidence,
            proof=result.proof,
            note=result.note or result.problem,
            blocking=proof.blocks(result.evidence, block_on, runnable=result.runnable),
        )
        for index, finding in enumerate(findings)
    )
