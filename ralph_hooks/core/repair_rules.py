"""Rules that no repair may break, checked on the resulting tree and never on the text of a patch.

Names are compared as the most forgiving file system would: without regard to case, to characters that macOS ignores,
and to what Windows cuts off, so that a name which is another file's name there is refused everywhere.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache

from msgspec import Struct

from ralph_hooks.core.change import REGULAR_MODES, SUBMODULE_MODE, SYMLINK_MODE, Entry
from ralph_hooks.core.glob import first_match
from ralph_hooks.core.own_settings import CONFIGURATIONS
from ralph_hooks.core.protected_files import KINDS
from ralph_hooks.core.text import one_line, path_line, plural

MAX_BYTES = 10_000_000
"""The largest file that a repair may write. Code is smaller; what an agent left behind may fill a disk."""

_SHORT = re.compile(r"[^.]{1,6}~\d{1,6}(?:\.[^.]{0,3})?")  # short names of Windows, such as GIT~1
_DRIVE = re.compile(r"[a-z]:", re.IGNORECASE)
_IGNORED = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")  # by HFS+, as git's own fsck has it
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?")  # Windows opens one whatever the suffix
_LONGEST_NAME, _LONGEST_PATH = 255, 4000  # bytes: Linux's limits, less a scratch copy's folder
_ALIAS = "use a name that some systems take for another one"
_SHOWN = 5


class Violation(Struct, frozen=True):
    """One rule that one path breaks."""

    rule: str
    """Forbidden action of a repair, phrased to follow 'a repair may not'."""
    path: str

    def __str__(self) -> str:
        return f"a repair may not {self.rule}: {path_line(self.path)}"


def summary(violations: Sequence[Violation]) -> str:
    """Return all of them in one sentence or more."""
    more = len(violations) - _SHOWN
    shown = [str(violation) for violation in violations[:_SHOWN]]
    return "; ".join([*shown, f"and {plural(more, 'more path')}"] if more > 0 else shown)


def unsafe_name(path: str) -> Violation | None:
    """Return why no file of that name may be written: it leads out of the tree.

    Into git's own, or is another name's alias.
    """
    parts = path.replace("\\", "/").split("/")
    names = [_seen(part) for part in parts]
    if path.startswith(("/", "\\")) or names[0] == "~" or _DRIVE.match(path) or ".." in names or "\0" in path:
        return Violation("write outside the repository", path)
    if {"", "."}.intersection(names):
        return Violation("write a file with an invalid name", path)
    if any(map(is_git, parts)):
        return Violation("touch .git", path)
    if any(_SHORT.fullmatch(name) for name in names):
        return Violation("use a short name (8.3) of Windows", path)
    if _bytes(path) > _LONGEST_PATH or any(_bytes(part) > _LONGEST_NAME for part in parts):
        return Violation("use an overlong name", path)
    return None


def _bytes(name: str) -> int:
    return len(name.encode("utf-8", "surrogatepass"))


def _unclear(path: str) -> Violation | None:
    """Return why no new file should have that name: people or other systems would take it for something else."""
    if one_line(path) != path:
        return Violation("write a file with an invalid name", path)
    if "\\" in path or any(_DEVICE.fullmatch(_seen(part)) or _seen(part) != _plain(part) for part in path.split("/")):
        return Violation(_ALIAS, path)
    return None


def is_new(entry: Entry) -> bool:
    """Return whether there was no file of that name before."""
    return entry.new_oid is not None and (entry.old_oid is None or entry.path != entry.old_path)


def aliases(added: Iterable[str], paths: Iterable[str]) -> tuple[Violation, ...]:
    """Return the ``added`` of all ``paths`` that are the same file as another one where case does not count."""
    named = Counter(map(_forgiving, paths))
    return tuple(Violation(_ALIAS, path) for path in added if named[_forgiving(path)] > 1)


def is_git(name: str) -> bool:
    """Return whether ``name``, one component of a path, is ``.git`` to some file system."""
    return _seen(name) == ".git"


def violations(
    entries: Iterable[Entry], *, protected: Sequence[str] = (), hooks: Sequence[str] = ()
) -> tuple[Violation, ...]:
    """Return the rules that the difference between the reviewed and the repaired tree breaks.

    ``protected`` are the user's own patterns; ``hooks`` are patterns of the folder where this clone keeps its hooks.
    """
    return tuple(
        found
        for entry in entries
        for path in dict.fromkeys((entry.old_path, entry.path))
        if (found := _violation(entry, path, protected, hooks))
    )


def _violation(entry: Entry, path: str, protected: Sequence[str], hooks: Sequence[str]) -> Violation | None:
    rule = _kind(entry)
    if rule:
        return Violation(rule, path)
    if unsafe := unsafe_name(path):
        return unsafe
    forgiving = _forgiving(path)
    if rule := _read_by_itself(forgiving, hooks):
        return Violation(rule, path)
    pattern = first_match(path, protected) or first_match(forgiving, _lowered(tuple(protected)))
    if pattern:
        return Violation(f"change a path that fix.protected lists ({pattern})", path)
    if forgiving in CONFIGURATIONS and forgiving != path:
        return Violation(_ALIAS, path)
    return _unclear(path) if path == entry.path and is_new(entry) else None


def _read_by_itself(forgiving: str, hooks: Sequence[str]) -> str:
    """Return the rule that keeps a repair from a file which some program reads by itself; empty for any other file."""
    kind = next((kind for kind in KINDS if first_match(forgiving, kind.patterns)), None)
    if kind is not None:
        return kind.rule
    return "change the configuration of hooks" if first_match(forgiving, _lowered(tuple(hooks))) else ""


def _forgiving(path: str) -> str:
    """Return ``path`` as the most forgiving file system sees it."""
    return "/".join(map(_seen, path.replace("\\", "/").split("/")))


def _kind(entry: Entry) -> str:
    """Return the rule that the modes of an entry break; empty if they break none."""
    modes = (entry.old_mode, entry.new_mode)
    if SYMLINK_MODE in modes:
        return "add, change or remove symbolic links"
    if SUBMODULE_MODE in modes:
        return "add, change or remove submodules"
    if all(mode in REGULAR_MODES for mode in modes):
        return "change the mode of a file" if entry.old_mode != entry.new_mode else ""
    return "add executable files" if entry.new_mode == REGULAR_MODES[1] else ""


def _seen(name: str) -> str:
    """Return one component of a path as the most forgiving file system sees it."""
    return _plain(_IGNORED.sub("", name)).partition(":")[0].rstrip(" .") or name.strip(" ")


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


@lru_cache(maxsize=8)
def _lowered(patterns: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(pattern.casefold() for pattern in patterns)
