"""Tests by name from JUnit XML reports (the form that pytest, Maven, Jest and others write)."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from ralph_hooks.core.glob import first_match
from ralph_hooks.languages.run_output import JUnitCase

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_MAX_BYTES = 50_000_000
_MAX_FILES = 20_000
_COLLECTION = "collection failure"  # pytest's marker for a file that it cannot import


class TestResults(Struct, frozen=True):
    """The tests of one run as ``classname::name``. A name shared by several tests occurs once for each."""

    __test__ = False  # tells pytest that this is no test class

    ran: tuple[str, ...] = ()
    """Tests that finished, passing or failing; skipped ones are not included."""
    failed: tuple[str, ...] = ()
    uncollected: bool = False
    """True if a test file could not be read and no test ran."""


def read_reports(reports: Iterable[Path]) -> TestResults | None:
    """Return the results in ``reports`` together; None if there are none, or one is unreadable.

    Tests wrote these files, so they are untrusted: one with a document type, which could define entities that expand
    without limit, is rejected.
    """
    ran: list[str] = []
    failed: list[str] = []
    uncollected, total, count = False, 0, 0
    for count, path in enumerate(reports, start=1):
        root, size = _parsed(path, _MAX_BYTES - total)
        total += size
        if root is None or count > _MAX_FILES:
            return None
        for case in root.iter("testcase"):
            name = "::".join(filter(None, (case.get("classname"), case.get("name"))))
            problems = [found for kind in ("failure", "error") if (found := case.find(kind)) is not None]
            if problems:
                failed.append(name)
                uncollected |= any(found.get("message") == _COLLECTION for found in problems)
            if problems or case.find("skipped") is None:
                ran.append(name)
        failed += _outside_of_tests(root)
    if not count:
        return None
    return TestResults(tuple(ran), tuple(failed), uncollected and len(ran) <= len(failed))


def read_cases(reports: Iterable[Path]) -> tuple[list[JUnitCase], str]:
    """Return the tests in ``reports`` that are not skipped, and what they printed. Unreadable files are left out."""
    cases: list[JUnitCase] = []
    printed: list[str] = []
    total = 0
    for path in reports:
        root, size = _parsed(path, _MAX_BYTES - total)
        total += size
        if root is None:
            continue
        printed += [element.text or "" for kind in ("system-out", "system-err") for element in root.iter(kind)]
        for case in root.iter("testcase"):
            if case.find("skipped") is not None:
                continue
            name = case.get("name", "").partition("(")[0]
            problem = next((found for kind in ("failure", "error") if (found := case.find(kind)) is not None), None)
            if problem is None:
                cases.append(JUnitCase(name))
            else:
                cases.append(JUnitCase(name, problem.get("type") or "failure", problem.text or ""))
    return cases, "\n".join(printed)


def find_reports(folder: Path, patterns: Sequence[str]) -> list[Path]:
    """Return the files below ``folder`` that match ``patterns``, sorted. Follows no symbolic link."""
    return sorted(
        path
        for parent, _, names in os.walk(folder)
        for path in (Path(parent, name) for name in names)
        if first_match(path.relative_to(folder).as_posix(), patterns)
    )


def _parsed(report: Path, limit: int) -> tuple[Element | None, int]:
    import xml.etree.ElementTree as ET

    try:
        found = report.lstat()
        if not stat.S_ISREG(found.st_mode) or found.st_size > limit:  # reading a pipe would block
            return None, 0
        text = report.read_bytes().decode("utf-8-sig")
        if "<!DOCTYPE" in text.partition("<testsuite")[0]:  # it is only allowed before the first element
            return None, 0
        return ET.fromstring(text), found.st_size  # noqa: S314 - without a document type there are no entities
    except (OSError, UnicodeDecodeError, ET.ParseError):
        return None, 0


def _outside_of_tests(root: Element) -> Iterator[str]:
    """Yield suites that count more failures than their tests have, as Jest's do for a file that it cannot run."""
    for suite in root.iter("testsuite"):
        if suite.find("testsuite") is not None:  # its count includes those of nested suites
            continue
        cases = suite.findall("testcase")
        seen = sum(case.find(kind) is not None for case in cases for kind in ("failure", "error"))
        counted = sum(int(given) for key in ("failures", "errors") if (given := suite.get(key, "")).isdecimal())
        if counted > seen:
            yield f"{suite.get('name') or 'a test suite'} (outside of its tests)"
