"""Syntax errors that a change brings, in every language that `languages` can parse.

Those of Python are ruff's, whose parser knows every version of the language; here only an encoding is refused that the
interpreter would not read. A language whose grammar is behind gives hints and never blocks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from posixpath import splitext

from ralph_hooks.checks.shared import added, blocking, language, without_end
from ralph_hooks.core.change import Entry
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.ports.change import Source
from ralph_hooks.core.ports.checks import CheckResult, Hint
from ralph_hooks.languages.syntax import SyntaxProblem
from ralph_hooks.languages.table import Language, Trust, language_of
from ralph_hooks.languages.test_files import is_wrong_on_purpose

_VERSION = "4"
_UNCHECKED = CheckResult(looked=False)


class Syntax:
    """A file that cannot be parsed after the change, and could before or was not there."""

    name = "syntax"
    source_only = True
    version = _VERSION

    def applies(self, entry: Entry) -> bool:
        """Return True by name; without a suffix the first line decides."""
        if entry.new_oid is None:
            return False
        known = language_of(entry.path)
        return known.syntax is not Trust.NONE if known is not None else not splitext(entry.path)[1]

    def run(self, sources: Sequence[Source], deadline: Deadline) -> Mapping[str, CheckResult]:  # noqa: ARG002 - parsing has a limit of its own
        """Return at most one finding per file."""
        return {source.path: _check(source) for source in sources}


def _check(source: Source) -> CheckResult:
    known = language(source)
    if known is None or known.syntax is Trust.NONE or not source.content.new or is_wrong_on_purpose(source.path):
        return _UNCHECKED
    problems = known.problems(source.path, source.content.new)
    if problems is None:
        return _UNCHECKED
    if not problems or _is_old(known, source, problems[0]):
        return CheckResult()
    lines = without_end(source.content.new)
    shown = _shown(problems, source)
    number = min(shown.line, len(lines))
    if known.syntax is Trust.HINT or not shown.certain:
        return CheckResult(hints=(Hint(number, shown.message),))
    message = f"{shown.message} (up to line {shown.last})" if shown.last > number else shown.message
    return CheckResult(
        (blocking("syntax", source.path, number, category="syntax", message=message, shown=lines[number - 1]),)
    )


def _is_old(known: Language, source: Source, problem: SyntaxProblem) -> bool:
    """Return True if the base has the same error; for a grammar, which may not know the dialect, any error."""
    before = known.problems(source.entry.old_path, source.content.old) if source.content.old else ()
    if before is None:
        return True  # undecidable
    if known.brackets_only and problem.certain:
        return bool(before) and before[0].certain
    return bool(before) and (known.reader is None or before[0].message == problem.message or not problem.certain)


def _shown(problems: Sequence[SyntaxProblem], source: Source) -> SyntaxProblem:
    """Return the first problem on lines that the change adds, else the first; only certain ones if the first is."""
    fresh = added(source)
    problems = [each for each in problems if each.certain or not problems[0].certain]
    return next(
        (each for each in problems if any(line in fresh for line in range(each.line, (each.last or each.line) + 1))),
        problems[0],
    )
