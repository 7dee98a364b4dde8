"""Rules of the project that every change has to keep, put to the verify model as claims."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import msgspec
from msgspec import Struct

from ralph_hooks.core.change import Entry
from ralph_hooks.core.finding import Finding, Severity
from ralph_hooks.core.patch import Part, pack, render
from ralph_hooks.core.ports import Store
from ralph_hooks.core.route import Chain, Model, Phase
from ralph_hooks.engine.caller import Caller, Unanswered
from ralph_hooks.engine.keys import content_key, key
from ralph_hooks.engine.material import Material
from ralph_hooks.engine.parallel import Team
from ralph_hooks.phases import analyze, verify

DEADLINE = "the deadline was reached"


class Kept(Struct, frozen=True):
    """What came of asking: a finding for each broken rule, and why rules could not be judged."""

    findings: tuple[Finding, ...] = ()
    problems: tuple[str, ...] = ()


class _Broken(Struct, frozen=True):
    """One broken rule as the store keeps it: the place is the n-th entry of the change."""

    statement: str
    reason: str
    confidence: float
    entry: int
    line: int
    text: str


class Invariants:
    """Asks whether ``statements`` still hold after a change."""

    def __init__(self, statements: Sequence[str], chain: Chain, *, caller: Caller, store: Store, team: Team) -> None:
        self._statements = tuple(statements)
        self._chain = chain
        self._caller = caller
        self._store = store
        self._team = team

    def check(self, entries: Sequence[Entry], material: Material) -> Kept:
        """One finding for each statement and request that it does not hold for. Asked once per content."""
        if not self._statements or not entries:
            return Kept()
        if not self._chain:
            return Kept(problems=("no verify model is configured, so the invariants were not judged",))
        keys = {self._key(model, entries): model for model in self._chain}
        stored = self._store.get(keys)
        for name, model in keys.items():
            if name in stored:
                self._caller.remembered(Phase.VERIFY, model.id)
                broken = msgspec.json.decode(stored[name], type=tuple[_Broken, ...])
                return Kept(tuple(_finding(item, entries, model) for item in broken))
        parts = [
            part
            for source in material.sources(entries)
            for part in render(source.entry, source.content, source.hunks, analyze.REQUEST_TOKENS)
        ]
        positions = {entry.path: index for index, entry in enumerate(entries)}
        jobs = [partial(self._ask, batch, positions) for batch in pack(parts, analyze.REQUEST_TOKENS)]
        answers = self._team.run("invariants", jobs)
        problems = tuple(
            dict.fromkeys(DEADLINE if answer is None else answer for answer in answers if not isinstance(answer, tuple))
        )
        judged = [answer for answer in answers if isinstance(answer, tuple)]
        if not problems:
            whole = [item for broken, _ in judged for item in broken]
            self._store.put({self._key(judged[0][1], entries): msgspec.json.encode(whole)})
        return Kept(tuple(_finding(item, entries, model) for broken, model in judged for item in broken), problems)

    def _key(self, model: Model, entries: Sequence[Entry]) -> str:
        contents = (content_key("invariants", verify.VERSION, entry) for entry in entries)
        return key(model.id, model.provider.base_url, *self._statements, *contents)

    def _ask(self, parts: Sequence[Part], positions: dict[str, int]) -> tuple[list[_Broken], Model] | str:
        code = "\n".join(part.text for part in parts)
        claims = [verify.Claim(f"This rule is kept: {statement}", code) for statement in self._statements]
        question = msgspec.structs.replace(verify.question(claims, self._caller.marker()), divisible=False)
        try:
            verdicts, model = self._caller.ask(question, self._chain)
        except Unanswered as fault:
            return str(fault)
        place = next((line for line in parts[0].lines if line.kind != " "), None)
        line, text = (place.new or place.old or 1, place.text) if place else (1, "")
        return [
            _Broken(statement, verdict.reason, verdict.confidence, positions[parts[0].path], line, text)
            for statement, verdict in zip(self._statements, verdicts, strict=True)
            if not verdict.holds
        ], model


def _finding(item: _Broken, entries: Sequence[Entry], model: Model) -> Finding:
    return Finding(
        path=entries[item.entry].path,
        line=item.line,
        end_line=item.line,
        category="invariant",
        severity=Severity.ERROR,
        confidence=min(1.0, max(0.0, item.confidence)),
        message=f"breaks the rule '{item.statement}': {item.reason}",
        quote=item.text.strip(),
        context=item.text,
        source=model.id,
        confirmed=True,
        blocking=True,
    )
