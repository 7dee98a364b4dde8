"""Prose that models read before the code, as data: the project's review guidelines and the author's intent."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from msgspec import Struct

from ralph_hooks.core.lazy_pattern import lazy
from ralph_hooks.core.text import beginning, one_line

MAX_GUIDELINES = 6_000
"""Characters, for all files of one route together: about 1,500 tokens."""
MAX_INTENT = 2_000
"""Characters: about 500 tokens."""
_HEADING = lazy(r"(#{1,6})[ \t]+(.*?)[ \t#]*$")
_REVIEW = lazy(r"(?i)\breview")
_FENCE = lazy(r"[ \t]{0,3}(`{3,}|~{3,})")


class Guidance(Struct, frozen=True, kw_only=True):
    """Guidance for models besides the code."""

    files: Mapping[str, str] = {}
    """Guidelines by the name they have in the settings, as the base of the change has them."""
    intent: str = ""
    """Intent of the author: ``--intent``, or the messages of the pushed commits."""
    from_messages: bool = False
    """True if the intent comes from commit messages: verdicts from the commit, reached without it, are then reused."""
    notices: tuple[str, ...] = ()
    """Notices about guidance that could not be read, or was cut."""

    def rules(self, names: Sequence[str]) -> str:
        """Return the guidelines called ``names``; empty if none is there."""
        texts = [
            f"{one_line(name)}:\n{self.files[name].strip()}" for name in dict.fromkeys(names) if name in self.files
        ]
        return beginning("\n\n".join(texts), MAX_GUIDELINES)

    @property
    def digest(self) -> str:
        """Digest of all guidelines; empty if there are none. A verdict depends on their content."""
        return named(*(f"{name}\0{text}" for name, text in sorted(self.files.items())))


def named(*texts: str) -> str:
    """Return the part of a cache key for ``texts``; empty if all are empty."""
    if not any(texts):
        return ""
    return hashlib.sha256("\0".join(texts).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def load(names: Sequence[str], files: Mapping[str, bytes], intent: str = "") -> Guidance:
    """Return the guidance of a change.

    Args:
        names: as in the settings: ``REVIEW.md``, or ``AGENTS.md#Review`` for one section.
        files: those of the base, by path.
        intent: what the author means to do.
    """
    found: dict[str, str] = {}
    notices: list[str] = []
    for name in dict.fromkeys(names):
        path, _, heading = name.partition("#")
        data = files.get(path)
        text = None if data is None else section(data.decode("utf-8", "replace"), heading)
        if text is None or not text.strip():
            where = f"no section {one_line(heading)!r} in {one_line(path)}" if data and heading else one_line(path)
            notices.append(f"review guidelines: the base has {where if data else f'no {where}'}")
            continue
        if len(text) > MAX_GUIDELINES:
            notices.append(
                f"review guidelines: models read only the first {MAX_GUIDELINES:,} characters of "
                f"{len(text):,}; name a section of it (FILE#Heading)"
            )
        found[name] = beginning(text, MAX_GUIDELINES)
    return Guidance(files=found, intent=beginning(intent.strip(), MAX_INTENT), notices=tuple(notices))


def proposed(files: Mapping[str, str]) -> list[str]:
    """Return the names of guidelines in ``files``, text by path: whole ones, and sections whose heading says review."""
    found: list[str] = []
    for path, text in files.items():
        if path.endswith("REVIEW.md"):
            found.append(path)
            continue
        headings = (_HEADING.match(line) for line in text.splitlines())
        found += [f"{path}#{match[2]}" for match in headings if match and _REVIEW.search(match[2])][:1]
    return found


def section(text: str, heading: str) -> str | None:
    """Return the Markdown section under ``heading``, its subsections included; None if there is none."""
    if not heading:
        return text
    wanted = " ".join(heading.split()).casefold()
    level = 0
    kept: list[str] | None = None
    fence = ""
    for line in text.splitlines():
        if mark := _FENCE.match(line):
            fence = "" if fence and mark[1].startswith(fence) else fence or mark[1]
        found = None if fence else _HEADING.match(line)
        if found:
            depth = len(found[1])
            if kept is not None and depth <= level:
                break
            if kept is None and " ".join(found[2].split()).casefold() == wanted:
                level, kept = depth, []
                continue
        if kept is not None:
            kept.append(line)
    return None if kept is None else "\n".join(kept).strip() + "\n"
