"""Rules of the project that every change must keep, sent to the verify model as claims."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial

import msgspec
from msgspec import Struct

from ralph_hooks.core.change import Entry
from ralph_hooks.core.dismissal import Dismissed
from ralph_hooks.core.finding import Finding, Severity
from ralph_hooks.core.prompt_diff import Part, pack, render
from ralph_hooks.core.proof import Evidence
from ralph_hooks.core.route import Chain, Model, Phase, settings_key
from ralph_hooks.engine.cache_keys import content_key, key, read_back
from ralph_hooks.engine.models.access import ModelAccess
from ralph_hooks.engine.models.caller import Unanswered
from ralph_hooks.engine.models.token_budget import prompt_budget
from ralph_hooks.engine.review import anchors
from ralph_hooks.engine.review.proof import blocks
from ralph_hooks.engine.review.review_input import ReviewInput
from ralph_hooks.phases import analyze, verify

DEADLINE = "the deadline was reached"


class InvariantResult(Struct, frozen=True):
    """Result of the rule check: a finding for each broken rule, and reasons why rules could not be checked."""

    findings: tuple[Finding, ...] = ()
    dismissed: tuple[Dismissed, ...] = ()
    problems: tuple[str, ...] = ()


class _Broken(Struct, frozen=True):
    """One broken rule as it is cached: the place is the n-th entry of the change."""

    statement: str
    reason: str
    confidence: float
    entry: int
    line: int
    text: str
    removed: bool = False


class _Group(Struct, frozen=True):
    """The files whose route gives them to the same verify models."""

    chain: Chain
    entries: tuple[Entry, ...]


class _Job(Struct, frozen=True):
    group: _Group
    parts: tuple[Part, ...]


class Invariants:
    """Check of the rules in ``verify.invariants`` after a change."""

    def __init__(self, models: ModelAccess) -> None:
        self._statements = models.settings.verify.invariants
        self._settings = models.settings
        self._gate = models.limits
        self._caller = models.caller
        self._store = models.answers
        self._pool = models.pool

    def check(self, change: ReviewInput) -> InvariantResult:
        """Return one finding for each broken rule per request. Each request is sent once per content.

        Files go to the verify models of their routes; those that a route skips go nowhere.
        """
        findings: list[Finding] = []
        problems: dict[str, None] = {}
        jobs: list[_Job] = []
        for group in self._groups(change.open_to_models) if self._statements else ():
            if not group.chain:
                problems["no verify model is configured, so the invariants were not checked"] = None
            elif (known := self._recall(group)) is not None:
                findings += known
            else:
                jobs += [_Job(group, tuple(batch)) for batch in _batches(group, change)]
        answers = self._pool.run("invariants", [partial(self._ask, job) for job in jobs])
        unanswered: set[_Group] = set()
        judged: dict[_Group, list[tuple[list[_Broken], Model]]] = defaultdict(list)
        for job, answer in zip(jobs, answers, strict=True):
            if isinstance(answer, tuple):
                judged[job.group].append(answer)
                findings += [self._finding(item, job.group, answer[1]) for item in answer[0]]
            else:
                unanswered.add(job.group)
                problems[answer or DEADLINE] = None
        self._keep({group: each for group, each in judged.items() if group not in unanswered})
        by_path = {entry.path: entry for entry in change.open_to_models}
        anchored = tuple(
            made
            for finding in findings
            for source in change.sources([by_path[finding.path]])
            for made in anchors.anchored([finding], finding.path, source.content)
        )
        standing, dismissed = change.dismissals.split(anchored)
        return InvariantResult(standing, dismissed, tuple(problems))

    def _groups(self, entries: Sequence[Entry]) -> list[_Group]:
        by_chain: dict[Chain, list[Entry]] = defaultdict(list)
        for entry in entries:
            route = self._settings.route(entry.path)
            if not route.skip:
                by_chain[route.chain(Phase.VERIFY)].append(entry)
        return [_Group(chain, tuple(members)) for chain, members in by_chain.items()]

    def _recall(self, group: _Group) -> list[Finding] | None:
        keys = {self._key(model, group): model for model in group.chain}
        stored = self._store.get(keys)
        for name, model in keys.items():
            broken = read_back(stored.get(name), tuple[_Broken, ...])
            if broken is not None:
                self._caller.remembered(Phase.VERIFY, model.id)
                return [self._finding(item, group, model) for item in broken]
        return None

    def _keep(self, judged: Mapping[_Group, Sequence[tuple[list[_Broken], Model]]]) -> None:
        items: dict[str, bytes] = {}
        for group, answers in judged.items():
            last = max((model for _, model in answers), key=group.chain.index)  # it is as good as the last resort was
            items[self._key(last, group)] = msgspec.json.encode([item for broken, _ in answers for item in broken])
        self._store.put(items)

    def _key(self, model: Model, group: _Group) -> str:
        contents = (content_key("invariants", verify.VERSION, entry) for entry in group.entries)
        return key(settings_key(model), *self._statements, *contents)

    def _ask(self, job: _Job) -> tuple[list[_Broken], Model] | str:
        code = "\n".join(part.text for part in job.parts)
        claims = [verify.Claim(f"This rule is kept: {statement}", code) for statement in self._statements]
        question = msgspec.structs.replace(verify.question(claims, self._caller.marker()), divisible=False)
        try:
            verdicts, model = self._caller.ask(question, job.group.chain)
        except Unanswered as fault:
            return str(fault)
        first = job.parts[0]
        position = next(index for index, entry in enumerate(job.group.entries) if entry.path == first.path)
        changed = [line for line in first.lines if line.kind != " "]
        place = next((line for line in changed if line.text.strip()), changed[0] if changed else None)
        line, text, removed = (place.new or place.old or 1, place.text, not place.new) if place else (1, "", False)
        return [
            _Broken(statement, verdict.reason, verdict.confidence, position, line, text, removed)
            for statement, verdict in zip(self._statements, verdicts, strict=True)
            if not verdict.holds
        ], model

    def _finding(self, item: _Broken, group: _Group, model: Model) -> Finding:
        confidence = min(1.0, max(0.0, item.confidence))
        return Finding(
            path=group.entries[item.entry].path,
            line=item.line,
            end_line=item.line,
            category="invariant",
            severity=Severity.ERROR,
            confidence=confidence,
            message=f"breaks the rule '{item.statement}': {item.reason}",
            quote=item.text.strip(),
            context=item.text,
            source=model.id,
            confirmed=True,
            evidence=Evidence.AGREED,
            blocking=confidence >= self._gate.min_confidence
            and blocks(Evidence.AGREED, self._gate.block_on, runnable=False),
            removed=item.removed,
            rule=item.statement,
        )


def _batches(group: _Group, change: ReviewInput) -> list[list[Part]]:
    most = prompt_budget(group.chain, verify.SYSTEM, analyze.REQUEST_TOKENS)
    parts = [
        part
        for source in change.sources(group.entries)
        for part in render(source.entry, source.content, source.hunks, most)
    ]
    return pack(parts, most)
