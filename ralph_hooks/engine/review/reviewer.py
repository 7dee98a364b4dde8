"""Review by models: analyze every file, then confirm the findings that would block."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import partial

import msgspec
from msgspec import Struct

from ralph_hooks.config import Settings
from ralph_hooks.core.change import Entry
from ralph_hooks.core.dismissal import Dismissed
from ralph_hooks.core.finding import Finding
from ralph_hooks.core.guidance import named
from ralph_hooks.core.model_errors import TooLarge, Unreadable
from ralph_hooks.core.ports.checks import Hint
from ralph_hooks.core.ports.store import Cache
from ralph_hooks.core.prompt_diff import Part
from ralph_hooks.core.report import Cause, Unreviewed
from ralph_hooks.core.route import Chain, Model, Phase, settings_key
from ralph_hooks.core.usage import estimate_tokens
from ralph_hooks.engine.cache_keys import content_key, key, read_back
from ralph_hooks.engine.models.access import ModelAccess
from ralph_hooks.engine.models.caller import Unanswered
from ralph_hooks.engine.models.token_budget import prompt_budget
from ralph_hooks.engine.review import anchors, intent
from ralph_hooks.engine.review.context import CodeContext
from ralph_hooks.engine.review.majority import majority
from ralph_hooks.engine.review.questions import Batch, batched, claim
from ralph_hooks.engine.review.review_input import ReviewInput
from ralph_hooks.phases import analyze, verify
from ralph_hooks.phases.guidance import NONE, Preamble

DEADLINE = "the deadline was reached"
_HOLDS = {b"1": True, b"0": False}
"""Cached form of the verdict on a claim."""


class Reviewed(Struct, frozen=True):
    """Result of the review of a change by models."""

    findings: tuple[Finding, ...] = ()
    unreviewed: tuple[Unreviewed, ...] = ()
    dropped: int = 0
    dismissed: tuple[Dismissed, ...] = ()
    unconfirmed: tuple[str, ...] = ()
    """Reasons why claims that would block were neither verified nor proved; empty if all were."""
    remarks: tuple[str, ...] = ()
    """Notices for the user about how reproducers were run."""


class _Stored(Struct, frozen=True):
    """One file's verdict as it is cached."""

    findings: tuple[Finding, ...]
    dropped: int = 0
    sampled: str = ""
    """The note that only a sample of the change was reviewed, and its size; empty if everything was."""


class _Asked(Struct, frozen=True):
    """A finding for the verify model, with the code around the change."""

    finding: Finding
    entry: Entry
    context: str


PartOutcome = tuple[Part, analyze.Review, Model] | tuple[Part, Unreviewed]
Outcome = list[PartOutcome]


class _Collected:
    """Answers about the parts of one file, by pass."""

    def __init__(self) -> None:
        self.models: list[Model] = []
        self.dropped = 0
        self._findings: dict[int, list[Finding]] = {}
        self._failures: dict[int, Unreviewed] = {}

    def add(self, number: int, outcome: PartOutcome) -> None:
        """Add the outcome of one part in pass ``number``."""
        if len(outcome) == 2:  # noqa: PLR2004 - a part and why it has no verdict
            self._failures[number] = outcome[1]
            return
        _, review, model = outcome
        self.models.append(model)
        self.dropped += review.dropped
        self._findings.setdefault(number, []).extend(
            msgspec.structs.replace(finding, source=model.id, version=analyze.VERSION) for finding in review.findings
        )

    def decided(self, passes: int) -> tuple[Sequence[Finding], Unreviewed | None]:
        """Return the findings, and why they are no verdict on the whole file; several passes decide by majority.

        Findings in one part hold, even if other parts failed.
        """
        failure = next(iter(self._failures.values()), None)
        if passes == 1:
            return self._findings.get(0, ()), failure
        whole = [found for number, found in self._findings.items() if number not in self._failures]
        findings, is_open = majority(whole, passes)
        return findings, failure if is_open else None


class Reviewer:
    """Review of a change by the models that its routes name."""

    def __init__(self, models: ModelAccess, context: CodeContext | None = None) -> None:
        self._models = models
        self._context = context
        self._digests: dict[str, str] = {}
        self._settings = models.settings
        self._gate = models.limits
        self._caller = models.caller
        self._store = models.answers
        self._pool = models.pool

    def review(self, change: ReviewInput) -> Reviewed:
        """Analyze what is open to models; files with a cached verdict cost nothing and are not even read."""
        routed: list[tuple[Entry, Chain]] = []
        unreviewed: list[Unreviewed] = []
        for entry in change.open_to_models:
            route = self._settings.route(entry.path)
            if route.skip:
                unreviewed.append(Unreviewed(entry.path, f"skipped by {route.reason}", Cause.EXCLUDED))
            elif not route.chain(Phase.ANALYZE):
                unreviewed.append(Unreviewed(entry.path, "no model is configured", Cause.NO_MODEL))
            else:
                routed.append((entry, route.chain(Phase.ANALYZE)))
        if self._context is not None:
            self._digests |= self._context.digests([entry for entry, _ in routed])
        known = self._recall(routed)
        missing = [(entry, chain) for entry, chain in routed if entry.path not in known]
        failed: dict[str, Unreviewed] = {}
        if missing:
            fresh, failed = self._analyze(missing, change)
            known |= fresh
        unreviewed += failed.values()
        unreviewed += (
            Unreviewed(path, stored.sampled, Cause.SAMPLED)
            for path, stored in known.items()
            if stored.sampled and path not in failed
        )
        findings = [finding for stored in known.values() for finding in stored.findings]
        dropped = sum(stored.dropped for stored in known.values())
        standing, dismissed = change.dismissals.split(findings)  # before paying to verify them
        reviewed = Reviewed(standing, tuple(unreviewed), dropped, dismissed)
        confirmed = self._confirmed(reviewed, {entry.path: (entry, chain) for entry, chain in routed}, change)
        return msgspec.structs.replace(confirmed, findings=_deduplicated(confirmed.findings))

    def _recall(self, routed: Sequence[tuple[Entry, Chain]]) -> dict[str, _Stored]:
        names = {(entry.path, model.id): self._keys(entry, model) for entry, chain in routed for model in chain}
        stored = self._store.get(name for both in names.values() for name in both)
        known: dict[str, _Stored] = {}
        answered: Counter[str] = Counter()
        for entry, chain in routed:
            for model in chain:
                found = (read_back(stored.get(name), _Stored) for name in names[entry.path, model.id])
                kept = next((each for each in found if each is not None), None)
                if kept is not None:
                    known[entry.path] = _placed(kept, entry.path)
                    answered[model.id] += 1
                    break
        for model_id, count in sorted(answered.items()):
            self._caller.remembered(Phase.ANALYZE, model_id, count)
        return known

    def _keys(self, entry: Entry, model: Model) -> tuple[str, ...]:
        """Return the cache keys of a verdict, the one to write first: a verdict without the intent was paid for too."""
        rules, intent = self._models.rules(entry.path), self._models.guidance.intent
        context, passes = self._digests.get(entry.path, ""), self._gate.passes
        keys = (
            analyze_key(entry, model, rules, intent, context, passes),
            analyze_key(entry, model, rules, "", context, passes),
        )
        return tuple(dict.fromkeys(keys))

    def _analyze(
        self, missing: Sequence[tuple[Entry, Chain]], change: ReviewInput
    ) -> tuple[dict[str, _Stored], dict[str, Unreviewed]]:
        """Return the findings by path, and why paths have no verdict; a long path may have both."""
        if self._caller.deadline.passed:  # building the requests of a large change takes seconds
            return {}, {entry.path: Unreviewed(entry.path, DEADLINE, Cause.UNAVAILABLE) for entry, _ in missing}
        signatures = self._context.signatures([entry for entry, _ in missing]) if self._context is not None else {}
        batches = batched(missing, change, self._caller.deadline, self._models.rules, signatures, self._gate.passes)
        sampled = {path: told for batch in batches for path, told in batch.sampled.items()}
        answers = self._pool.run(
            "analyze", [partial(self._ask_batch, batch, change.checked.hints) for batch in batches]
        )
        asked = {entry.path: (entry, chain) for entry, chain in missing}
        begun = {part.path for batch in batches for part in batch.parts}
        late = (entry.path for entry, _ in missing if entry.path not in begun)
        failed = {path: Unreviewed(path, DEADLINE, Cause.UNAVAILABLE) for path in late}
        collected = {path: _Collected() for path in asked if path in begun}
        for batch, answer in zip(batches, answers, strict=True):
            for outcome in answer if answer is not None else _unjudged(batch, DEADLINE, Cause.UNAVAILABLE):
                collected[outcome[0].path].add(batch.number, outcome)
        fresh: dict[str, _Stored] = {}
        items: dict[str, bytes] = {}
        for path, reviews in collected.items():
            found, failure = reviews.decided(self._gate.passes)
            if failure is not None:
                failed[path] = failure
            if not reviews.models:
                continue
            if found:
                (source,) = change.sources([asked[path][0]])
                found = list(anchors.anchored(found, path, source.content))
            stored = _Stored(tuple(found), reviews.dropped, sampled.get(path, ""))
            fresh[path] = stored
            if path not in failed:  # findings in one part hold, even if other parts failed
                entry, chain = asked[path]
                last = max(reviews.models, key=chain.index)  # it is as good as the last resort was
                items[self._keys(entry, last)[0]] = msgspec.json.encode(_placed(stored, ""))
        if items:
            self._store.put(items)
        return fresh, failed

    def _ask_batch(self, batch: Batch, hints: Mapping[str, Sequence[Hint]]) -> Outcome:
        """Send ``batch``; if it is too large, send each half, and a single part without its hints."""
        preamble = Preamble(batch.rules, self._models.guidance.intent)
        question = analyze.question(batch.parts, hints, self._caller.marker(), preamble, batch.called)
        try:
            review, model = self._caller.ask(question, batch.chain)
        except TooLarge:
            middle = len(batch.parts) // 2
            if not middle:
                return self._ask_batch(msgspec.structs.replace(batch, called=()), {})
            halves = (
                Batch(batch.chain, batch.parts[:middle], rules=batch.rules, number=batch.number),
                Batch(batch.chain, batch.parts[middle:], rules=batch.rules, number=batch.number),
            )
            return [outcome for half in halves for outcome in self._ask_batch(half, hints)]
        except Unanswered as fault:
            return [*_partly_judged(batch, fault), *_unjudged(batch, str(fault), fault.cause)]
        return _by_part(batch, review, model)

    def _confirmed(
        self, reviewed: Reviewed, routed: Mapping[str, tuple[Entry, Chain]], change: ReviewInput
    ) -> Reviewed:
        """Return ``reviewed`` after the verify model has checked each finding that would block."""
        gate = self._gate
        weighty = [
            finding
            for finding in reviewed.findings
            if finding.severity.at_least(gate.block_at) and finding.confidence >= gate.min_confidence
        ]
        if not gate.confirm:
            blocked = {id(finding) for finding in weighty}
            findings = [
                msgspec.structs.replace(finding, blocking=id(finding) in blocked) for finding in reviewed.findings
            ]
            return msgspec.structs.replace(reviewed, findings=tuple(findings))
        held, problems = self._verify([(finding, *routed[finding.path]) for finding in weighty], change)
        findings = [
            msgspec.structs.replace(finding, confirmed=held[id(finding)], blocking=held[id(finding)] is True)
            if id(finding) in held
            else finding
            for finding in reviewed.findings
        ]
        return msgspec.structs.replace(reviewed, findings=tuple(findings), unconfirmed=problems)

    def _verify(
        self, weighty: Sequence[tuple[Finding, Entry, Chain]], change: ReviewInput
    ) -> tuple[dict[int, bool | None], tuple[str, ...]]:
        """Return the verdict on each finding, by its id(), and the reasons for those without one, which are None."""
        held: dict[int, bool | None] = {}
        asked: dict[tuple[Chain, Preamble], list[_Asked]] = defaultdict(list)
        guidance = self._models.guidance
        said = intent.stated(change, guidance.intent) if weighty else ""
        unsaid = intent.stated(change, "") if weighty and guidance.from_messages else said
        for finding, entry, analyzed_by in weighty:
            chain = self._settings.route(entry.path).chain(Phase.VERIFY) or analyzed_by
            preamble = Preamble(self._models.rules(entry.path), said)
            told = dict.fromkeys((preamble, Preamble(preamble.rules, unsaid)))
            (source,) = change.sources([entry])
            context = self._context.of_claim(finding, source) if self._context is not None else ""
            names = {_claim_key(finding, entry, model, each, context): model for each in told for model in chain}
            stored = self._store.get(names)
            answer = next((name for name in names if stored.get(name) in _HOLDS), None)
            if answer is None:
                asked[chain, preamble].append(_Asked(finding, entry, context))
            else:
                held[id(finding)] = _HOLDS[stored[answer]]
                self._caller.remembered(Phase.VERIFY, names[answer].id)
        jobs = [
            partial(self._ask_claims, claims[start : start + verify.MOST_CLAIMS], chain, preamble, change)
            for (chain, preamble), claims in asked.items()
            for start in range(0, len(claims), verify.MOST_CLAIMS)
        ]
        problems: dict[str, None] = {}
        for answered in self._pool.run("verify", jobs):
            if answered is None:
                problems[DEADLINE] = None
                continue
            held |= answered[0]
            problems |= dict.fromkeys(answered[1])
        for claims in asked.values():
            for each in claims:
                held.setdefault(id(each.finding), None)
        return held, tuple(problems)

    def _ask_claims(
        self, claims: Sequence[_Asked], chain: Chain, preamble: Preamble, change: ReviewInput
    ) -> tuple[dict[int, bool | None], list[str]]:
        sources = change.sources([each.entry for each in claims])
        most = prompt_budget(chain, verify.SYSTEM, analyze.REQUEST_TOKENS)
        most = max(1, most - estimate_tokens(preamble.rules + preamble.intent))
        stated = [claim(each.finding, source, most, each.context) for each, source in zip(claims, sources, strict=True)]
        try:
            verdicts, model = self._caller.ask(verify.question(stated, self._caller.marker(), preamble), chain)
        except TooLarge:
            middle = len(claims) // 2
            halves = (claims[:middle], claims[middle:])
            first, second = (self._ask_claims(half, chain, preamble, change) for half in halves)
            return first[0] | second[0], first[1] + second[1]
        except Unanswered as fault:
            return {}, [str(fault)]
        pairs = list(zip(claims, verdicts, strict=True))
        self._store.put(
            {
                _claim_key(each.finding, each.entry, model, preamble, each.context): b"1" if verdict.holds else b"0"
                for each, verdict in pairs
            }
        )
        return {id(each.finding): verdict.holds for each, verdict in pairs}, []


def _by_part(batch: Batch, review: analyze.Review, model: Model) -> Outcome:
    outcomes: Outcome = []
    told: set[str] = set()
    for index, part in enumerate(batch.parts):
        mine = () if part.path in told else tuple(f for f in review.findings if f.path == part.path)
        told.add(part.path)
        outcomes.append((part, analyze.Review(mine, review.dropped if index == 0 else 0), model))
    return outcomes


def _partly_judged(batch: Batch, fault: Unanswered) -> Outcome:
    """Return the usable findings of replies that could not be used as a whole: they hold, and are no verdict."""
    for model in batch.chain:
        failed = fault.faults.get(model.id)
        if isinstance(failed, Unreadable) and isinstance(failed.partial, analyze.Review):
            return _by_part(batch, failed.partial, model)
    return []


def _unjudged(batch: Batch, reason: str, cause: Cause) -> Outcome:
    return [(part, Unreviewed(part.path, reason, cause)) for part in batch.parts]


def analyze_key(
    entry: Entry, model: Model, rules: str = "", intent: str = "", context: str = "", passes: int = 1
) -> str:
    """Return the cache key of the answer of ``model`` about ``entry``; ``context`` is a digest of what it calls."""
    version = f"{analyze.VERSION} {anchors.VERSION}{named(rules, intent)}{context and f'/{context}'}"
    if passes > 1:
        version += f" {passes} passes"
    return content_key(f"analyze/{settings_key(model)}", version, entry)


def recall(entries: Sequence[Entry], settings: Settings, store: Cache) -> None:
    """Query ``store`` for every paid answer it may have about ``entries``, for a store that records its queries.

    The key of a verified claim contains the claim, so the verdicts come first.
    """
    routed = [(entry, settings.route(entry.path)) for entry in entries]
    passes = settings.gate.passes
    names = {
        analyze_key(entry, model, passes=passes): (entry, route)
        for entry, route in routed
        for model in route.chain(Phase.ANALYZE)
    }
    claims: list[str] = []
    for name, data in store.get(names).items():
        entry, route = names[name]
        verdict = read_back(data, _Stored)
        for finding in _placed(verdict, entry.path).findings if verdict else ():
            chain = route.chain(Phase.VERIFY) or route.chain(Phase.ANALYZE)
            claims += [_claim_key(finding, entry, model) for model in chain]
    store.get(claims)


def _claim_key(finding: Finding, entry: Entry, model: Model, preamble: Preamble = NONE, context: str = "") -> str:
    version = f"{verify.VERSION}{named(preamble.rules, preamble.intent)}{context and f'/{named(context)}'}"
    content = content_key(f"verify/{settings_key(model)}", version, entry)
    return key(content, finding.place, finding.message)


def _placed(stored: _Stored, path: str) -> _Stored:
    """Return ``stored`` with its findings at ``path``, which is not stored: it may hold bytes that JSON cannot."""
    return _Stored(
        tuple(msgspec.structs.replace(finding, path=path) for finding in stored.findings),
        stored.dropped,
        stored.sampled,
    )


def _deduplicated(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return the most important one of the findings that point at the same code.

    Only once all are confirmed or not: two claims about one line may differ, and the worse one may be the wrong one.
    """
    best: dict[tuple[str, int, str], Finding] = {}
    for finding in sorted(
        findings, key=lambda f: (not f.blocking, f.confirmed is False, f.severity.rank, -f.confidence)
    ):
        best.setdefault((finding.path, finding.line, "".join(finding.quote.split())), finding)
    return tuple(best.values())
