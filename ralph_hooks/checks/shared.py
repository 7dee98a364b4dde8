"""Helpers for several checks: the lines of a change, its language, findings that block."""

from __future__ import annotations

import re
from functools import cache
from posixpath import splitext

from ralph_hooks import secrets
from ralph_hooks.core.change import Entry, decode
from ralph_hooks.core.finding import Finding, Severity
from ralph_hooks.core.ports.change import Source
from ralph_hooks.languages.table import Language, language_of

_FIRST_LINE = 200  # bytes


def added(source: Source) -> dict[int, str]:
    """Return the lines that the change adds, by their number in the file."""
    return {line.new: line.text for hunk in source.hunks for line in hunk.lines if line.kind == "+" and line.new}


def removed(source: Source) -> dict[int, str]:
    """Return the lines that the change removes, by their number in the base."""
    return {line.old: line.text for hunk in source.hunks for line in hunk.lines if line.kind == "-" and line.old}


def without_end(data: bytes) -> list[str]:
    """Return the lines of a file as git counts them: they end at LF alone."""
    return decode(data).split("\n")


def language(source: Source) -> Language | None:
    """Return the language of a file after the change; None if it is unknown."""
    return language_of(source.path, (source.content.new or b"")[:_FIRST_LINE])


def may_be_python(entry: Entry) -> bool:
    """Return True by name: Python, or no suffix at all, so that the first line has to decide."""
    known = language_of(entry.path)
    return entry.new_oid is not None and (known.is_python if known else not splitext(entry.path)[1])


def is_python(source: Source) -> bool:
    """Return True by name, or by a first line that starts Python."""
    known = language(source)
    return known is not None and known.is_python


def blocking(  # noqa: D417 - the rest is as in Finding
    check: str, path: str, line: int, *, category: str, message: str, shown: str, end_line: int | None = None
) -> Finding:
    """Return a finding that blocks a change.

    Args:
        shown: the whole line. Credentials in it are masked, for a report is shown and kept.
    """
    context = secrets.mask(shown, path).rstrip()
    return Finding(
        path=path,
        line=line,
        end_line=end_line or line,
        category=category,
        severity=Severity.ERROR,
        confidence=1.0,
        message=secrets.mask(message),
        quote=context.strip(),
        context=context,
        source=check,
        blocking=True,
    )


def sets_limits(path: str) -> bool:
    """Return whether a file configures linters, type checkers or coverage."""
    return _limits_file().search(path) is not None


def is_ci(path: str) -> bool:
    """Return True if a file configures CI."""
    return _ci().search(path) is not None


@cache
def _limits_file() -> re.Pattern[str]:
    return re.compile(
        r"(?i)(?:^|/)(?:pyproject\.toml|setup\.cfg|tox\.ini|pytest\.ini|noxfile\.py|\.coveragerc|\.flake8|\.?ruff\.toml"
        r"|mypy\.ini|\.pylintrc|package\.json|(?:jest|vitest|vite|karma)\.config\.\w+|\.nycrc[^/]*|\.c8rc[^/]*"
        r"|\.eslintrc[^/]*|eslint\.config\.\w+|biome\.jsonc?|tsconfig[^/]*\.json|\.golangci\.\w+|clippy\.toml|\.rubocop\.yml"
        r"|codecov\.ya?ml|\.codecov\.ya?ml|Makefile|justfile|build\.gradle(?:\.kts)?|pom\.xml|phpstan\.neon[^/]*|\.simplecov)$"
    )


@cache
def _ci() -> re.Pattern[str]:
    return re.compile(
        r"(?:^|/)(?:\.github/(?:workflows|actions)/|\.circleci/|\.gitlab-ci|\.gitlab/ci/|azure-pipelines|Jenkinsfile|\.travis\.yml"
        r"|\.pre-commit-config\.yaml|bitbucket-pipelines|\.ci/|appveyor\.yml|\.woodpecker|\.drone\.yml)"
    )
