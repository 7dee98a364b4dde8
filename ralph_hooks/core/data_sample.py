"""The shape and a sample of large data files and documents (fixtures, dumps, translations), for a model."""

from __future__ import annotations

from collections.abc import Sequence
from posixpath import splitext

from ralph_hooks.core.change import Hunk, Line
from ralph_hooks.core.text import beginning, plural
from ralph_hooks.core.usage import estimate_tokens

_DATA = frozenset((
    ".arb", ".bib", ".csv", ".dat", ".ftl", ".geojson", ".gml", ".gpx", ".ics", ".json", ".json5", ".jsonc", ".jsonl",
    ".kml", ".log", ".ndjson", ".plist", ".po", ".pot", ".properties", ".resx", ".sql", ".srt", ".strings", ".svg",
    ".toml", ".tsv", ".txt", ".vcf", ".vtt", ".xlf", ".xliff", ".xml", ".yaml", ".yml",
))  # fmt: skip
_DOCUMENTS = frozenset((".adoc", ".htm", ".html", ".ipynb", ".markdown", ".md", ".rst", ".tex", ".xhtml"))
_WHOLE_DATA, _WHOLE_DOCUMENT = 6_000, 25_000  # tokens: changes of up to this size are sent whole
_LONG_OUTPUT = 2_000  # characters: longer lines of a notebook are images and other output
SAMPLE_TOKENS = 2_000
_RUN = 3  # neighbouring lines, so that a record can be seen
_LINE = 400  # characters of a line in a sample
_DEPTH, _KEYS = 3, 12  # of the shape


def sample(path: str, hunks: Sequence[Hunk]) -> tuple[Sequence[Hunk], str]:
    """Return the lines of ``hunks`` to send and, if they are a sample, a sentence that says so (else "").

    Only large changes of data files and documents are sampled: runs of lines, evenly spread, from the first to the
    last. Of a notebook the long lines are shortened first, for its cells are code.
    """
    suffix = splitext(path)[1].lower()
    most = _WHOLE_DATA if suffix in _DATA else _WHOLE_DOCUMENT if suffix in _DOCUMENTS else None
    if most is None:
        return hunks, ""
    told = ""
    if suffix == ".ipynb" and (long := sum(len(line.text) > _LONG_OUTPUT for hunk in hunks for line in hunk.lines)):
        hunks = [Hunk(tuple(_shortened(line, _LINE, _LONG_OUTPUT) for line in hunk.lines)) for hunk in hunks]
        told = f"{plural(long, 'long line')} of output shortened"
    lines = [line for hunk in hunks for line in hunk.lines]
    changed = sum(line.kind != " " for line in lines)
    total = sum(len(line.text) for line in lines) // 4
    if total <= most:
        return hunks, told
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


def _shortened(line: Line, width: int, longest: int = 0) -> Line:
    if len(line.text) <= max(width, longest):
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
