"""The names of failing tests from a JUnit XML report (the form that pytest, Maven, Jest and others write)."""

from __future__ import annotations

import stat
from pathlib import Path

_MAX_BYTES = 50_000_000


def failing_tests(report: Path) -> tuple[str, ...] | None:
    """``classname::name`` of each test that failed or broke, once; None where there is no report that can be read.

    A test wrote this file, so it is not to be trusted: one with a document type, which could define entities that grow
    without end, is not read.
    """
    import xml.etree.ElementTree as ET

    try:
        found = report.lstat()
        if not stat.S_ISREG(found.st_mode) or found.st_size > _MAX_BYTES:  # a pipe would be waited for
            return None
        text = report.read_bytes().decode("utf-8-sig")
        if "<!DOCTYPE" in text.partition("<testsuite")[0]:  # it can only stand before the first element
            return None
        root = ET.fromstring(text)  # noqa: S314 - without a document type there are no entities
    except (OSError, UnicodeDecodeError, ET.ParseError):
        return None
    return tuple(
        dict.fromkeys(
            "::".join(filter(None, (case.get("classname"), case.get("name"))))
            for case in root.iter("testcase")
            if case.find("failure") is not None or case.find("error") is not None
        )
    )
