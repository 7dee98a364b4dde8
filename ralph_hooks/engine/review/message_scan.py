"""The secret scan over the texts of commits and annotated tags, which a push sends too."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.finding import Finding
from ralph_hooks.core.ports.change import Push
from ralph_hooks.core.ports.checks import CheckResult, SecretCheck
from ralph_hooks.core.ports.store import Cache
from ralph_hooks.core.push import Commit, Message, short
from ralph_hooks.core.report import Action, Cause, Unreviewed
from ralph_hooks.core.review_rules import too_large
from ralph_hooks.core.text import plural
from ralph_hooks.engine.cache_keys import key, read_back
from ralph_hooks.engine.review.file_checks import placed
from ralph_hooks.engine.review.history_scan import Leaks

_AT_ONCE = 250  # messages that are looked up in the store and read at once
_MOST = 100_000  # bytes of a commit or a tag: a longer message is not hand-written
_COMMIT = (
    "a push sends the message, author and committer of each commit; change them with `git commit --amend`"
    " (`--reset-author` for a name), or for an earlier commit with `git rebase -i {commit}^` (`--root` for"
    " the first) and `reword`, and revoke the secret where it was issued"
)
_TAG = "a push sends the text of a tag; change it with `git tag -f -a {tag}` and revoke the secret where it was issued"
_REF = "push it under another name (`git branch -m`, `git tag`) and revoke the secret where it was issued"
_TAG_NAME = "tag "


class MessageScan:
    """Scan of each message by ``check``: once, however often it is pushed."""

    def __init__(self, check: SecretCheck, *, store: Cache, deadline: Deadline) -> None:
        self._check = check
        self._version = check.version
        self._store = store
        self._deadline = deadline

    def tags(self, pushed: Push) -> Leaks:
        """Return the secrets in the texts of annotated tags."""
        return self._scan(pushed, pushed.tags)

    def refs(self, pushed: Push) -> Leaks:
        """Return the secrets in the names of pushed branches and tags."""
        names = [short(ref.ref) for ref in pushed.refs if ref.action is not Action.DELETE]
        return Leaks(tuple(self._check.named("the name of a branch or tag", names, _REF)))

    def messages(self, pushed: Push, commits: Iterable[Commit]) -> Leaks:
        """Return the secrets in the messages of ``commits``."""
        return self._scan(pushed, {commit.oid: f"commit {commit.oid[:10]}" for commit in commits})

    def _scan(self, pushed: Push, names: Mapping[str, str]) -> Leaks:
        findings: dict[str, Finding] = {}
        unscanned: list[Unreviewed] = []
        problem = ""
        oids = list(names)
        for start in range(0, len(oids), _AT_ONCE):
            if self._deadline.passed:
                left = plural(len(oids) - start, "message")
                problem = f"the secret scan did not reach {left} before the deadline"
                break
            batch = {oid: self._check.masked(names[oid]) for oid in oids[start : start + _AT_ONCE]}
            results, large = self._results(pushed, batch)
            for oid, result in results.items():
                findings |= {finding.place: finding for finding in placed(result, batch[oid]).findings}
            unscanned += [Unreviewed(batch[each.oid], too_large(each.size), Cause.CONTENT) for each in large]
        return Leaks(tuple(findings.values()), tuple(unscanned), problem)

    def _results(self, pushed: Push, names: Mapping[str, str]) -> tuple[dict[str, CheckResult], Sequence[Message]]:
        """Return the result for each text, by object id, and the texts that are too large."""
        keys = {oid: key(f"written 2 {self._check.name}", self._version, oid, name) for oid, name in names.items()}
        stored = self._store.get(keys.values())
        known = {oid: read_back(stored.get(each), CheckResult) for oid, each in keys.items()}
        results = {oid: result for oid, result in known.items() if result is not None}
        messages = list(pushed.messages([oid for oid in names if oid not in results], _MOST))
        new = {each.oid: self._read(each, names[each.oid]) for each in messages if each.text is not None}
        self._store.put({keys[oid]: msgspec.json.encode(result) for oid, result in new.items()})
        return results | new, [message for message in messages if message.text is None]

    def _read(self, message: Message, name: str) -> CheckResult:
        """Scan a message with its header last, so that lines of the text keep their numbers."""
        text = (message.text or b"").removesuffix(b"\n") + b"\n" + message.header
        tag = name.removeprefix(_TAG_NAME)
        advice = _COMMIT.format(commit=message.oid[:10]) if tag == name else _TAG.format(tag=shlex.quote(tag))
        return placed(CheckResult(tuple(self._check.written(name, text, advice))), "")
