"""The project's own linters and type checkers: findings in the change that its base does not have.

Findings are the same by rule, message and line of code; line numbers shift. Only files of the change count.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct

from ralph_hooks import secrets
from ralph_hooks.checks.linter_formats import Diagnostic, UnreadableError, read
from ralph_hooks.checks.shared import added, without_end
from ralph_hooks.core.change import Change
from ralph_hooks.core.codec import from_json
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.finding import Finding, Severity
from ralph_hooks.core.linter import FILES, BlockAt, Linter, LinterCall, LinterRun
from ralph_hooks.core.ports.change import Source
from ralph_hooks.core.ports.checks import Hint, LinterResult
from ralph_hooks.core.ports.sandbox import LinterRunner
from ralph_hooks.core.ports.store import Cache
from ralph_hooks.core.text import one_line

_VERSION = "1"
_DAY = 86_400.0  # seconds: a linter depends on more than we can see
_NOT_STARTED = (126, 127)  # exit codes of a shell for a program that it cannot start
_MOST_OUTPUT = 8_000_000  # bytes
_MOST_HINTS = 50  # in one file
_LONGEST_HINT = 160  # characters
_LONGEST_SAID = 200
_PLACES = re.compile(r"(?<=\bline )\d+|(?<=:)\d+")  # where else in a file, which shifts
_SECRET = "secret"


class _Side(Struct, frozen=True):
    """The findings of a linter in one tree."""

    found: tuple[Diagnostic, ...] = ()
    problem: str = ""


class _Job(Struct, frozen=True):
    linter: Linter
    paths: tuple[str, ...]


class ProjectLinters:
    """Implements `core.ports.checks.Linters`. ``cache`` keeps the findings of linters in a tree."""

    def __init__(self, linters: Sequence[Linter], runner: LinterRunner, cache: Cache) -> None:
        self.linters = tuple(linters)
        self._runner = runner
        self._cache = cache

    def version(self, linter: Linter) -> str:
        """Return a key of everything but the change that the result of ``linter`` depends on."""
        return f"{self.settings(linter)} {self._runner.conditions(linter.run)}"

    def settings(self, linter: Linter) -> str:
        """Return the same as `version`, without the machine."""
        return f"{_VERSION} {msgspec.json.encode(linter).decode()}"

    def run(
        self, wanted: Sequence[tuple[Linter, Sequence[Source]]], change: Change, deadline: Deadline
    ) -> Sequence[LinterResult]:
        """Return one result for each of ``wanted``, a linter with its files."""
        jobs = [_Job(linter, tuple(source.path for source in sources)) for linter, sources in wanted]
        now = self._sides(jobs, change.tree, change, deadline)
        asked = [index for index, (_, sources) in enumerate(wanted) if _asks_base(now[index], sources)]
        olds = [_Job(wanted[index][0], _old_paths(wanted[index][1])) for index in asked]
        bases = dict(zip(asked, self._sides(olds, change.base, change, deadline), strict=True))
        return [
            _result(linter, sources, side, bases.get(index, _Side()))
            for index, ((linter, sources), side) in enumerate(zip(wanted, now, strict=True))
        ]

    def caveats(self) -> Sequence[str]:
        """Return the warnings for the user about how linters were run."""
        return self._runner.caveats()

    def _sides(self, jobs: Sequence[_Job], tree: str, change: Change, deadline: Deadline) -> list[_Side]:
        """Return the linters' findings in ``tree``, from the cache if possible; one scratch copy for the rest."""
        keys = [self._key(job, tree) for job in jobs]
        known = self._cache.get(keys)
        sides = [_recalled(known.get(key)) for key in keys]
        missing = [index for index, side in enumerate(sides) if side is None]
        lines = {index: jobs[index].linter.lines(jobs[index].paths) for index in missing}
        flat = [
            LinterCall(line, jobs[index].linter.cwd, jobs[index].linter.timeout)
            for index in missing
            for line in lines[index]
        ]
        runs = iter(self._runner.run(tree, change, flat, deadline) if flat else ())
        for index in missing:
            side = _read(jobs[index], [next(runs) for _ in lines[index]])
            sides[index] = side
            if not side.problem:
                self._keep(keys[index], side)
        return [side or _Side() for side in sides]

    def _keep(self, key: str, side: _Side) -> None:
        try:
            self._cache.put({key: msgspec.json.encode(side)}, ttl=_DAY)
        except UnicodeEncodeError:  # a path may hold bytes that JSON cannot
            return

    def _key(self, job: _Job, tree: str) -> str:
        words = "\0".join((tree, self.version(job.linter), *job.paths)).encode("utf-8", "surrogateescape")
        return f"linter {hashlib.blake2b(words, digest_size=16).hexdigest()}"


def _recalled(data: bytes | None) -> _Side | None:
    try:
        return None if data is None else from_json(data, _Side)
    except (msgspec.DecodeError, UnicodeDecodeError):  # of a release that has another shape for it
        return None


def _old_paths(sources: Sequence[Source]) -> tuple[str, ...]:
    return tuple(source.entry.old_path for source in sources if source.content.old is not None)


def _asks_base(side: _Side, sources: Sequence[Source]) -> bool:
    """Return whether the base has to be linted to see that a finding is not new: nearly always there is none."""
    return bool(side.found and _old_paths(sources))


def problem_of(linter: Linter, path: str, runs: Sequence[LinterRun]) -> str:
    """Return why the ``runs`` of ``linter`` on the file at ``path`` cannot be used; empty if they can."""
    return _read(_Job(linter, (path,)), runs).problem


def _read(job: _Job, runs: Sequence[LinterRun]) -> _Side:
    """Return the combined result of the ``runs`` of one linter; the first problem counts for all."""
    wanted = frozenset(job.paths)
    found: list[Diagnostic] = []
    problem = ""
    for run in runs:
        said = f": {one_line(secrets.mask(run.said))[:_LONGEST_SAID]}" if run.said else ""
        if run.problem or run.code is None:
            problem = problem or run.problem or "it did not finish"
            continue
        if run.code in _NOT_STARTED:
            problem = problem or f"it could not be started (exit code {run.code}{said})"
            continue
        if len(run.output) > _MOST_OUTPUT:
            problem = problem or f"it wrote more than {_MOST_OUTPUT // 1_000_000} MB"
            continue
        try:
            reading = read(job.linter.format, run)
        except UnreadableError as error:
            why = said or f": {one_line(str(error))[:_LONGEST_SAID]}"
            problem = problem or f"its output is not {job.linter.format.value} (exit code {run.code}{why})"
            continue
        found += [item for item in reading.diagnostics if item.path in wanted]
        if reading.stopped:
            problem = problem or one_line(secrets.mask(reading.stopped))[:_LONGEST_SAID]
        elif run.code and reading.silent:
            problem = problem or f"it failed without a finding (exit code {run.code}{said})"
    return _Side(tuple(dict.fromkeys(found)) if FILES in job.linter.run else tuple(found), problem)


def _result(linter: Linter, sources: Sequence[Source], new: _Side, old: _Side) -> LinterResult:
    fresh = _fresh(sources, new, old)
    findings: list[Finding] = []
    hints: dict[str, list[Hint]] = {}
    for source, items in fresh.items():
        for item, text in items:
            if _is_hint(linter, item):
                kept = hints.setdefault(source, [])
                if len(kept) < _MOST_HINTS:
                    kept.append(Hint(max(1, item.line), _hint_text(linter, item)))
            else:
                findings.append(_finding(linter, item, text))
    remark = ""
    if old.problem:
        remark = (
            f"{linter.name} failed on the base of this change ({old.problem}), so only findings on added lines count"
        )
    return LinterResult(
        findings=tuple(findings),
        hints={path: tuple(items) for path, items in hints.items()},
        problem=f"{linter.name}: {new.problem}" if new.problem else "",
        remark=remark,
    )


def _fresh(sources: Sequence[Source], new: _Side, old: _Side) -> Mapping[str, list[tuple[Diagnostic, str]]]:
    """Return the diagnostics that the base does not have, by path, each with its line of code.

    Of equal ones as many are old as the base has: first those of the same file, then those of code that has moved.
    """
    before = _by_path(old.found)
    known: dict[str, Counter[tuple[str, str, str]]] = {}
    texts: dict[str, list[str]] = {}
    for source in sources:
        lines = without_end(source.content.old or b"")
        known[source.path] = Counter(_key(item, lines) for item in before.get(source.entry.old_path, ()))
        texts[source.path] = without_end(source.content.new or b"")
    left: dict[str, list[tuple[Diagnostic, str]]] = {}
    now = _by_path(new.found)
    for source in sources:
        counts = known[source.path]
        for item in now.get(source.path, ()):
            name = _key(item, texts[source.path])
            if counts[name] > 0:
                counts[name] -= 1
            else:
                left.setdefault(source.path, []).append((item, _text(item, texts[source.path])))
    moved = sum(known.values(), start=Counter[tuple[str, str, str]]())
    fresh: dict[str, list[tuple[Diagnostic, str]]] = {}
    for source in sources:
        lines_added = added(source) if old.problem and source.content.old is not None else None
        for item, text in left.get(source.path, ()):
            name = _key(item, texts[source.path])
            if moved[name] > 0:
                moved[name] -= 1
            elif lines_added is None or item.line in lines_added:
                fresh.setdefault(source.path, []).append((item, text))
    return fresh


def _by_path(found: Sequence[Diagnostic]) -> Mapping[str, list[Diagnostic]]:
    by_path: dict[str, list[Diagnostic]] = {}
    for item in found:
        by_path.setdefault(item.path, []).append(item)
    return by_path


def _text(item: Diagnostic, lines: Sequence[str]) -> str:
    return lines[item.line - 1].rstrip("\r") if 0 < item.line <= len(lines) else ""


def _key(item: Diagnostic, lines: Sequence[str]) -> tuple[str, str, str]:
    return item.rule, _PLACES.sub("N", item.message), _text(item, lines).strip()


def _is_hint(linter: Linter, item: Diagnostic) -> bool:
    if linter.block_at is BlockAt.HINT or item.severity is Severity.NOTE:
        return True
    return bool(linter.rules) and item.rule not in linter.rules


def _hint_text(linter: Linter, item: Diagnostic) -> str:
    return secrets.mask(f"{item.rule or linter.name} {item.message}")[:_LONGEST_HINT]


def _finding(linter: Linter, item: Diagnostic, text: str) -> Finding:
    context = secrets.mask(text, item.path).rstrip()
    rule = one_line(item.rule) or linter.name
    return Finding(
        path=item.path,
        line=max(1, item.line),
        end_line=max(1, item.line),
        category=f"{linter.name}-{rule}" if rule == _SECRET else rule,
        severity=item.severity,
        confidence=1.0,
        message=secrets.mask(item.message),
        quote=context.strip(),
        context=context,
        source=linter.name,
        blocking=item.severity.at_least(Severity(linter.block_at.value)),
    )
