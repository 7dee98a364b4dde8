"""The content of requests of the analyze and verify phases: changed lines in small parts, claims with their code."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType

import msgspec
from msgspec import Struct

from ralph_hooks.core.change import Entry, decode, lines_of
from ralph_hooks.core.data_sample import sample, shape
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.finding import Finding
from ralph_hooks.core.ports.change import Source
from ralph_hooks.core.prompt_diff import Part, excerpt, pack, render
from ralph_hooks.core.route import Chain
from ralph_hooks.core.text import beginning, path_line
from ralph_hooks.core.usage import estimate_tokens
from ralph_hooks.engine.models.token_budget import prompt_budget
from ralph_hooks.engine.review.context import ANALYZE_TOKENS, VERIFY_TOKENS, Signatures, is_at
from ralph_hooks.engine.review.review_input import ReviewInput
from ralph_hooks.languages.outline import definitions
from ralph_hooks.languages.test_files import subject
from ralph_hooks.phases import analyze, verify

_SHAPE = 2_000  # characters of the shape of a data file
_FRAME = 32  # tokens around a claim and its code: the fence, a heading
_LEAST_CALLED = 50  # tokens of signatures, however small the change is
_REACHES = (40, 20, 10, 5)  # lines of the file around a finding: as many as fit


class Batch(Struct, frozen=True):
    """The content of one request of the analyze phase."""

    chain: Chain
    parts: tuple[Part, ...]
    sampled: Mapping[str, str] = {}
    """By path, of which files ``parts`` are a sample: see `core.data_sample`."""
    rules: str = ""
    """The project's review guidelines for all of ``parts``."""
    called: tuple[str, ...] = ()
    """Signatures of what the changed lines call."""
    number: int = 0
    """Of the pass that it belongs to."""

    @property
    def tokens(self) -> int:
        """About how many tokens of code it holds."""
        return sum(part.tokens for part in self.parts) + sum(map(estimate_tokens, self.called))


def batched(
    missing: Sequence[tuple[Entry, Chain]],
    change: ReviewInput,
    deadline: Deadline | None = None,
    rules: Callable[[str], str] = lambda _: "",
    signatures: Signatures = MappingProxyType({}),
    passes: int = 1,
) -> list[Batch]:
    """Return the changes of ``missing`` in as few requests as hold them; after ``deadline`` no file is begun.

    ``rules`` gives the review guidelines for a path: files that share them share a request. ``signatures`` are of
    what the changed lines of a path call. Each of ``passes`` has all parts, the later ones in another order.
    """
    by_chain: dict[tuple[Chain, str], list[Part]] = defaultdict(list)
    sampled: dict[str, str] = {}
    shown = [
        (entry, chain, source, *sample(entry.path, source.hunks))
        for (entry, chain), source in zip(missing, change.sources([entry for entry, _ in missing]), strict=True)
        if deadline is None or not deadline.passed
    ]
    lines = sum(line.kind != " " for *_, hunks, _ in shown for hunk in hunks for line in hunk.lines)
    most = max(analyze.QUESTION_LINES, lines // analyze.MOST_QUESTIONS)
    for entry, chain, source, hunks, told in shown:
        if deadline is not None and deadline.passed:
            break
        parts = render(entry, source.content, hunks, _most(chain), most, _whole(source, most))
        if told:
            sampled[entry.path] = told
            parts = (msgspec.structs.replace(parts[0], text=_with_shape(parts[0].text, source, told)), *parts[1:])
        by_chain[chain, rules(entry.path)] += parts
    return [
        Batch(
            chain,
            tuple(batch),
            {part.path: sampled[part.path] for part in batch if part.path in sampled},
            text,
            _called(batch, signatures, min(ANALYZE_TOKENS, _most(chain) // 8)),
            number,
        )
        for number in range(passes)
        for (chain, text), parts in by_chain.items()
        for batch in pack(_ordered(parts, number), max(1, _most(chain) - estimate_tokens(text)), most, subject)
    ]


def _whole(source: Source, most: int) -> list[range]:
    """Return the lines of definitions that one question can hold; none if the change is not cut anyway."""
    if source.content.new is None or not any(len(hunk.lines) > most for hunk in source.hunks):
        return []
    found = definitions(source.path, decode(source.content.new))
    return [each.lines for each in found if len(each.lines) <= most * 3 // 2]


def _ordered(parts: Sequence[Part], number: int) -> Sequence[Part]:
    """Return ``parts`` in the order of pass ``number``: the same change is always asked about in the same way.

    In the first one, files that belong together are neighbours: a module and its tests.
    """
    if not number:
        first: dict[str, int] = {}
        for index, part in enumerate(parts):
            first.setdefault(subject(part.path), index)
        return sorted(parts, key=lambda part: first[subject(part.path)])
    seed = "\0".join([str(number), *(part.text for part in parts)])
    return random.Random(seed).sample(parts, len(parts))  # noqa: S311 - an order


def _called(parts: Sequence[Part], signatures: Signatures, most: int) -> tuple[str, ...]:
    """Return the signatures of what ``parts`` call, in ``most`` tokens and half of those of the parts, or a few."""
    left = min(most, max(_LEAST_CALLED, sum(part.tokens for part in parts) // 2))
    texts: dict[str, None] = {}
    for part in parts:
        numbers = {line.new for line in part.lines}
        for each in signatures.get(part.path, ()):
            size = estimate_tokens(each.text) + 1
            if each.text not in texts and size <= left and not numbers.isdisjoint(each.lines):
                texts[each.text] = None
                left -= size
    return tuple(texts)


def _with_shape(text: str, source: Source, told: str) -> str:
    """Add to the ``text`` of a sample what was left out and, for JSON, the shape of the whole file."""
    header, _, rest = text.partition("\n")
    lines = [header, f"[{told}]"]
    if source.path.lower().endswith((".json", ".geojson", ".arb")):
        import json

        with suppress(ValueError, RecursionError):  # the syntax check reports the error
            lines.append(f"[shape: {beginning(shape(json.loads(source.content.new or b'')), _SHAPE)}]")
    return "\n".join([*lines, rest])


def _most(chain: Chain) -> int:
    return prompt_budget(chain, analyze.SYSTEM, analyze.REQUEST_TOKENS)


def claim(finding: Finding, source: Source, most: int, context: str = "") -> verify.Claim:
    """Return the claim about ``finding`` for verify, in about ``most`` tokens including its surroundings."""
    statement = _statement(finding)
    left = max(0, most - _FRAME - estimate_tokens(statement))
    if estimate_tokens(context) > left // 2:
        context = ""
    code = _code(finding, source, left - estimate_tokens(context), VERIFY_TOKENS - estimate_tokens(context))
    return verify.Claim(statement, f"{code}\n{context}" if context else code)


def _statement(finding: Finding) -> str:
    side = "removed line" if finding.removed else "line"
    message = " ".join(finding.message.split())  # a line of its own could pass for another claim
    return f"{path_line(finding.path)}, {side} {finding.line} (`{finding.quote}`): {message}"


def _code(finding: Finding, source: Source, most: int, around: int) -> str:
    """Return the change around ``finding``, and the new file around it, which the analyze phase did not see.

    About ``most`` tokens at most, of which ``around`` are for the file around the change.
    """
    near = [hunk for hunk in source.hunks if any(is_at(finding, line) for line in hunk.lines)]
    parts = render(source.entry, source.content, near, most // 2)
    text = next((part for part in parts if any(is_at(finding, line) for line in part.lines)), parts[0]).text
    if source.content.new is None or finding.removed:
        return text
    lines = lines_of(source.content.new)
    left = min(around, most - estimate_tokens(text))
    excerpts = (excerpt(lines, finding.line, reach) for reach in _REACHES)
    shown = next((each for each in excerpts if estimate_tokens(each) <= left), "")
    return f"{text}\nThe file around it, after the change:\n{shown}" if shown else text
