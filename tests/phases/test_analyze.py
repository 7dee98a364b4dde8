"""What is asked about a change, and what of the answer is believed."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ralph_hooks.core.change import Content, Entry, Hunk, Line, Status
from ralph_hooks.core.codec import strict_schema
from ralph_hooks.core.finding import Severity
from ralph_hooks.core.model_errors import Unreadable
from ralph_hooks.core.ports.checks import Hint
from ralph_hooks.core.prompt_diff import Part, render
from ralph_hooks.phases import analyze
from ralph_hooks.phases.question import prompt_version, strip_fence

LINES = (
    Line(" ", 1, 1, "def pay(amount):"),
    Line("-", 2, None, "    check(amount)"),
    Line("-", 3, None, "    return book(amount)"),
    Line("+", None, 2, "    log(amount)"),
    Line("+", None, 3, "    return book(amount)"),
    Line("+", None, 4, ""),
    Line("+", None, 5, "    log(amount)"),
)


def part(path: str = "pay.py", lines: tuple[Line, ...] = LINES) -> Part:
    entry = Entry(path, Status.MODIFIED, path, "100644", "100644", "1" * 40, "2" * 40)
    return render(entry, Content(b"", b""), [Hunk(lines)], 10_000)[0]


def item(**changes: object) -> dict[str, Any]:
    plain = {
        "path": "pay.py",
        "line": 2,
        "category": "bug",
        "severity": "error",
        "confidence": 0.9,
        "message": "It is not checked.",
        "quote": "log(amount)",
    }
    return {**plain, **changes}


def read(*items: object, parts: tuple[Part, ...] = (part(),)) -> analyze.Review:
    return analyze.read(json.dumps({"findings": items}).encode(), parts)


def test_a_question_holds_the_change_and_its_hints_between_markers() -> None:
    asked = analyze.question([part(), part("b.py")], {"b.py": [Hint(2, "B008 a call as a default")]}, "m4rk")
    rows = asked.prompt.splitlines()
    assert (rows[0], rows[-1]) == ("BEGIN m4rk", "END m4rk")
    assert "+2     log(amount)" in rows
    assert "-2     check(amount)" in rows
    assert rows.index("?2 B008 a call as a default") > rows.index("### b.py")
    assert asked.divisible
    assert not analyze.question([part()], {}, "m").divisible


def test_hints_of_a_file_are_told_once_however_many_parts_it_has() -> None:
    assert analyze.question([part(), part()], {"pay.py": [Hint(2, "B008")]}, "m").prompt.count("?2 B008") == 1


def test_the_shape_that_is_asked_for_is_strict() -> None:
    schema = strict_schema(analyze.AnalyzeReply)
    assert schema["additionalProperties"] is False
    [finding] = [schema["properties"]["findings"]["items"]]
    assert finding["required"] == ["path", "line", "category", "severity", "confidence", "message", "quote"]
    assert finding["properties"]["severity"] == {"type": "string", "enum": ["error", "note", "warning"]}


def test_other_words_are_another_version() -> None:
    assert prompt_version("a", analyze.AnalyzeReply) != prompt_version("b", analyze.AnalyzeReply)
    assert prompt_version(analyze.SYSTEM, analyze.AnalyzeReply) == analyze.VERSION


def test_nothing_found() -> None:
    assert read() == analyze.Review((), 0)


@pytest.mark.parametrize(
    ("quote", "line", "expected"),
    [
        ("log(amount)", 2, (2, 2, False)),
        ("log(amount)", 5, (5, 5, False)),  # the nearest of several
        ("log(amount)", 99, (5, 5, False)),
        ("  log(amount)  ", 2, (2, 2, False)),
        ("check(amount)", 2, (2, 2, True)),
        ("return book(amount)", 3, (3, 3, False)),  # on both sides: what is there counts first
        ("+2     log(amount)", 2, (2, 2, False)),  # with what stood before the line
        ("+ log(amount)", 2, (2, 2, False)),
        ("log(amount)\n    return book(amount)", 2, (2, 3, False)),
        ("+2     log(amount)\n+3     return book(amount)", 2, (2, 3, False)),
        ("check(amount)\nreturn book(amount)", 2, (2, 3, True)),
        ("def pay(amount):\n    log(amount)", 1, (1, 2, False)),
        ("def pay(amount):", 1, (1, 1, False)),  # context is in the change too
        ("return book(amount)\n\n    log(amount)", 3, (3, 5, False)),  # blank lines do not count
    ],
)
def test_a_quote_is_found_where_it_stands(quote: str, line: int, expected: tuple[int, int, bool]) -> None:
    [found] = read(item(quote=quote, line=line)).findings
    assert (found.line, found.end_line, found.removed) == expected


UNUSABLE = [
    {"quote": "transfer(amount)"},
    {"quote": ""},
    {"quote": "\n \n"},
    {"path": "other.py"},
    {"path": "/etc/passwd"},
    {"severity": "dire"},
    {"confidence": "somewhat"},
    {"confidence": -1},
    {"line": "second"},
    {"message": None},
]


@pytest.mark.parametrize("wrong", UNUSABLE, ids=str)
def test_an_unusable_error_is_never_dropped_in_silence(wrong: dict[str, object]) -> None:
    """Beside it stands an error that may not block: then the worst finding would be gone unnoticed."""
    with pytest.raises(Unreadable, match="1 error that it reported cannot be matched") as raised:
        read(item(**wrong), item(confidence=0.1))
    assert isinstance(raised.value.partial, analyze.Review)
    assert [found.confidence for found in raised.value.partial.findings] == [0.1]
    with pytest.raises(Unreadable, match="1 finding, none about code that is in the change"):
        read(item(**wrong))


def test_an_unusable_warning_is_dropped_and_counted() -> None:
    review = read(item(quote="transfer(amount)", severity="warning"), item())
    assert (len(review.findings), review.dropped) == (1, 1)


@pytest.mark.parametrize(
    ("inexact", "expected"),
    [
        ({"path": "PAY.py"}, {}),
        ({"path": "./pay.py"}, {}),
        ({"path": "b/pay.py"}, {}),
        ({"path": "`pay.py`"}, {}),
        ({"path": "src/pay.py"}, {}),
        ({"path": "pay.py:2:5"}, {}),
        ({"path": "src\\pay.py#L2-L3"}, {}),
        ({"severity": "CRITICAL"}, {}),
        ({"severity": "High"}, {}),
        ({"severity": "Warn"}, {"severity": Severity.WARNING}),
        ({"severity": "INFO"}, {"severity": Severity.NOTE}),
        ({"line": "2"}, {}),
        ({"line": "L2-L3"}, {}),
        ({"line": 2.0}, {}),
        ({"confidence": "90%"}, {}),
        ({"confidence": 90}, {}),
        ({"confidence": "0.9"}, {}),
        ({"confidence": "high"}, {}),
        ({"quote": "log( amount )"}, {}),
        ({"quote": "`log(amount)`"}, {}),
        ({"quote": "'log(amount)'"}, {}),
        ({"quote": "log(amount)\n    check(amount)"}, {}),  # of both sides: the first line counts
        ({"quote": "log(amounts)"}, {}),  # nearly the changed line that it names
    ],
    ids=str,
)
def test_an_inexact_copy_with_one_meaning_is_accepted(inexact: dict[str, object], expected: dict[str, object]) -> None:
    [found] = read(item(**inexact)).findings
    plain = {"path": "pay.py", "line": 2, "severity": Severity.ERROR, "confidence": 0.9, **expected}
    assert {name: getattr(found, name) for name in plain} == plain


def test_a_path_that_could_be_two_is_none() -> None:
    with pytest.raises(Unreadable):
        read(item(path="PAY.PY"), parts=(part("pay.py"), part("Pay.py")))


def test_an_item_without_a_field_is_unusable() -> None:
    whole = item()
    for name in whole:
        with pytest.raises(Unreadable):
            read({key: value for key, value in whole.items() if key != name}, whole)


def test_what_else_an_item_says_is_brought_into_form() -> None:
    [found] = read(item(category="SQL Injection!", confidence=7, message="  So.\n", extra=1)).findings
    assert (found.category, found.confidence, found.message) == ("sql-injection", 1.0, "So.")
    assert (found.severity, found.context) == (Severity.ERROR, "    log(amount)")
    assert (found.blocking, found.confirmed) == (False, None)


def test_a_path_is_the_one_that_was_shown() -> None:
    [found] = read(item(path="odd\\nname.py"), parts=(part("odd\nname.py"),)).findings
    assert found.path == "odd\nname.py"


def test_one_fence_is_taken_off() -> None:
    assert strip_fence('```json\n{"findings": []}\n```\n') == b'{"findings": []}'
    assert strip_fence('  {"findings": []}') == b'{"findings": []}'
    assert strip_fence("```") == b"```"


@pytest.mark.parametrize(
    "text",
    ["", "I found nothing.", "[]", "{}", '{"findings": 3}', '{"findings": [', "[" * 100_000, '{"findings": null}'],
    ids=lambda text: text[:20],
)
def test_what_is_no_reply_is_unreadable(text: str) -> None:
    with pytest.raises(Unreadable):
        analyze.read(text.encode(), [part()])


@given(data=st.binary())
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        analyze.read(data, [part()])
    except Unreadable:
        return


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
PLAUSIBLE = st.fixed_dictionaries(
    {
        "path": st.sampled_from(["pay.py", "other.py"]) | JSON,
        "line": st.integers(-3, 10) | JSON,
        "category": st.text(max_size=60) | JSON,
        "severity": st.sampled_from(["error", "warning", "note"]) | JSON,
        "confidence": st.floats(-2, 2) | JSON,
        "message": st.text(max_size=20) | JSON,
        "quote": st.sampled_from(["log(amount)", "check(amount)", "amount", "o", "nowhere"]) | JSON,
    }
)


@given(items=st.lists(PLAUSIBLE | JSON, max_size=6))
def test_every_item_is_a_grounded_finding_or_counted_as_dropped(items: list[object]) -> None:
    try:
        review = read(*items)
    except Unreadable:
        assert items
        return
    assert len(review.findings) + review.dropped == len(items)
    for found in review.findings:
        assert found.path == "pay.py"
        assert found.quote in found.context
        assert any(
            line.text == found.context and found.line == (line.old if found.removed else line.new) for line in LINES
        )
        assert 0.0 <= found.confidence <= 1.0
        assert msgspec.json.decode(msgspec.json.encode(found), type=type(found)) == found
