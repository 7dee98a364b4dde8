"""Read the baseline of detect-secrets: values that a project has listed as no real secret.

Format: https://github.com/Yelp/detect-secrets#baseline-file. ``hashed_secret`` is the SHA-1 of what a plugin took for
the credential, which may be less or more than what this package finds in the same line.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence

import msgspec
from msgspec import Struct

from ralph_hooks.core.lazy_pattern import lazy
from ralph_hooks.secrets.scan import scan
from ralph_hooks.secrets.secret import Secret

MAX_BYTES = 5_000_000
"""A larger file is not read."""
_LITERAL = lazy(r"\"([^\"\n]*)\"|'([^'\n]*)'|`([^`\n]*)`|([^\s\"'`]+)")
_HEADER = lazy(r"BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?")
_PARTS = lazy(r"[\w.~+/-]{6,}")


class Baseline(Struct, frozen=True):
    """The entries of a baseline, by path."""

    hashes: Mapping[str, frozenset[str]] = {}

    def lists(self, path: str, lines: Sequence[str]) -> bool:
        """Return True if each certain credential in ``lines`` of ``path`` is listed."""
        listed = self.hashes.get(path)
        if not listed:
            return False
        text = "\n".join(lines)
        certain = scan(text, path, doubtful=False)
        return bool(certain) and all(
            any(_sha1(each) in listed for each in _readings(text, secret)) for secret in certain
        )

    def count(self) -> int:
        """Return the number of entries."""
        return sum(map(len, self.hashes.values()))

    def without(self, other: Baseline) -> Baseline:
        """Return the entries that ``other`` does not have."""
        none: frozenset[str] = frozenset()
        return Baseline({path: hashes - other.hashes.get(path, none) for path, hashes in self.hashes.items()})


def read_baseline(data: bytes) -> Baseline:
    """Return the entries of a baseline, without those that an audit found to be real. Raises ValueError."""
    if len(data) > MAX_BYTES:
        raise ValueError(f"it has {len(data):,} bytes, more than {MAX_BYTES:,}")
    try:
        results = msgspec.json.decode(data)["results"]
        found: dict[str, frozenset[str]] = {}
        for path, entries in results.items():
            hashes = [str(entry["hashed_secret"]).lower() for entry in entries if entry.get("is_secret") is not True]
            name = path.replace("\\", "/").removeprefix("./")
            found[name] = found.get(name, frozenset()) | frozenset(hashes)
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise ValueError("it does not have the form of a detect-secrets baseline") from error
    return Baseline(found)


def _readings(text: str, secret: Secret) -> Iterator[str]:
    """Yield the strings that a plugin of detect-secrets may have taken for the credential."""
    value = text[secret.start : secret.end]
    yield value
    start = text.rfind("\n", 0, secret.start) + 1
    end = text.find("\n", secret.start)
    line = text[start : end if end >= 0 else len(text)]
    for pattern in (_LITERAL, _PARTS):
        for match in pattern.finditer(line):
            begin, stop = match.span(match.lastindex or 0)
            if begin < secret.end - start and stop > secret.start - start:
                yield line[begin:stop]
    for header in _HEADER.finditer(value):
        yield header[0]


def _sha1(text: str) -> str:
    return hashlib.sha1(text.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()
