"""The secret scan of every single commit of a push: content that a later commit removes is pushed anyway."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice

import msgspec
from msgspec import Struct

from ralph_hooks.core.change import Content, Entry
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.finding import Finding
from ralph_hooks.core.ports.change import CommitChange, Push, PushTarget, Source
from ralph_hooks.core.ports.checks import CheckResult, SecretCheck
from ralph_hooks.core.ports.progress import Progress
from ralph_hooks.core.ports.store import Cache
from ralph_hooks.core.report import Cause, Unreviewed
from ralph_hooks.core.review_rules import EMPTY, MAX_BYTES, content_reason, is_large, is_reason, is_text, too_large
from ralph_hooks.core.text import plural
from ralph_hooks.engine.cache_keys import read_back, text_of
from ralph_hooks.engine.review.anchors import anchored_results
from ralph_hooks.engine.review.file_checks import placed, result_key
from ralph_hooks.engine.review.large_files import scan_large_file
from ralph_hooks.engine.review.name_scan import scan_entries
from ralph_hooks.engine.review.review_input import is_replaced, of_its_kind, reason_key
from ralph_hooks.errors import RalphError

_LISTED = 250  # paths that are looked up in the store at once; progress is shown as often
_READ_FILES, _READ_BYTES = 250, 1_000_000  # read and held at once
_WHERE = "commit {commit} added it; removing it in a later commit does not help, because the push sends both"


class Leaks(Struct, frozen=True):
    """Result of the scan."""

    findings: tuple[Finding, ...] = ()
    unscanned: tuple[Unreviewed, ...] = ()
    """Files that hold no text, or too much of it."""
    problem: str = ""
    """Reason why commits were not scanned; empty if all were."""


class HistoryScan:
    """Scan of each version of a file by ``check``: once, however many commits contain it.

    Results are cached under the keys of the gate as they arrive: a scan by a commit hook counts, and a scan that its
    deadline ended resumes there. Memory holds only one batch of content, and the findings.
    """

    def __init__(self, check: SecretCheck, *, store: Cache, deadline: Deadline, progress: Progress) -> None:
        self._check = check
        self._version = check.version
        self._store = store
        self._deadline = deadline
        self._progress = progress
        self._known: set[str] = set()
        self._findings: dict[str, tuple[Finding, ...]] = {}
        self._reasons: dict[str, str] = {}

    def scan(self, pushed: Push, portion: PushTarget) -> Leaks:
        """Return the secrets in the commits of ``portion``, oldest first.

        A credential counts once, where it came in.
        """
        commits = portion.commits
        became = {entry.path: entry for entry in portion.snapshot.change.entries if entry.new_oid}
        left = dict.fromkeys(commit.oid for commit in commits)
        history = pushed.history(tuple(left))
        findings: dict[str, Finding] = {}
        unscanned: dict[str, Unreviewed] = {}
        problem = ""
        self._progress.begin("secret scan", len(left))
        try:
            while batch := tuple(islice(history, _LISTED)):
                if not self._judge(pushed, batch):
                    problem = f"the secret scan did not reach {plural(len(left), 'commit')} before the deadline"
                    break
                for finding in self._names(pushed, batch):
                    findings.setdefault(finding.place, finding)
                for committed in batch:
                    for finding, entry in self._leaks(committed):
                        if not self._excused(pushed, finding, entry, became.get(entry.path)):
                            findings.setdefault(finding.place, finding)
                    for item in self._unscanned(committed):
                        unscanned.setdefault(item.path, item)
                self._advance(left, batch[-1].commit)
        finally:
            self._progress.end()
        return Leaks(tuple(findings.values()), tuple(unscanned.values()), problem)

    def _names(self, pushed: Push, batch: Iterable[CommitChange]) -> Iterator[Finding]:
        """Yield findings in the names and links of single commits: a later one may have given them others."""
        read = partial(_contents, pushed)
        if not scan_entries(self._check, [committed.entries[0] for committed in batch], read):
            return  # nearly always: one look at all names is enough
        for committed in batch:
            where = f"{_WHERE.format(commit=committed.commit[:10])}; "
            yield from scan_entries(self._check, committed.entries[:1], read, where)

    def _advance(self, left: dict[str, None], reached: str) -> None:
        """Remove the commits before ``reached`` from the remaining ones; ``reached`` itself may be unfinished."""
        for commit in tuple(left):
            if commit == reached:
                return
            del left[commit]
            self._progress.advance()

    def _judge(self, pushed: Push, batch: Iterable[CommitChange]) -> bool:
        """Get the results of all versions in ``batch``; False if the deadline came first."""
        if not self._look(pushed, batch):
            return False
        # The unreadable part may belong to the base alone: try once more without the base.
        return not self._reasons or self._look(pushed, batch)

    def _look(self, pushed: Push, batch: Iterable[CommitChange]) -> bool:
        wanted = {key: entry for committed in batch for key, entry in self._versions(committed)}
        self._recall({key: entry for key, entry in wanted.items() if key not in self._known})
        missing = {key: entry for key, entry in wanted.items() if key not in self._known}
        sizes = pushed.sizes(list(missing.values()))
        return all(self._read(pushed, wave) for wave in _waves(missing, sizes))

    def _versions(self, committed: CommitChange) -> Iterator[tuple[str, Entry]]:
        """Yield the parts to scan, by key: the change against each parent."""
        for entry in map(of_its_kind, committed.entries):
            if entry.unreadable() is None and self._check.applies(entry):
                key = self._key(entry)
                if is_replaced(entry, self._reasons.get(key, "")):
                    yield self._key(entry.alone()), entry.alone()
                else:
                    yield key, entry

    def _key(self, entry: Entry) -> str:
        return result_key(self._check.name, self._version, entry)

    def _recall(self, entries: Mapping[str, Entry]) -> None:
        names = {reason_key(entry): key for key, entry in entries.items()}
        stored = self._store.get([*entries, *names])
        for name, key in names.items():
            reason = text_of(stored.get(name)) or ""
            if is_reason(reason) and not is_text(reason) and not is_large(reason):
                self._keep(key, reason=reason)
            elif (kept := read_back(stored.get(key), CheckResult)) is not None:
                self._keep(key, kept.findings, "" if kept.looked else reason)

    def _keep(self, key: str, findings: tuple[Finding, ...] = (), reason: str = "") -> None:
        """Store the result for one version; most have no findings."""
        self._known.add(key)
        if findings:
            self._findings[key] = findings
        if reason:
            self._reasons[key] = reason

    def _read(self, pushed: Push, wave: Mapping[str, tuple[Entry, int]]) -> bool:
        """Read and scan the versions in ``wave``, given with their sizes; False if the deadline came first."""
        if self._deadline.passed:
            return False
        reasons = {key: too_large(size) for key, (_, size) in wave.items() if size > MAX_BYTES}
        entries = {key: entry for key, (entry, _) in wave.items()}
        large = {
            key: scan_large_file(self._check, entries[key], pushed, self._store, self._deadline) for key in reasons
        }
        small = [key for key in wave if key not in reasons]
        sources = dict(zip(small, pushed.sources([entries[key] for key in small]), strict=True))
        reasons |= {key: content_reason(source.content) for key, source in sources.items()}
        try:
            results = self._scanned({key: source for key, source in sources.items() if is_text(reasons[key])})
        except RalphError:
            if self._deadline.passed:
                return False
            raise
        if None in large.values():
            return False
        found = {key: msgspec.json.encode(placed(result, "")) for key, result in results.items()}
        self._store.put(found | {reason_key(entries[key]): reason.encode() for key, reason in reasons.items()})
        for key, reason in reasons.items():
            if (result := results.get(key) or large.get(key)) and result.looked:
                self._keep(key, result.findings)
            else:
                self._keep(key, reason=reason)
        return True

    def _scanned(self, sources: Mapping[str, Source]) -> dict[str, CheckResult]:
        """Return the check's results by key. It answers by path, so it sees one version of a path at a time."""
        turns: list[dict[str, str]] = []
        seen: Counter[str] = Counter()
        for key, source in sources.items():
            if seen[source.path] == len(turns):
                turns.append({})
            turns[seen[source.path]][source.path] = key
            seen[source.path] += 1
        results: dict[str, CheckResult] = {}
        for keys in turns:
            versions = [sources[key] for key in keys.values()]
            answers = anchored_results(self._check.run(versions, self._deadline), versions)
            results |= {keys[path]: result for path, result in answers.items()}
        return results

    def _leaks(self, committed: CommitChange) -> Iterator[tuple[Finding, Entry]]:
        """Yield findings on lines that the commit has and none of its parents, with the version of the file."""
        versions = [(self._findings.get(key, ()), entry) for key, entry in self._versions(committed)]
        if not versions or not all(found for found, _ in versions):
            return
        (findings, entry), *others = versions
        for finding in findings:
            if all(any(finding.line == other.line for other in found) for found, _ in others):
                message = f"{finding.message} ({_WHERE.format(commit=committed.commit[:10])})"
                yield msgspec.structs.replace(finding, path=entry.path, message=message), entry

    def _excused(self, pushed: Push, finding: Finding, entry: Entry, became: Entry | None) -> bool:
        if became is None:
            return False
        if max(pushed.sizes([entry, became])) > MAX_BYTES:
            return False  # too large to be read at once
        here, there = pushed.sources([entry, became])
        return self._check.excused(here, finding.line, there.content.new or b"")

    def _unscanned(self, committed: CommitChange) -> Iterator[Unreviewed]:
        for key, entry in self._versions(committed):
            reason = self._reasons.get(key, EMPTY)
            if reason != EMPTY:
                yield Unreviewed(entry.path, f"{reason} (in commit {committed.commit[:10]})", Cause.CONTENT)


def _contents(pushed: Push, links: Sequence[Entry]) -> Sequence[Content]:
    small = [link for link, size in zip(links, pushed.sizes(links), strict=True) if size <= MAX_BYTES]
    return [source.content for source in pushed.sources(small)]


def _waves(entries: Mapping[str, Entry], sizes: Sequence[int]) -> Iterator[dict[str, tuple[Entry, int]]]:
    """Yield ``entries`` with their ``sizes``, as many at once as may be held in memory."""
    wave: dict[str, tuple[Entry, int]] = {}
    held = 0
    for (key, entry), size in zip(entries.items(), sizes, strict=True):
        weight = size if size <= MAX_BYTES else 0  # a larger one is not read
        if wave and (len(wave) == _READ_FILES or held + weight > _READ_BYTES):
            yield wave
            wave, held = {}, 0
        wave[key] = (entry, size)
        held += weight
    if wave:
        yield wave
