"""The changed lines of a file as text for a model: numbered, with the definition that encloses them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from itertools import groupby

from msgspec import Struct

from ralph_hooks.core.change import Content, Entry, Hunk, Line, Status, lines_of
from ralph_hooks.core.lazy_pattern import lazy
from ralph_hooks.core.text import beginning, path_line
from ralph_hooks.core.usage import estimate_tokens

_DEFINITION = lazy(r"(?:async\s+def|def|class|function|fn|func|impl|struct|enum|interface|type|module|export|"
                         r"public|private|protected|static|sub|void|int)\b")  # fmt: skip
_CONTINUED = lazy(r"[)\]]|[{};,]*\s*$")  # nothing, brackets, `) -> None:`: the line before counts
_MAX_HEADING = 100  # characters
_MAX_NESTING = 8  # definitions

_STATUS_WORDS = {
    Status.ADDED: "new file",
    Status.COPIED: "copied from",
    Status.DELETED: "deleted",
    Status.RENAMED: "renamed from",
    Status.TYPE_CHANGED: "type changed",
}


class Part(Struct, frozen=True):
    """As much of one file's change as goes into one request; most files have one part."""

    path: str
    text: str
    lines: tuple[Line, ...]

    @property
    def changed(self) -> int:
        """Number of lines that are added or removed."""
        return _changed(self.lines)

    @property
    def tokens(self) -> int:
        """About how many tokens the text is."""
        return estimate_tokens(self.text)


def enclosing(lines: Sequence[str], number: int) -> str:
    """Return the first lines of the definitions around 1-based ``number``: see `headings`."""
    return headings(lines, [number])[number]


class _Scope(Struct, frozen=True):
    """A definition that is open at some line, and the one around it."""

    heading: str
    outer: _Scope | None


def headings(lines: Sequence[str], numbers: Iterable[int]) -> dict[int, str]:
    """Return for each of the 1-based ``numbers`` the first lines of the definitions around it, outermost first.

    Definitions are recognised by indentation, which works for most languages that people indent. It takes one pass over
    ``lines``, regardless of the number of ``numbers``; of deeply nested code the innermost `_MAX_NESTING` definitions
    count.
    """
    wanted = {number for number in numbers if 0 < number <= len(lines)}
    found = dict.fromkeys(numbers, "")
    indents: list[int] = []  # of the lines that are open, each deeper than the one before
    scopes: list[_Scope | None] = []  # the innermost definition up to each of them
    for number, line in enumerate(lines[: max(wanted, default=0)], start=1):
        text = line.lstrip()
        indent = len(line) - len(text)
        if number in wanted:
            depth = bisect_left(indents, indent) if text else len(indents)
            found[number] = _joined(scopes[depth - 1] if depth else None)
        if _CONTINUED.match(text):
            continue
        depth = bisect_left(indents, indent)
        del indents[depth:], scopes[depth:]
        outer = scopes[-1] if scopes else None
        indents.append(indent)
        heading = beginning(text.rstrip(), _MAX_HEADING).rstrip() if _DEFINITION.match(text) else ""
        scopes.append(_Scope(heading, outer) if heading else outer)
    return found


def _joined(scope: _Scope | None) -> str:
    names: list[str] = []
    while scope is not None and len(names) < _MAX_NESTING:
        names.append(scope.heading)
        scope = scope.outer
    return " > ".join(reversed(names))


def render(
    entry: Entry,
    content: Content,
    hunks: Sequence[Hunk],
    limit: int,
    most: int | None = None,
    whole: Sequence[range] = (),
) -> tuple[Part, ...]:
    """Return the change of one file in parts of at most about ``limit`` tokens, cut between hunks, else between lines.

    With ``most``, a part has at most about so many changed lines, and is cut between definitions where there are any.
    ``whole`` are ranges of lines after the change, each of a definition that is not cut if that can be helped.
    A changed line is its kind (``+`` or ``-``), its number and a space, then the code as it is; context has a space.
    """
    old, new = lines_of(content.old or b""), lines_of(content.new or b"")
    header = _header(entry)
    parts: list[Part] = []
    texts: list[str] = [header]
    held: list[Line] = []
    size = estimate_tokens(header)
    inside = frozenset(number for lines in whole for number in lines[1:])
    pieces = [piece for hunk in hunks for run in _pieces(hunk, limit) for piece in _cut(run, most, inside)]
    around = _headings(pieces, old, new)
    for piece, heading in zip(pieces, around, strict=True):
        text = _hunk_text(piece, heading)
        tokens = estimate_tokens(text)
        many = most is not None and _changed(held) + _changed(piece) > most
        if held and (many or size + tokens > limit):
            parts.append(Part(entry.path, "\n".join(texts), tuple(held)))
            texts, held, size = [header], [], estimate_tokens(header)
        texts.append(text)
        held.extend(piece)
        size += tokens
    parts.append(Part(entry.path, "\n".join(texts), tuple(held)))
    return tuple(parts)


def _header(entry: Entry) -> str:
    words = _STATUS_WORDS.get(entry.status, "")
    if entry.old_path != entry.path:
        words += f" {path_line(entry.old_path)}"
    return f"### {path_line(entry.path)}{f' ({words})' if words else ''}"


def _pieces(hunk: Hunk, limit: int) -> list[Sequence[Line]]:
    """Return a hunk whole where it fits, else in runs of lines that do (a single longer line stays whole)."""
    if sum(len(line.text) + 3 for line in hunk.lines) <= limit // 2:  # a character has at most one token
        return [hunk.lines]
    pieces: list[Sequence[Line]] = []
    start, size = 0, 0
    for index, line in enumerate(hunk.lines):
        tokens = estimate_tokens(line.text) + 2
        if index > start and size + tokens > limit // 2:
            pieces.append(hunk.lines[start:index])
            start, size = index, 0
        size += tokens
    pieces.append(hunk.lines[start:])
    return pieces


def _changed(lines: Sequence[Line]) -> int:
    return sum(line.kind != " " for line in lines)


def _cut(lines: Sequence[Line], most: int | None, inside: AbstractSet[int]) -> list[Sequence[Line]]:
    """Cut ``lines`` into runs of ``most`` changed lines, up to half more or less if a definition begins there.

    A run is shorter if all other places are ``inside`` a definition: in front of a line with one of these numbers.
    """
    pieces: list[Sequence[Line]] = []
    rest = lines
    while most is not None and _changed(rest) > most * 3 // 2:
        place = _place(rest, most, inside)
        pieces.append(rest[:place])
        rest = rest[place:]
    return [*pieces, rest]


def _place(lines: Sequence[Line], most: int, inside: AbstractSet[int]) -> int:
    """Return the best index to cut ``lines`` at."""
    count, best, place = 0, (False, -1, 0, 0), len(lines)
    earlier = 0
    following = _numbers(lines)
    for index, line in enumerate(lines):
        outside = following[index] not in inside
        if index and count and count < most // 2 and outside and _boundary(lines[index - 1], line):
            earlier = index
        if most // 2 <= count <= most * 3 // 2 and index:
            rank = (outside, _boundary(lines[index - 1], line), -_indent(line), -abs(count - most))
            if rank > best or place == len(lines):
                best, place = rank, index
        count += line.kind != " "
    return place if best[0] or not earlier else earlier


def _numbers(lines: Sequence[Line]) -> list[int]:
    """Return for each line its number after the change; for a removed one that of the next line that is still there."""
    numbers: list[int] = []
    following = 0
    for line in reversed(lines):
        following = line.new or following
        numbers.append(following)
    return numbers[::-1]


def _boundary(before: Line, line: Line) -> int:
    """Return how good a place to cut it is in front of ``line``: 2 where a definition begins, 1 after a blank line."""
    if before.text.lstrip().startswith(("@", "#[")):  # a decorator belongs to the next definition
        return 0
    text = line.text.lstrip()
    return 2 if _DEFINITION.match(text) or text.startswith(("@", "#[")) else int(not before.text.strip())


def _indent(line: Line) -> int:
    return len(line.text) - len(line.text.lstrip())


def _headings(pieces: Sequence[Sequence[Line]], old: Sequence[str], new: Sequence[str]) -> list[str]:
    """Return for each piece the definitions around its first changed line."""
    first = [next((line for line in piece if line.kind != " "), piece[0]) for piece in pieces]
    now = headings(new, [line.new for line in first if line.new])
    before = headings(old, [line.old or 0 for line in first if not line.new])
    return [now[line.new] if line.new else before[line.old or 0] for line in first]


def _hunk_text(lines: Sequence[Line], heading: str) -> str:
    return "\n".join([f"@@ {heading}".rstrip(), *map(numbered, lines)])


def numbered(line: Line) -> str:
    """Return one line of a change as a model sees it: ``+12 code``; the base's number if removed, none for context."""
    if line.kind == " ":
        return f" {line.text}"
    return f"{line.kind}{line.new if line.new is not None else line.old} {line.text}"


def excerpt(lines: Sequence[str], number: int, reach: int = 40) -> str:
    """Return the lines around 1-based ``number``, numbered, at most ``reach`` on each side."""
    start = max(1, number - reach)
    end = min(len(lines), number + reach)
    return "\n".join(f"{index} {lines[index - 1]}" for index in range(start, end + 1))


def pack(
    parts: Sequence[Part], limit: int, most: int | None = None, related: Callable[[str], str] = lambda path: path
) -> list[list[Part]]:
    """Return parts in as few requests as hold about ``limit`` tokens each; neighbours stay together.

    With ``most``, a request has at most so many changed lines, unless a single part has more. Parts of one file, and
    of neighbours with the same ``related``, share a request if all of them fit into one.
    """
    batches: list[list[Part]] = []
    size = limit + 1
    changed = 0
    for _, group in groupby(parts, key=lambda part: related(part.path)):
        members = list(group)
        tokens, lines = sum(part.tokens for part in members), sum(part.changed for part in members)
        fits_alone = tokens <= limit and (most is None or lines <= most)
        if fits_alone and (size + tokens > limit or (most is not None and changed + lines > most)):
            size = limit + 1
        for part in members:
            if size + part.tokens > limit or (most is not None and changed + part.changed > most):
                batches.append([])
                size = changed = 0
            batches[-1].append(part)
            size += part.tokens
            changed += part.changed
    return batches
