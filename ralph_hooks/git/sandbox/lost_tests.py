"""Detection of tests that ran on the base and no longer run, and of changes that explain it. Pure.

Tests are compared by the name that the runner gives them. A test that has moved to another file or class, or whose
parameters have other values, still runs. A test that the change removes or skips in place is no regression: it is
reported as removed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from posixpath import basename, splitext

from msgspec import Struct

from ralph_hooks.core.change import Content, Entry, decode

_LARGEST = 2_000_000  # bytes of a file that are read
_PARAMETERS = re.compile(r"(?:\[.*\]|\(.*\)(?:\[\d+\])?|\{.*\}(?:\[\d+\])?)$", re.DOTALL)
_SEPARATOR = re.compile(r"::| > | \u203a ")
_WORD = re.compile(r"[\w$]+")
_LITERAL = re.compile(r"""(["'`])((?:\\.|(?!\1)[^\\\n])+)\1""")
_SKIPS = re.compile(
    r"\b(?:[Ss]kip\w*|xfail|[Ii]gnored?|[Dd]isabled\w*|xit|xtest|xdescribe|xspecify|pending)\b|\.(?:only|todo|fails)\b"
    r"|\b(?:fit|fdescribe)\(|^//go:build|#\[cfg",
    re.MULTILINE,
)
_LONGEST_PREFIX = 12  # words in the titles of a test's groups


class Lost(Struct, frozen=True):
    """Tests that ran on the base and did not run on the change."""

    missing: tuple[str, ...] = ()
    """Tests whose absence nothing in the change explains."""
    removed: tuple[str, ...] = ()
    """Tests that the change removes or skips in place."""


def lost(before: Sequence[str], now: Sequence[str]) -> tuple[str, ...]:
    """Return the tests of ``before`` without a counterpart in ``now``."""
    there, here = Counter(before), Counter(now)
    gone, new = there - here, here - there
    if not gone:
        return ()
    left = list(gone.elements())
    come = list(new.elements())
    for same in (stem, leaf):  # other parameters, then another file or class
        matched = Counter(map(same, come))
        kept = []
        for name in left:
            if matched[same(name)] > 0:
                matched[same(name)] -= 1
            else:
                kept.append(name)
        spare = Counter(matched)
        come = [name for name in come if _take(spare, same(name))]
        left = kept
    return tuple(dict.fromkeys(left))


def _take(counter: Counter[str], key: str) -> bool:
    if counter[key] > 0:
        counter[key] -= 1
        return True
    return False


def stem(name: str) -> str:
    """Return ``name`` without parameters; for a Go subtest its test."""
    place, separator, test = name.partition("::")
    bare = _PARAMETERS.sub("", test if separator else name).rstrip()
    if bare.startswith("Test") and " " not in bare:
        bare = bare.partition("/")[0]
    return f"{place}::{bare}" if separator else bare


def leaf(name: str) -> str:
    """Return the last part of a name, kept when a test moves: ``test_x`` of ``tests.test_a.TestA::test_x[1]``."""
    last = _SEPARATOR.split(stem(name))[-1]
    return last.rpartition(".")[2] if " " not in last else last


def sorted_out(names: Iterable[str], changed: Iterable[tuple[Entry, Content]]) -> Lost:
    """Split ``names`` into those that the change removes or skips and those missing without explanation."""
    evidence = _Evidence(changed)
    missing: list[str] = []
    removed: list[str] = []
    for name in names:
        (removed if evidence.explains(name) else missing).append(name)
    return Lost(tuple(missing), tuple(removed))


class _Side:
    """The counts of words and literals (prefixed by a quote) on one side of a file."""

    def __init__(self, content: bytes | None) -> None:
        text = decode((content or b"")[:_LARGEST])
        self.words = Counter(_WORD.findall(text))
        self.words.update('"' + re.sub(r"\\(.)", r"\1", found[1]) for found in _LITERAL.findall(text))
        self.skips = len(_SKIPS.findall(text))


class _Evidence:
    """All words, literals and files that the change removes."""

    def __init__(self, changed: Iterable[tuple[Entry, Content]]) -> None:
        self._files = [(entry, _Side(content.old), _Side(content.new)) for entry, content in changed]
        self._old, self._new = Counter[str](), Counter[str]()
        for _, old, new in self._files:
            self._old.update(old.words)
            self._new.update(new.words)
        self._gone = [entry.old_path for entry, _, _ in self._files if entry.new_oid is None]

    def explains(self, name: str) -> bool:
        """Return True if the change removes the test ``name``, its parameters or its file, or skips it in its file."""
        title = next((one for one in _titles(name) if self._old[one]), "")
        if self._parameters_removed(name):
            return True
        if not title:
            return self._in_a_file_that_lost_it(name)
        return self._old[title] > self._new[title] or any(
            new.words[title] and new.skips > old.skips for _, old, new in self._files
        )

    def _parameters_removed(self, name: str) -> bool:
        found = _PARAMETERS.search(name.partition("::")[2] or name)
        if found is None:
            return False
        values = found[0].strip("[](){}")
        parts = [mark + value for value in (values, *values.split("-")) if len(value) > 1 for mark in ("", '"')]
        if any(self._old[part] > self._new[part] for part in parts):
            return True
        title = leaf(name)
        if any(old.words[title] and new.words[title] and old.words - new.words for _, old, new in self._files):
            return True
        return any(bare in values for path in self._gone if (bare := splitext(basename(path))[0]))

    def _in_a_file_that_lost_it(self, name: str) -> bool:
        """Return True if the file of a test lost something; for names generated at run time, which no file contains."""
        own = [(entry, old, new) for entry, old, new in self._files if entry.old_oid and _is_of(name, entry.old_path)]
        return any(entry.new_oid is None or bool(old.words - new.words) for entry, old, new in own)


def _titles(name: str) -> list[str]:
    """Return the possible names of a test in its file, as a word or a literal, the likeliest first."""
    test = name.partition("::")[2] or name
    titles = list(dict.fromkeys((test, stem(name).rpartition("::")[2], leaf(name))))
    words = test.split(" ")
    # Jest prefixes a test's title with those of its groups.
    longer = [" ".join(words[start:]) for start in range(1, min(len(words), _LONGEST_PREFIX))]
    return [title for title in titles if len(title) > 1] + [f'"{title}' for title in (*titles, *longer)]


def _is_of(name: str, path: str) -> bool:
    """Return True if the test's name includes its file: ``tests.test_a::test_x``, ``src/a.test.ts::adds``."""
    place = name.partition("::")[0]
    bare = splitext(path)[0]
    dotted = bare.replace("/", ".")
    return path in name or place == dotted or place.startswith(f"{dotted}.") or dotted.endswith(f".{place}")
