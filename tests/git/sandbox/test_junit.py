"""JUnit reports, which a test may have written."""

from __future__ import annotations

import pytest

from ralph_hooks.core.report import Verdict
from tests.support.repo import Repo
from tests.support.verifying import CASE, python, verify_one

BOMB = """<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>
<testsuite><testcase name="&b;"><failure/></testcase></testsuite>"""


@pytest.mark.parametrize(
    "report",
    [
        BOMB.encode(),
        BOMB.encode("utf-16"),
        f'<?xml version="1.0" encoding="cp037"?>{BOMB}'.encode("cp037"),
        b"<testsuite>",
        b"",
        b"{}",
        b"\xff\xfe",
    ],
)
def test_a_report_that_is_not_safe_or_not_readable_is_no_report(repo: Repo, report: bytes) -> None:
    code = f"import sys; open(sys.argv[1], 'wb').write({report!r}); sys.exit(1)"
    ran = verify_one(repo, f"{python(code)} {{junit}}")
    assert (ran.verdict, ran.new_failures) == (Verdict.INCONCLUSIVE, ())


@pytest.mark.parametrize(
    "report",
    [
        f"<testsuites><testsuite>{CASE}{CASE}</testsuite></testsuites>",
        f"\ufeff<?xml version='1.0'?><testsuite><system-out><![CDATA[<!DOCTYPE html>]]></system-out>{CASE}</testsuite>",
    ],
)
def test_the_reports_of_other_tools_are_read(repo: Repo, report: str) -> None:
    repo.commit({"a.py": "ok"})
    code = f"import sys; open(sys.argv[1], 'wb').write({report.encode()!r}); sys.exit('bad' in open('a.py').read())"
    ran = verify_one(repo.stage({"a.py": "bad"}), f"{python(code)} {{junit}}")
    assert (ran.verdict, ran.known_failures) == (Verdict.PASS, ("t::n",))
