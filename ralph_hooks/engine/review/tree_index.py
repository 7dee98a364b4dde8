"""Definitions and calls by name in the judged tree. A file is parsed once: its outline is cached by blob."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from posixpath import splitext

import msgspec
from msgspec import Struct

from ralph_hooks.core.change import decode
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.ports.change import Source, Unchanged
from ralph_hooks.core.ports.checks import SecretCheck
from ralph_hooks.core.ports.store import Cache
from ralph_hooks.core.review_rules import related_suffixes, same_checks
from ralph_hooks.engine.cache_keys import key, read_back
from ralph_hooks.languages.outline import Outline, outline

_VERSION = "1"
_MOST_WORDS = 120
_MOST_FILES = 100  # with one name: more mention it than a reviewer would look at
_MOST_WANTED = 1_000  # files with any of the names
_MOST_BYTES = 4_000_000  # parsed in one run, which takes about a second; the rest is parsed in the next
_SECONDS = 2.0  # at most, and
_SHARE = 0.1  # of the time that is left
_WORD = re.compile(r"[A-Za-z_]\w{2,100}", re.ASCII)


class IndexedFile(Struct, frozen=True):
    """A file and its outline."""

    path: str
    outline: Outline


class TreeIndex:
    """Outlines of the files that hold certain names.

    ``changed`` are the files of the change that may be shown. Others are shown only if ``withheld`` gives no reason
    against it and ``secrets`` finds nothing in them.
    """

    def __init__(
        self,
        changed: Sequence[Source],
        unchanged: Unchanged,
        cache: Cache,
        deadline: Deadline,
        withheld: Callable[[str, bytes], str],
        secrets: SecretCheck,
    ) -> None:
        self._changed = {source.path: source for source in changed if source.content.new is not None}
        self._unchanged = unchanged
        self._cache = cache
        self._deadline = deadline
        self._withheld = withheld
        self._secrets = secrets
        self._outlines: dict[str, Outline] = {}
        self._texts: dict[str, str | None] = {}
        self.is_complete = True
        """False once time or a limit has left something out: the next run may find more."""

    def outline(self, path: str) -> Outline:
        """Return the outline of a file of the change as it is after it."""
        if path not in self._outlines:
            family = [each for each in self._changed if same_checks(path, each)]
            oids = {each: self._changed[each].entry.new_oid or "" for each in family}
            self._load(oids, lambda paths: {each: self._changed[each].content.new or b"" for each in paths})
        return self._outlines.get(path, Outline())

    def outline_of(self, path: str) -> Outline:
        """Return the outline of a file that `find` has returned, or of the change."""
        return self._outlines.get(path, Outline())

    def find(self, names: Iterable[str], path: str) -> Mapping[str, list[IndexedFile]]:
        """Return for each of ``names`` the files in the language of ``path`` that may define or call it.

        A name is left out if not all of its files could be looked at.
        """
        words = list(dict.fromkeys(name for name in names if _WORD.fullmatch(name)))
        self.is_complete &= len(words) <= _MOST_WORDS
        words = words[:_MOST_WORDS]
        if not words:
            return {}
        time = self._deadline.part(min(_SECONDS, self._deadline.remaining() * _SHARE))
        places = self._unchanged.occurrences(words, related_suffixes(path), time.remaining())
        if places is None:
            self.is_complete = False
            return {}
        common = {word for word in words if len(places[word]) > _MOST_FILES}
        wanted = {each for word in words if word not in common for each in places[word]}
        oids = self._unchanged.oids(_nearest(path, wanted)[:_MOST_WANTED])
        whole = self._load(oids, lambda paths: self._unchanged.read(paths, _MOST_BYTES), time)
        self.outline(path)
        own = [each for each in self._changed if same_checks(path, each)]
        self.is_complete &= whole and len(wanted) <= _MOST_WANTED
        return {
            word: [IndexedFile(each, self._outlines[each]) for each in (*own, *sorted(places[word]))]
            for word in words
            if word not in common and all(each in self._outlines for each in places[word])
        }

    def lines(self, path: str) -> list[str]:
        """Return the lines of a file; none if no request may hold it."""
        self.prepare([path])
        text = self._texts[path]
        return [] if text is None else text.split("\n")

    def prepare(self, paths: Iterable[str]) -> None:
        """Read ``paths`` at once, for `lines`."""
        missing = [path for path in dict.fromkeys(paths) if path not in self._texts]
        left = [path for path in missing if path not in self._changed]
        data = self._unchanged.read(left, _MOST_BYTES) if left else {}
        for path in missing:
            if path in self._changed:  # the secret scan has looked at it
                self._texts[path] = decode(self._changed[path].content.new or b"")
            else:
                self._texts[path] = self._text(path, data[path]) if path in data else None

    def _text(self, path: str, data: bytes) -> str | None:
        if self._withheld(path, data):
            return None
        text = decode(data)
        name = key("without-secrets", _VERSION, self._secrets.version, self._unchanged.oids([path])[path])
        known = self._cache.get([name]).get(name)
        if known is None:  # of the whole file: a part may lack the line that gives a secret away
            known = b"1" if self._secrets.masked(text) == text else b"0"
            self._cache.put({name: known})
        return text if known == b"1" else None

    def _load(
        self,
        oids: Mapping[str, str],
        read: Callable[[Sequence[str]], Mapping[str, bytes]],
        deadline: Deadline | None = None,
    ) -> bool:
        """Load the outlines of files, given by their blobs; return False if some are missing afterwards."""
        names = {path: _key(path, oid) for path, oid in oids.items() if path not in self._outlines}
        cached = self._cache.get(dict.fromkeys(names.values()))
        missing: list[str] = []
        for path, name in names.items():
            known = read_back(cached.get(name), Outline)
            if known is None:
                missing.append(path)
            else:
                self._outlines[path] = known
        fresh: dict[str, bytes] = {}
        for path, data in (read(missing) if missing else {}).items():
            if deadline is not None and deadline.passed:
                break
            self._outlines[path] = outline(path, decode(data))
            fresh[names[path]] = msgspec.json.encode(self._outlines[path])
        self._cache.put(fresh)
        return all(path in self._outlines for path in oids)


def _key(path: str, oid: str) -> str:
    return key("outline", _VERSION, splitext(path)[1].lower(), oid)


def _nearest(path: str, others: Collection[str]) -> list[str]:
    """Return ``others``, those with most folders in common with ``path`` first."""
    return sorted(others, key=lambda other: (-_common(path, other), other.count("/"), other))


def _common(path: str, other: str) -> int:
    """Return the number of folders that both paths begin with."""
    folders = list(zip(path.split("/")[:-1], other.split("/")[:-1], strict=False))
    return next((index for index, (one, two) in enumerate(folders) if one != two), len(folders))
