"""Replay of labelled changes through routings, several at once; cached answers are not requested again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import msgspec
from msgspec import Struct

from ralph_hooks.core.backtest import Example, Trial, Weighed
from ralph_hooks.core.codec import from_json
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.ports.change import Snapshot
from ralph_hooks.core.ports.progress import Progress
from ralph_hooks.core.ports.store import Cache
from ralph_hooks.core.report import Cause, Report, Verdict
from ralph_hooks.core.usage import total_cost
from ralph_hooks.engine.cache_keys import key
from ralph_hooks.engine.review.gate import Gate, Scope
from ralph_hooks.engine.worker_pool import run_all
from ralph_hooks.phases import analyze, verify


class Routing(Struct, frozen=True, kw_only=True):
    """One configuration of the gate: its name, the values its answers depend on, and the function that reviews."""

    name: str
    digest: str
    """Digest of models, thresholds and prompts: a trial under another digest is another trial."""
    judge: Callable[[Example], Report]
    """Function that reviews an example; a repetition has its own, which does not see the others' answers."""


class CapReached(Exception):
    """The spend cap was reached, as intended. Results until then are kept."""


def trial(example: Example, report: Report) -> Trial:
    """Return the trial of ``example`` that ``report`` describes."""
    blocking = [finding for finding in report.findings if finding.blocking]
    hit = any(example.hit_by(finding) for finding in blocking)
    calls = [call for call in report.calls if not call.from_store]
    return Trial(
        id=example.id,
        label=example.label,
        blocked=bool(blocking),
        hit=hit,
        unjudged=report.verdict is Verdict.INCONCLUSIVE or any(u.cause is Cause.UNAVAILABLE for u in report.unreviewed),
        cost_usd=report.cost_usd,
        seconds=report.seconds,
        requests=len(calls),
        tokens=sum(call.input_tokens + call.output_tokens for call in calls),
        weighty=tuple(
            Weighed(
                finding.severity.value,
                finding.confidence,
                finding.confirmed,
                example.hit_by(finding),
                "/" not in finding.source,
                finding.evidence.value,
                finding.blocking,
            )
            for finding in report.findings
            if finding.blocking or "/" in finding.source
        ),
    )


def judge(gate: Gate, snapshot: Snapshot) -> Report:
    """Return the report of ``gate`` on an example: checks and models, no commands."""
    return gate.assess("backtest", snapshot, Scope.REVIEW)


def run(
    routing: Routing,
    examples: Sequence[Example],
    *,
    repetition: int,
    workers: int,
    deadline: Deadline,
    store: Cache,
    progress: Progress,
    ending: Callable[[int], None] | None = None,
    earlier: Sequence[Trial] = (),
) -> list[Trial]:
    """Return a trial for each of ``examples``, in their order. Those in ``store`` cost nothing.

    ``deadline`` bounds all of them together, ``ending`` is as in `run_all`. The costs of ``earlier`` trials, of a round
    that left requests to a batch, are added. Raises CapReached, and what a judge raises; trials that are done by then
    are kept.
    """
    names = {example.id: _key(routing, example, repetition) for example in examples}
    stored = store.get(names.values())
    known = {
        example.id: from_json(stored[names[example.id]], Trial) for example in examples if names[example.id] in stored
    }
    missing = [example for example in examples if example.id not in known]
    before = {each.id: each for each in earlier}

    def one(example: Example) -> Trial:
        report = routing.judge(example)
        if any(item.cause is Cause.BUDGET for item in report.unreviewed):
            raise CapReached
        made = _added(trial(example, report), before.get(example.id))
        if not made.unjudged:
            store.put({names[example.id]: msgspec.json.encode(made)})
        return made

    progress.begin(f"backtest {routing.name}", len(examples))
    for _ in known:
        progress.advance()
    try:
        jobs = [partial(one, example) for example in missing]
        fresh = run_all(jobs, workers=workers, deadline=deadline, done=progress.advance, ending=ending)
    finally:
        progress.end()
    known |= {made.id: made for made in fresh if made is not None}
    return [known[example.id] for example in examples]


def _added(made: Trial, before: Trial | None) -> Trial:
    """Return ``made`` with what the requests of an earlier round have cost."""
    if before is None:
        return made
    return msgspec.structs.replace(
        made,
        cost_usd=total_cost((before.cost_usd, made.cost_usd)),
        requests=before.requests + made.requests,
        tokens=before.tokens + made.tokens,
    )


def _key(routing: Routing, example: Example, repetition: int) -> str:
    place = [example.id, example.base, example.tree, example.label.value]
    wrong = [f"{path!r} {sorted(each.after)} {sorted(each.removed)}" for path, each in sorted(example.wrong.items())]
    return key("trial/2", routing.digest, analyze.VERSION, verify.VERSION, str(repetition), *place, *wrong)
