"""Replies, patches and diffs are data: whatever they hold, nothing breaks and nothing is written outside."""

from __future__ import annotations

import contextlib
import json
import os
import re
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from ralph_hooks.core.change import Entry, Line, Status
from ralph_hooks.core.model_errors import Unreadable
from ralph_hooks.core.prompt_diff import Part
from ralph_hooks.core.repair import Repair
from ralph_hooks.core.repair_rules import violations
from ralph_hooks.core.report import Report, Verdict
from ralph_hooks.errors import GitError
from ralph_hooks.git.diff_parser import read_hunks, read_raw
from ralph_hooks.phases import analyze, implement, plan, verify
from ralph_hooks.phases.question import strip_fence
from ralph_hooks.reports.formats import FORMATS, render

PARTS = (Part("a.py", "### a.py", (Line("+", None, 1, "eval(x)"), Line("-", 1, None, "int(x)"))),)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)
NASTY = st.text(alphabet=st.sampled_from("a/.\\\x00\x1b\x07\n\r\u202e\u2066\ud800\U000e0041é"), max_size=30)
ITEM = st.fixed_dictionaries(
    {
        "path": st.sampled_from(["a.py", "../a.py", "/etc/passwd", ".git/config"]) | NASTY | JSON,
        "line": st.integers() | JSON,
        "category": NASTY | JSON,
        "severity": st.sampled_from(["error", "warning", "note", "fatal"]) | JSON,
        "confidence": st.floats() | JSON,
        "message": NASTY | JSON,
        "quote": st.sampled_from(["eval(x)", "int(x)", ""]) | NASTY | JSON,
    }
)
DRIVING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f\ud800-\udfff]")


def read(text: str) -> analyze.Review | None:
    try:
        return analyze.read(strip_fence(text), PARTS)
    except Unreadable:
        return None


@given(st.text() | JSON.map(json.dumps) | st.lists(ITEM, max_size=5).map(lambda items: json.dumps({"findings": items})))
def test_any_reply_to_analyze_is_findings_of_this_change_or_unreadable(text: str) -> None:
    review = read(text)
    for finding in review.findings if review else ():
        assert finding.path == "a.py"
        assert finding.line == 1
        assert 0 <= finding.confidence <= 1
        assert finding.context in {"eval(x)", "int(x)"}


@given(st.text() | JSON.map(json.dumps), st.integers(1, 4))
def test_any_reply_to_verify_has_a_verdict_for_every_claim_or_is_unreadable(text: str, count: int) -> None:
    with contextlib.suppress(Unreadable):
        assert len(verify.read(strip_fence(text), count)) == count


REPAIR = st.fixed_dictionaries(
    {},
    optional={
        "summary": NASTY | JSON,
        "edits": st.lists(
            st.fixed_dictionaries(dict.fromkeys(("path", "search", "replace"), NASTY)) | JSON, max_size=3
        ),
        "create": st.lists(st.fixed_dictionaries({"path": NASTY, "content": NASTY}) | JSON, max_size=2),
        "delete": st.lists(NASTY | JSON, max_size=2),
        "files": st.lists(NASTY | JSON, max_size=3) | JSON,
        "steps": st.lists(NASTY | JSON, max_size=3) | JSON,
    },
)


@given(st.text() | JSON.map(json.dumps) | REPAIR.map(json.dumps))
def test_any_reply_to_plan_and_implement_is_one_or_unreadable(text: str) -> None:
    with contextlib.suppress(Unreadable):
        assert set(plan.read(strip_fence(text), ["a.py", "b.py"]).files) <= {"a.py", "b.py"}
    with contextlib.suppress(Unreadable):
        assert isinstance(implement.read(strip_fence(text)), Repair)


def test_a_reply_that_says_two_things_under_one_name_is_unreadable() -> None:
    assert read('{"findings": [], "findings": []}') is None
    assert read('{"findings": [{"path": "a", "path": "b"}]}') is None


def test_a_reply_nested_beyond_measure_is_unreadable() -> None:
    assert read("[" * 100_000) is None
    assert read('{"findings": [' + '{"path": [' * 50_000) is None
    assert read('{"findings": ' + "[" * 5_000 + "]" * 5_000 + "}") is None


@settings(max_examples=60)
@given(st.lists(ITEM, min_size=1, max_size=4), st.sampled_from(FORMATS), NASTY)
def test_no_format_prints_a_byte_that_drives_a_terminal(items: list[dict[str, Any]], form: str, title: str) -> None:
    review = read(json.dumps({"findings": items}))
    findings = review.findings if review else ()
    report = Report(
        command="gate", verdict=Verdict.FAIL, reason=title, tree="0" * 40, title=title, findings=findings, exit_code=1
    )
    assert not DRIVING.search(render(report, form, color=False, width=80))


@given(st.binary(max_size=400))
def test_any_bytes_for_a_patch_are_hunks_or_none(data: bytes) -> None:
    header = b"diff --git a/0 b/0\n--- a/0\n+++ b/0\n"
    for _, hunks in read_hunks(header + data):
        for hunk in hunks:
            assert all(line.kind in " +-" or len(line.kind) <= 1 for line in hunk.lines)


@given(st.binary(max_size=60).filter(lambda name: name and b"\0" not in name), st.sampled_from("AMDT"))
def test_any_name_survives_the_way_from_git(name: bytes, status: str) -> None:
    oid = b"1" * 40
    try:
        (entry,) = read_raw(b":100644 100644 %s %s %s\0%s\0" % (oid, oid, status.encode(), name))
    except GitError:
        return
    assert entry.path.encode("utf-8", "surrogateescape") == name


PATH = st.lists(
    st.sampled_from(["..", ".", "", "a", ".git", ".GIT", "git~1", ".g\u200cit", "/", "\\", "C:", "~", "x.py", " "]),
    min_size=1, max_size=6,
).map("/".join) | st.text(max_size=12)  # fmt: skip


@given(PATH)
def test_a_path_that_the_policy_lets_through_stays_in_the_repository(path: str) -> None:
    """Judged by other means: where it would lead, and what it is called there without regard to case."""
    entry = Entry(path, Status.ADDED, path, "000000", "100644", None, "1" * 40)
    if list(violations([entry])):
        return
    for separated in (path, path.replace("\\", "/")):
        assert not separated.startswith(("/", "~/"))
        assert os.path.normpath(os.path.join("/top", separated)).startswith("/top/")  # noqa: PTH118 - as text
        assert ".git" not in {name.casefold() for name in separated.split("/")}
    assert "\0" not in path
    assert not re.match("[A-Za-z]:", path)


@given(JSON)
def test_what_is_kept_of_a_reply_can_be_read_back(value: object) -> None:
    review = read(json.dumps({"findings": [{"path": "a.py", "quote": "eval(x)", "line": 1, "message": value}]}))
    for finding in review.findings if review else ():
        assert msgspec.json.decode(msgspec.json.encode(finding), type=type(finding)) == finding
