"""Select the parts of files that go into a repair prompt, within a token limit."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from ralph_hooks.core.change import decode
from ralph_hooks.core.ports.change import Source
from ralph_hooks.core.prompt_diff import render
from ralph_hooks.core.review_rules import EMPTY
from ralph_hooks.core.text import path_line
from ralph_hooks.core.usage import estimate_tokens
from ralph_hooks.engine.repair.excerpt import view
from ralph_hooks.languages.outline import definitions
from ralph_hooks.phases.problem import Shown

CHANGE_TOKENS = 6_000
"""About how much of the change the plan phase sees."""
IMPLEMENT_CHANGE_TOKENS = 2_000
"""The same for the model that writes the repair, which gets the files too."""
OUTLINE_TOKENS = 3_000
LISTED_TOKENS = 1_500
FILES_TOKENS = 24_000
"""Approximate number of tokens of files for the model that writes the repair."""
_WHOLE = 2_000  # tokens: a smaller file is shown whole
_PART = 4_000  # tokens of a larger one
_PATH = re.compile(r"[^\s'\"`(),:;<>=]+")


class Withheld(Protocol):
    """The signature of `ModelAccess.withheld`."""

    def __call__(self, path: str, data: bytes | None = None) -> str:
        """Return why no request may hold ``path``; empty if one may."""
        ...


class Chosen(Struct, frozen=True):
    """Files for a model, and those that were wanted and could not be shown, with the reason."""

    shown: tuple[Shown, ...]
    left_out: tuple[str, ...]
    tokens: int
    """About how much is shown,"""
    of: int
    """of how much there is in these files."""


class FileContext:
    """Selection of files, read through ``read`` unless ``withheld`` gives a reason against it."""

    def __init__(self, withheld: Withheld, paths: Sequence[str], read: Callable[[str], bytes | None]) -> None:
        self._withheld = withheld
        self.paths = paths
        self._read = read

    def text(self, path: str) -> str | None:
        """Return the file as text with LF line ends; None if no model may or can read it."""
        data = None if self._withheld(path) else self._read(path)
        if data is None or self._withheld(path, data) not in {"", EMPTY}:
            return None
        return decode(data).replace("\r\n", "\n")

    def choose(
        self, wanted: Mapping[str, Collection[str]], places: Mapping[str, Collection[int]], limit: int
    ) -> Chosen:
        """Return the files ``wanted``; of large ones the relevant definitions, and those around ``places`` (lines)."""
        shown: list[Shown] = []
        left_out: list[str] = []
        room, of = limit, 0
        for path, names in wanted.items():
            text = self.text(path)
            if text is None:
                left_out.append(f"{path_line(path)} cannot be shown")
                continue
            lines = places.get(path, ())
            part = view(path, text, whole=_WHOLE if names or lines else _PART, limit=_PART, names=names, lines=lines)
            if estimate_tokens(part) > room:
                left_out.append(f"{path_line(path)} does not fit")
                continue
            shown.append(Shown(path, part))
            room -= estimate_tokens(part)
            of += estimate_tokens(text)
        return Chosen(tuple(shown), tuple(left_out), limit - room, of)

    def outline(self, paths: Iterable[str], limit: int = OUTLINE_TOKENS) -> str:
        """Return ``paths`` with the names and lines of their definitions, as many as fit."""
        texts: list[str] = []
        room = limit
        for path in paths:
            text = self.text(path)
            if text is None:
                continue
            rows = [f"{path_line(path)} ({text.count(chr(10))} lines)"]
            rows += [f"  {d.name} {d.first}-{d.last}" for d in definitions(path, text)]
            entry = "\n".join(rows)
            if estimate_tokens(entry) > room:
                entry = rows[0]
            room -= estimate_tokens(entry)
            if room < 0:
                break
            texts.append(entry)
        return "\n".join(texts)

    def listed(self, near: Collection[str], limit: int = LISTED_TOKENS) -> list[str]:
        """Further files, those in the folders of ``near`` first."""
        folders = {path.rpartition("/")[0] for path in near}
        others = [path for path in self.paths if path not in near]
        others.sort(key=lambda path: (path.rpartition("/")[0] not in folders, path.count("/"), path))
        kept: list[str] = []
        for path in others:
            if self._withheld(path):
                continue
            limit -= estimate_tokens(path) + 1
            if limit < 0:
                break
            kept.append(path)
        return kept

    def mentioned(self, text: str) -> Iterator[str]:
        """Yield files mentioned in ``text``, such as the output of tests; by their name alone if only one has it."""
        by_name: dict[str, list[str]] = {}
        for path in self.paths:
            by_name.setdefault(path.rpartition("/")[2], []).append(path)
        known = set(self.paths)
        seen: set[str] = set()
        for word in _PATH.findall(text):
            plain = word.removeprefix("./")
            same = by_name.get(plain.rpartition("/")[2], [])
            ends = [path for path in same if plain in known or plain.endswith(f"/{path}")]
            found = plain if plain in known else ends[0] if ends else same[0] if len(same) == 1 else None
            if found and found not in seen:
                seen.add(found)
                yield found


def change_text(sources: Iterable[Source], limit: int = CHANGE_TOKENS) -> str:
    """Return the changed lines of ``sources``, as many files as fit."""
    texts: list[str] = []
    for source in sources:
        for part in render(source.entry, source.content, source.hunks, limit):
            limit -= part.tokens
            if limit < 0:
                return "\n".join([*texts, "[... the rest of the change is left out ...]"])
            texts.append(part.text)
    return "\n".join(texts)
