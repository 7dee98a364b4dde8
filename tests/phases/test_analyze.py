"""What is asked about a change, and what of the answer is believed."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ralph_hooks.core.codec import strict_schema
from ralph_hooks.core.finding import Severity
from ralph_hooks.core.model_errors import Unreadable
from ralph_hooks.core.ports.checks import Hint
from ralph_hooks.phases import analyze
from tests.support.analyzed import LINES, item, part, read


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


def test_nothing_found() -> None:
    assert read() == analyze.Review((), 0)


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
