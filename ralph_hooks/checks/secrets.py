"""Secret scan: a credential added by a change blocks it, and keeps its file out of every request."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate, chain, takewhile

import msgspec

from ralph_hooks import secrets
from ralph_hooks.checks.shared import added, blocking, removed, without_end
from ralph_hooks.core.change import Entry
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.finding import Finding
from ralph_hooks.core.glob import first_match
from ralph_hooks.core.ports.change import Source
from ralph_hooks.core.ports.checks import CheckResult
from ralph_hooks.core.review_rules import LOCK_FILES, is_binary
from ralph_hooks.core.text import plural
from ralph_hooks.errors import RalphError
from ralph_hooks.secrets.secret import Secret
from ralph_hooks.secrets.stream import Located, scan_stream

_VERSION = "1"
_MOST_FINDINGS = 20  # in a file that is read in pieces
_LONGEST_SHOWN = 1_000  # characters
_ROUNDS = 1_000  # of the slow hash of a credential
_ADVICE = "remove it, and revoke it where it was issued, because git keeps everything that was committed"
_UNREAL = "if it is not a real secret, end the line with the comment `# pragma: allowlist secret`"
_DISMISS = "if it is not a real secret, run `ralph-hooks dismiss ID` with the id of this finding"
_WITHOUT_COMMENTS = frozenset(
    [
        *(".json", ".ipynb", ".geojson", ".har", ".sarif", ".csv", ".tsv", ".txt", ".log", ".snap", ".diff", ".patch"),
        *(".pem", ".key", ".crt", ".cer", ".der", ".asc", ".p8", ".ppk", ".pub", ".lock", ".out", ".svg", ".map"),
    ]
)


class Secrets:
    """Credentials on added lines, unless a removed line of the same file had them already."""

    name = "secrets"
    source_only = False  # a lock file or a generated one leaks as well as any other

    @property
    def version(self) -> str:
        """This check and everything the scan depends on."""
        return f"{_VERSION} {secrets.version()}"

    def applies(self, entry: Entry) -> bool:
        """Return True for any file that exists after the change."""
        return entry.new_oid is not None

    def run(self, sources: Sequence[Source], deadline: Deadline) -> Mapping[str, CheckResult]:
        """Return at most one finding per line. The credential is in none of its fields."""
        results: dict[str, CheckResult] = {}
        for source in sources:
            if deadline.passed:
                left = plural(len(sources) - len(results), "file")
                raise RalphError(
                    f"the secret scan did not finish before the deadline, {left} left", "raise the gate's `deadline`"
                )
            results[source.path] = CheckResult(tuple(_findings(source)))
        return results

    def scan_large(
        self, path: str, new: Iterator[bytes], old: Callable[[], Iterator[bytes]], deadline: Deadline
    ) -> CheckResult | None:
        """Return at most one finding per line, in bounded memory; the search ends after `_MOST_FINDINGS`."""
        chunks = _until(deadline, new)
        start = next(chunks, b"")
        if is_binary(start):
            return CheckResult(looked=False)
        known: set[int] | None = None
        findings: dict[int, Finding] = {}
        for each in scan_stream(chain((start,), chunks), path):
            if each.line in findings or _allowlisted(each.lines(), len(each.lines())):
                continue
            if known is None:  # hashes, because a file may hold a million of them
                known = {hash(base.value) for base in scan_stream(_until(deadline, old()), path)}
            if hash(each.value) not in known:
                findings[each.line] = _of_large(path, each)
            if len(findings) == _MOST_FINDINGS:
                break
        return None if deadline.passed else CheckResult(tuple(findings.values()))

    def written(self, name: str, text: bytes, advice: str) -> Sequence[Finding]:
        """Return at most one finding per line of ``text``, such as a commit message: it is no file and has no base."""
        looked = _Looked(name, text, dict(enumerate(without_end(text), 1)))
        return _placed(looked, _certain(looked.text), advice)

    def named(self, what: str, names: Sequence[str], advice: str) -> Sequence[Finding]:
        """Return at most one finding for each of ``names``, such as files and branches; it shows the name masked."""
        lines = [name.replace("\n", " ") for name in names]
        looked = _Looked("", b"", dict(enumerate(lines)))
        found: dict[int, list[Secret]] = {}
        for secret in _certain(looked.text):
            found.setdefault(looked.number(secret.start), []).append(secret)
        return [
            blocking(
                "secrets",
                secrets.mask(lines[number]),
                1,
                category="secret",
                message=f"{what} looks like a secret ({_kinds(here)}): {advice}",
                shown=lines[number],
            )
            for number, here in found.items()
        ]

    def masked(self, text: str) -> str:
        """Return ``text`` without the credentials in it."""
        return secrets.mask(text)

    def excused(self, source: Source, line: int, later: bytes) -> bool:
        """Return True if each credential that begins on ``line`` is marked as not real where ``later`` has it.

        A mark that a later commit adds counts as one that was there at once: the same value is on its line.
        """
        text = without_end(source.content.new or b"")[line - 1]
        values = {text[found.start : found.end] for found in secrets.find(text, source.path, doubtful=False)}
        lines = without_end(later)
        marked = [
            content
            for number, content in enumerate(lines)
            if secrets.allowlisted(content, lines[number - 1] if number else "")
        ]
        return bool(values) and all(any(value in content for content in marked) for value in values)


def _until(deadline: Deadline, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield ``chunks`` until the deadline."""
    return takewhile(lambda _: not deadline.passed, chunks)


def _of_large(path: str, found: Located) -> Finding:
    """Return a finding in a file that is read in pieces. Its long lines are not shown."""
    line = found.lines()[-1]
    shown = line if len(line) <= _LONGEST_SHOWN else secrets.MASK
    finding = _finding(path, [shown], found.line, [found.secret], _ADVICE)
    salt = f"{path}\0{finding.quote}".encode("utf-8", "surrogatepass")
    value = hashlib.pbkdf2_hmac("sha256", found.value.encode("utf-8", "surrogatepass"), salt, _ROUNDS)
    return msgspec.structs.replace(finding, value=value.hex())


class _Looked:
    """The lines of a file that a change adds, by number."""

    def __init__(self, path: str, content: bytes, lines: Mapping[int, str]) -> None:
        self.path = path
        self.content = content
        self.text = "\n".join(lines.values())
        self._numbers = list(lines)
        self._starts = [0, *accumulate(len(line) + 1 for line in lines.values())]

    def number(self, offset: int) -> int:
        """Return the number in the file of the line at ``offset`` of the text."""
        return self._numbers[bisect_right(self._starts, offset) - 1]


def _findings(source: Source) -> list[Finding]:
    looked = _Looked(source.path, source.content.new or b"", added(source))
    certain = _certain(looked.text, source.path)
    if not certain:
        return []
    known = _known(source)
    new = [secret for secret in certain if looked.text[secret.start : secret.end] not in known]
    return _placed(looked, new, _ADVICE)


def _certain(text: str, path: str = "") -> list[Secret]:
    return list(secrets.find(text, path, doubtful=False))


def _placed(looked: _Looked, found: Sequence[Secret], advice: str) -> list[Finding]:
    """Return one finding for each line on which something in ``found`` begins."""
    by_line: dict[int, list[Secret]] = {}
    for secret in found:
        by_line.setdefault(looked.number(secret.start), []).append(secret)
    lines = without_end(looked.content)
    return [
        _finding(looked.path, lines[first - 1 : looked.number(here[-1].end)], first, here, advice)
        for first, here in by_line.items()
        if not _allowlisted(lines, first)
    ]


def _known(source: Source) -> set[str]:
    """Return the credentials that the base has in this file: a moved or reformatted line leaks nothing new."""
    text = "\n".join(removed(source).values())
    return {text[secret.start : secret.end] for secret in secrets.find(text, source.path)}


def _allowlisted(lines: Sequence[str], number: int) -> bool:
    return secrets.allowlisted(lines[number - 1], lines[number - 2] if number > 1 else "")


def _has_no_comments(path: str, lines: Sequence[str]) -> bool:
    """Return True if the author cannot mark the line: no comments in the format, a generated file, or one block."""
    name = path.rpartition("/")[2]
    suffix = name[name.rfind(".") :].lower() if "." in name else ""
    no_file = path.startswith(("commit ", "tag "))
    return no_file or len(lines) > 1 or suffix in _WITHOUT_COMMENTS or first_match(path, LOCK_FILES) is not None


def _finding(path: str, lines: Sequence[str], first: int, found: Sequence[Secret], advice: str) -> Finding:
    """Return the finding for a secret ``found`` in ``lines``, which begin with the ``first`` one."""
    unreal = _DISMISS if _has_no_comments(path, lines) else _UNREAL
    return blocking(
        "secrets",
        path,
        first,
        end_line=first + len(lines) - 1,
        category="secret",
        message=f"this looks like a secret ({_kinds(found)}): {advice}; {unreal}",
        shown=secrets.mask("\n".join(lines), path).partition("\n")[0],
    )


def _kinds(found: Sequence[Secret]) -> str:
    return ", ".join(dict.fromkeys(secret.kind for secret in found))
