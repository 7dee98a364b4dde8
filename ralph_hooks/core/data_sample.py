"""Large data files (fixtures, dumps, translations) as a model sees them: their shape and a sample of their lines."""

from __future__ import annotations

from collections.abc import Sequence
from posixpath import splitext

from ralph_hooks.core.change import Hunk, Line
from ralph_hooks.core.text import beginning
from ralph_hooks.core.usage import estimate_tokens

DATA_SUFFIXES = frozenset((
    ".arb", ".csv", ".geojson", ".json", ".jsonl", ".log", ".ndjson", ".po", ".pot", ".properties", ".resx", ".sql",
    ".strings", ".tsv", ".xlf", ".xliff", ".xml", ".yaml", ".yml",
))  # fmt: skip
WHOLE_TOKENS = 6_000
"""A change of a data file up to this size is sent whole."""
SAMPLE_TOKENS = 2_000
_RUN = 3  # neighbouring lines, so that a record can be seen
_LINE = 400  # characters of a line in a sample
_DEPTH, _KEYS = 3, 12  # of the shape


def sample(path: str, hunks: Sequence[Hunk]) -> tuple[Sequence[Hunk], str]:
    """Return the lines of ``hunks`` to send and, if they are a sample, a sentence that says so (else "").

    Only data files whose changed lines exceed `WHOLE_TOKENS` are sampled: runs of lines, evenly spread, from the first
    to the last.
    """
    if splitext(path)[1].lower() not in DATA_SUFFIXES:
        return hunks, ""
    lines = [line for hunk in hunks for line in hunk.lines]
    changed = sum(line.kind != " " for line in lines)
    total = sum(len(line.text) for line in lines) // 4
    if total <= WHOLE_TOKENS:
        return hunks, ""
    width = max(1, min(_LINE, SAMPLE_TOKENS * 4 // max(1, min(len(lines), 8 * _RUN))))
    each = max(1, sum(min(len(line.text), width) for line in lines) // len(lines) // 4 + 2)
    runs = max(2, SAMPLE_TOKENS // (each * _RUN))
    step = max(_RUN, len(lines) // runs)
    kept: list[Hunk] = []
    tokens = shown = 0
    for start in range(0, len(lines), step):
        run = tuple(_shortened(line, width) for line in lines[start : start + _RUN])
        tokens += sum(estimate_tokens(line.text) + 2 for line in run)
        if kept and tokens > SAMPLE_TOKENS:
            break
        kept.append(Hunk(run))
        shown += sum(line.kind != " " for line in run)
    return kept, f"data: a sample of {shown:,} of {changed:,} changed lines was reviewed"


def _shortened(line: Line, width: int) -> Line:
    if len(line.text) <= width:
        return line
    return Line(line.kind, line.old, line.new, f"{beginning(line.text, width)} [...]")


def shape(value: object, depth: int = _DEPTH) -> str:
    """Describe JSON ``value`` by the types it is made of: ``{"users": [2000 x {"id": int, "name": str}]}``."""
    if isinstance(value, dict):
        if not depth:
            return f"{{{len(value)} keys}}"
        shown = [f'"{beginning(str(key), 40)}": {shape(item, depth - 1)}' for key, item in list(value.items())[:_KEYS]]
        more = [f"... {len(value) - _KEYS} more keys"] if len(value) > _KEYS else []
        return "{" + ", ".join([*shown, *more]) + "}"
    if isinstance(value, list):
        return f"[{len(value)} x {shape(value[0], depth - 1)}]" if value and depth else f"[{len(value)} items]"
    return "null" if value is None else type(value).__name__
