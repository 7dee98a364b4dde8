"""Secret scan: a credential that a change adds holds it back, and keeps its file from every request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ralph_hooks import secrets
from ralph_hooks.checks.parts import added, blocking, removed, without_end
from ralph_hooks.core.change import Entry
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.finding import Finding
from ralph_hooks.core.ports import CheckResult, Source
from ralph_hooks.core.text import plural
from ralph_hooks.errors import RalphError
from ralph_hooks.secrets import Secret

_VERSION = "1"
_ADVICE = (
    "take it out and revoke it where it was issued, for git keeps what was committed; if it is not a real secret, end"
    " the line with the comment `# pragma: allowlist secret`"
)


class Secrets:
    """What is flagged on added lines, unless a removed line of the same file had it already."""

    name = "secrets"
    source_only = False  # a lock file or a generated one leaks as well as any other

    @property
    def version(self) -> str:
        """This check and everything the scan depends on."""
        return f"{_VERSION} {secrets.version()}"

    def applies(self, entry: Entry) -> bool:
        """Any file that is there after the change."""
        return entry.new_oid is not None

    def run(self, sources: Sequence[Source], deadline: Deadline) -> Mapping[str, CheckResult]:
        """At most one finding a line. The credential is in none of its fields."""
        results: dict[str, CheckResult] = {}
        for source in sources:
            if deadline.passed:
                left = plural(len(sources) - len(results), "file")
                raise RalphError(f"the secret scan did not end in time, {left} left", "raise the gate's `deadline`")
            results[source.path] = CheckResult(tuple(_findings(source)))
        return results

    def excused(self, source: Source, line: int, later: bytes) -> bool:
        """Whether each credential that begins on ``line`` is marked as not real where ``later`` has it.

        A mark that a later commit adds counts as one that was there at once: the same value is on its line.
        """
        text = without_end(source.content.new or b"")[line - 1]
        values = {text[found.start : found.end] for found in secrets.find(text, source.path) if found.certain}
        lines = without_end(later)
        marked = [
            content
            for number, content in enumerate(lines)
            if secrets.allowlisted(content, lines[number - 1] if number else "")
        ]
        return bool(values) and all(any(value in content for content in marked) for value in values)


def _findings(source: Source) -> list[Finding]:
    lines = list(added(source).items())
    text = "\n".join(content for _, content in lines)
    certain = [secret for secret in secrets.find(text, source.path) if secret.certain]
    if not certain:
        return []
    known = _known(source)
    by_line: dict[int, list[tuple[Secret, int]]] = {}
    for secret in certain:
        if text[secret.start : secret.end] not in known:
            first = text.count("\n", 0, secret.start)
            by_line.setdefault(first, []).append((secret, text.count("\n", 0, secret.end)))
    return [
        _finding(source, lines[first][0], lines[last][0], found)
        for first, here in by_line.items()
        for found, last in [([secret for secret, _ in here], here[-1][1])]
        if not _allowlisted(source, lines[first][0])
    ]


def _known(source: Source) -> set[str]:
    """Credentials that the base has in this file: a line that is moved or reformatted leaks nothing new."""
    text = "\n".join(removed(source).values())
    return {text[secret.start : secret.end] for secret in secrets.find(text, source.path)}


def _allowlisted(source: Source, number: int) -> bool:
    lines = without_end(source.content.new or b"")
    return secrets.allowlisted(lines[number - 1], lines[number - 2] if number > 1 else "")


def _finding(source: Source, first: int, last: int, found: Sequence[Secret]) -> Finding:
    kinds = ", ".join(dict.fromkeys(secret.kind for secret in found))
    lines = without_end(source.content.new or b"")
    shown = secrets.mask("\n".join(lines[first - 1 : last]), source.path).partition("\n")[0]
    return blocking(
        "secrets",
        source.path,
        first,
        end_line=last,
        category="secret",
        message=f"this looks like a secret ({kinds}): {_ADVICE}",
        shown=shown,
    )
