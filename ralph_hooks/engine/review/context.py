"""Context that exonerates: signatures of what changed lines call, and callers of a changed definition.

Published models get worse with whole files (arXiv 2603.26130), so both are small. A name that may mean several
definitions is left out rather than guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from posixpath import basename
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from ralph_hooks.core.change import Entry, Line, decode
from ralph_hooks.core.finding import Finding
from ralph_hooks.core.guidance import named
from ralph_hooks.core.ports.change import Source
from ralph_hooks.core.ports.checks import SecretCheck
from ralph_hooks.core.ports.store import Cache
from ralph_hooks.core.review_rules import related_suffixes
from ralph_hooks.core.text import beginning, path_line
from ralph_hooks.core.usage import estimate_tokens
from ralph_hooks.engine.cache_keys import key, read_back
from ralph_hooks.engine.models.access import ModelAccess
from ralph_hooks.engine.review.review_input import ReviewInput
from ralph_hooks.languages.common_names import is_common
from ralph_hooks.languages.outline import CalledName, Definition, definitions, enclosing
from ralph_hooks.languages.table import language_of
from ralph_hooks.languages.test_files import is_test_file

if TYPE_CHECKING:
    from ralph_hooks.engine.review.tree_index import IndexedFile, TreeIndex

ANALYZE_TOKENS = 600
"""The most tokens of signatures in one question of the analyze phase."""
VERIFY_TOKENS = 1_200
"""The most tokens around one claim of the verify phase: callers, and the file around the change."""
_CALLERS_TOKENS, _CALLED_TOKENS = 500, 200  # of them
_VERSION = "1"
_MOST_CHANGED = 200  # files: of a larger change too much is new for what is around it to say much
_MOST_SITES = 8
_AROUND = 3  # lines on each side of a call
_SIGNATURE = 240  # characters
_OWN = frozenset(("self", "cls", "this", "super"))
_CONSTRUCTORS = frozenset(("__init__", "__new__", "constructor"))


class Signature(Struct, frozen=True):
    """A definition that changed lines call."""

    lines: frozenset[int]
    """The calling lines, as they are numbered after the change."""
    text: str
    """``path:line`` and the signature, in one line."""


Signatures = Mapping[str, tuple[Signature, ...]]


class CodeContext:
    """The code around one change, from the judged tree. Nothing is read before it is needed."""

    def __init__(self, models: ModelAccess, change: ReviewInput, cache: Cache, secrets: SecretCheck) -> None:
        self._models = models
        self._input = change
        self._cache = cache
        self._secrets = secrets
        self._open = [entry for entry in change.open_to_models if not models.withheld(entry.path)]
        self._found: dict[str, tuple[Signature, ...]] = {}

    # Signatures

    def digests(self, entries: Sequence[Entry]) -> Mapping[str, str]:
        """Return a digest of the signatures for each path that has some, without reading code if the tree is known."""
        if not self._is_eligible:
            return {}
        change = self._input.snapshot.change
        limits, routes = self._models.limits, self._models.settings.routes
        skipped = [pattern for route in routes if route.skip for pattern in route.paths]
        paths = [entry.path for entry in entries]
        name = key("context", _VERSION, change.tree, change.base, *limits.exclude, "", *skipped, "", *paths)
        known = read_back(self._cache.get([name]).get(name), dict[str, str])
        if known is not None:
            return known
        found = self.signatures(entries)
        digests = {path: named(*(each.text for each in every)) for path, every in found.items() if every}
        if self._index is not None and self._index.is_complete:
            self._cache.put({name: msgspec.json.encode(digests)})
        return digests

    def signatures(self, entries: Sequence[Entry]) -> Signatures:
        """Return the signatures of what the changed lines of ``entries`` call, by path."""
        missing = [entry for entry in entries if entry.path not in self._found]
        if self._is_eligible and missing and self._index is not None:
            self._found |= self._signatures(missing, self._index)
        return {entry.path: self._found.get(entry.path, ()) for entry in entries}

    def _signatures(self, entries: Sequence[Entry], index: TreeIndex) -> dict[str, tuple[Signature, ...]]:
        called: dict[str, list[CalledName]] = {}
        for source in self._input.sources([entry for entry in entries if _has_definitions(entry.path)]):
            added = {line.new for hunk in source.hunks for line in hunk.lines if line.kind == "+"}
            calls = [call for call in index.outline(source.path).calls if call.line in added]
            if calls:
                called[source.path] = calls
        found: dict[str, tuple[Signature, ...]] = {}
        for family in _by_language(called):
            names = [call.name for path in family for call in called[path] if _is_telling(call, path)]
            files = index.find(names, family[0])
            for path in family:
                found[path] = tuple(self._of_calls(path, called[path], files, index))
        return {**dict.fromkeys((entry.path for entry in entries), ()), **found}

    def _of_calls(
        self, path: str, calls: Sequence[CalledName], files: Mapping[str, list[IndexedFile]], index: TreeIndex
    ) -> Iterator[Signature]:
        (source,) = self._input.sources([next(entry for entry in self._open if entry.path == path)])
        shown = {line.new for hunk in source.hunks for line in hunk.lines}
        lines: dict[tuple[str, int], set[int]] = {}
        targets: dict[tuple[str, int], Definition] = {}
        for call in calls:
            target = _target(call, path, files, index)
            if target is None or (target[0] == path and set(target[1].signature) <= shown):
                continue
            place = (target[0], target[1].first)
            targets[place] = target[1]
            lines.setdefault(place, set()).add(call.line)
        left = ANALYZE_TOKENS
        index.prepare(file for file, _ in targets)
        for place, definition in targets.items():
            text = _signature(place[0], definition, index)
            left -= estimate_tokens(text) + 1 if text else 0
            if left < 0:
                return
            if text:
                yield Signature(frozenset(lines[place]), text)

    # Callers

    def of_claim(self, finding: Finding, source: Source) -> str:
        """Return what the code around ``finding`` calls, and the callers of its definition; empty if unknown."""
        index = self._index if self._is_eligible and _has_definitions(source.path) else None
        if index is None:
            return ""
        return "\n".join(filter(None, (self._called_near(finding, source), self._callers(finding, source, index))))

    def _called_near(self, finding: Finding, source: Source) -> str:
        hunks = (hunk.lines for hunk in source.hunks)
        near = next((lines for lines in hunks if any(is_at(finding, line) for line in lines)), ())
        numbers = {line.new for line in near}
        left = _CALLED_TOKENS
        texts: list[str] = []
        for each in self.signatures([source.entry])[source.path]:
            size = estimate_tokens(each.text) + 1
            if size <= left and not numbers.isdisjoint(each.lines):
                texts.append(f"= {each.text}")
                left -= size
        return "\n".join(["Signatures of what the change calls:", *texts]) if texts else ""

    def _callers(self, finding: Finding, source: Source, index: TreeIndex) -> str:
        around = _definition(finding, source)
        name = _called_as(around) if around is not None else ""
        if around is None or not name:
            return ""
        method = "." in around.name and around.short_name not in _CONSTRUCTORS
        files = None if method and is_common(name) else index.find([name], source.path).get(name)
        blocks: list[str] = []
        left = _CALLERS_TOKENS
        sites = _sites(name, around, source.path, files or (), method=method)
        index.prepare(path for path, _ in sites[:_MOST_SITES])
        for path, calls in sites:
            for text in _blocks(path, calls, index):
                left -= estimate_tokens(text) + 1
                if left < 0 or len(blocks) == _MOST_SITES:
                    break
                blocks.append(text)
        return "\n".join([f"Callers of `{name}` in the tree under review:", *blocks]) if blocks else ""

    # Where it comes from

    @property
    def _is_eligible(self) -> bool:
        return self._input.is_whole and 0 < len(self._open) <= _MOST_CHANGED

    @cached_property
    def _index(self) -> TreeIndex | None:
        """The index of the judged tree; None after the deadline, and if only the change itself is available."""
        deadline = self._models.caller.deadline
        unchanged = None if deadline.passed else self._input.snapshot.unchanged()
        if unchanged is None:
            return None
        from ralph_hooks.engine.review.tree_index import TreeIndex  # a cached commit does without

        sources = self._input.sources([entry for entry in self._open if _has_definitions(entry.path)])
        return TreeIndex(sources, unchanged, self._cache, deadline, self._models.withheld, self._secrets)


def is_at(finding: Finding, line: Line) -> bool:
    """Return True if ``finding`` is about ``line``."""
    return (line.old if finding.removed else line.new) == finding.line


def _has_definitions(path: str) -> bool:
    language = language_of(path)
    return language is not None and language.grammar is not None and bool(language.grammar.calls)


def _by_language(paths: Mapping[str, object]) -> list[list[str]]:
    families: dict[tuple[str, ...], list[str]] = {}
    for path in paths:
        families.setdefault(related_suffixes(path), []).append(path)
    return list(families.values())


def _is_telling(call: CalledName, path: str) -> bool:
    """Return False for names that nearly always belong to the language's own library."""
    return not is_common(call.name) or _receiver(call) in _OWN or (_is_python(path) and not _receiver(call))


def _is_python(path: str) -> bool:
    return path.endswith((".py", ".pyi"))


def _receiver(call: CalledName) -> str:
    """Return the last name in front of the called one: ``garage`` of ``self.garage.leave``."""
    return call.written.rpartition(".")[0].rpartition(".")[2]


def _target(
    call: CalledName, path: str, files: Mapping[str, list[IndexedFile]], index: TreeIndex
) -> tuple[str, Definition] | None:
    """Return the file and definition that ``call`` in ``path`` means; None if that is not certain."""
    own = index.outline(path).definitions
    receiver = _receiver(call)
    around = enclosing(own, call.line)
    if receiver in _OWN or not receiver:
        holder = around.name.rpartition(".")[0] if around is not None else ""
        same = [each for each in own if holder and each.name == f"{holder}.{call.name}"]
        if len(same) == 1 and (receiver or not _is_python(path)):
            return path, same[0]
    if not receiver:
        same = [each for each in own if each.name == call.name]
        if same:
            return (path, same[0]) if len(same) == 1 else None
        imported = index.outline(path).imported
        if call.name not in imported and "*" not in imported if _is_python(path) else is_common(call.name):
            return None
    found = [
        (file.path, each)
        for file in files.get(call.name, ())
        if is_test_file(path) or not is_test_file(file.path)
        for each in file.outline.definitions
        if each.short_name == call.name
    ]
    if not receiver and _is_python(path):
        found = [pair for pair in found if "." not in pair[1].name]  # a method is never called by its name alone
    elif receiver and receiver not in _OWN:
        exact = [pair for pair in found if receiver in {_stem(pair[0]), pair[1].name.rpartition(".")[0]}]
        if len(exact) == 1:
            return exact[0]
        if is_common(call.name):
            return None
    return found[0] if len(found) == 1 else None


def _stem(path: str) -> str:
    return basename(path).partition(".")[0]


def _signature(path: str, definition: Definition, index: TreeIndex) -> str:
    """Return place and signature of ``definition``; of a class also how it is made. Empty if it must not be shown."""
    lines = index.lines(path)
    if not lines:
        return ""
    made = [
        each
        for each in index.outline_of(path).definitions
        if each.name.rpartition(".")[0] == definition.name and each.short_name in _CONSTRUCTORS
    ]
    parts = [definition, *(made if len(made) == 1 else ())]
    told = " ".join(_joined(lines[each.first - 1 : each.body - 1]) for each in parts)
    return f"{path_line(path)}:{definition.first} {beginning(told, _SIGNATURE)}"


def _joined(lines: Sequence[str]) -> str:
    return re.sub(r"\s+", " ", " ".join(lines)).strip()


def _definition(finding: Finding, source: Source) -> Definition | None:
    side = source.content.old if finding.removed else source.content.new
    return enclosing(definitions(source.path, decode(side or b"")), finding.line)


def _called_as(definition: Definition) -> str:
    """Return the name by which callers know ``definition``: of a constructor that of its class; empty if by none."""
    name = definition.short_name
    if name in _CONSTRUCTORS:
        return definition.name.rpartition(".")[0].rpartition(".")[2]
    return "" if name.startswith("__") else name


def _sites(
    name: str, around: Definition, path: str, files: Sequence[IndexedFile], *, method: bool
) -> list[tuple[str, list[CalledName]]]:
    """Return the calls of ``around`` by file, those of tests last.

    If another definition has its name, only those that are certain.
    """
    others = [
        each
        for file in files
        if not is_test_file(file.path)
        for each in file.outline.definitions
        if each.short_name == name and (file.path, each.name) != (path, around.name)
    ]
    constructor = around.short_name in _CONSTRUCTORS
    unique = len(others) <= constructor  # the class itself has the name that its constructor is called by
    found: list[tuple[str, list[CalledName]]] = []
    for file in sorted(files, key=lambda each: (is_test_file(each.path), each.path != path, each.path)):
        calls = [
            call
            for call in file.outline.calls
            if call.name == name
            and not (file.path == path and call.line in around.lines)
            and (bool(_receiver(call)) or not method or not _is_python(path))
            and (unique or _is_certain(call, around, path, file))
        ]
        if calls:
            found.append((file.path, calls))
    return found


def _is_certain(call: CalledName, around: Definition, path: str, file: IndexedFile) -> bool:
    """Return whether ``call`` means ``around``, although another definition has the same name."""
    if file.path != path:
        return _receiver(call) in {_stem(path), around.name.rpartition(".")[0]} - {""}
    holder = around.name.rpartition(".")[0]
    if not holder:
        return not _receiver(call)
    inside = enclosing(file.outline.definitions, call.line)
    return _receiver(call) in _OWN and inside is not None and inside.name.rpartition(".")[0] == holder


def _blocks(path: str, calls: Sequence[CalledName], index: TreeIndex) -> Iterator[str]:
    """Yield the code around ``calls`` with where it is; calls that are near each other once."""
    lines = index.lines(path)
    if not lines:
        return
    found = index.outline_of(path).definitions
    last = 0
    for call in calls:
        if call.line <= last:
            continue
        inside = enclosing(found, call.line)
        body = inside.lines if inside is not None else range(1, len(lines) + 1)
        first = max(call.line - _AROUND, body.start, last + 1)
        last = min(call.line + _AROUND, body.stop - 1, len(lines))
        place = f"@@ {path_line(path)}:{call.line}{f' in {inside.name}' if inside is not None else ''}"
        yield "\n".join([place, *(f" {lines[number - 1]}" for number in range(first, last + 1))])
