"""Excerpts of a file for a task: an expensive model is not sent code that it does not need."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ralph_hooks.core.text import plural
from ralph_hooks.core.usage import estimate_tokens
from ralph_hooks.languages.outline import Definition, definitions, enclosing, head_lines

_REACHES = (60, 20, 5)  # lines around a place, if its whole definition does not fit
_LOOSE = 10  # lines around a place that is in no definition


def view(
    path: str, text: str, *, whole: int, limit: int, names: Collection[str] = (), lines: Collection[int] = ()
) -> str:
    """Return ``text`` if it has at most ``whole`` tokens, else the parts that matter, in about ``limit``.

    These are the definitions called ``names`` and those around ``lines``, the imports, and the signatures of the rest.
    A line in brackets gives the number of omitted lines.
    """
    if estimate_tokens(text) <= whole:
        return text
    rows = text.removesuffix("\n").split("\n")
    found = definitions(path, text)
    head = head_lines(path, text)
    wanted = [each for each in found if _is_called(each, names)]
    wanted += [inner for line in lines if (inner := enclosing(found, line))]
    bodies = {line for each in wanted for line in each.lines}
    loose = _near([line for line in lines if line not in bodies], _LOOSE)
    signatures = {line for each in found for line in each.signature}
    core = head | bodies | loose
    for kept in (core | signatures, core, *(signatures & bodies | loose | _near(lines, reach) for reach in _REACHES)):
        shown = _shown(rows, kept)
        if (lines or kept >= core) and estimate_tokens(shown) <= limit:
            return shown
    return _shown(rows, _first(rows, core, limit))


def _near(lines: Collection[int], reach: int) -> set[int]:
    return {near for line in lines for near in range(line - reach, line + reach + 1)}


def _first(rows: Sequence[str], kept: Collection[int], limit: int) -> set[int]:
    """Return as many of ``kept``, from the top, as hold ``limit`` tokens."""
    fitting: set[int] = set()
    room = limit
    for line in sorted(line for line in kept if 0 < line <= len(rows)):
        room -= estimate_tokens(rows[line - 1] + "\n")
        if room < 0:
            break
        fitting.add(line)
    return fitting


def _shown(rows: Sequence[str], kept: Collection[int]) -> str:
    texts: list[str] = []
    skipped: list[str] = []
    for number, row in enumerate(rows, start=1):
        if number in kept:
            texts += [*_gap(skipped), row]
            skipped = []
        else:
            skipped.append(row)
    return "\n".join([*texts, *_gap(skipped)]) + "\n"


def _gap(skipped: Sequence[str]) -> Sequence[str]:
    """Return the replacement for omitted lines; blank ones are kept, as they are shorter than a note about them."""
    return [f"[... {plural(len(skipped), 'line')} left out ...]"] if any(map(str.strip, skipped)) else skipped


def _is_called(definition: Definition, names: Collection[str]) -> bool:
    return any(definition.name == name or definition.name.endswith(f".{name}") for name in names)
