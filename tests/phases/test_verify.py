"""Claims are numbered, and each of them gets a verdict or the reply is refused."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ralph_hooks.core.codec import strict_schema
from ralph_hooks.core.model_errors import Unreadable
from ralph_hooks.phases import verify
from ralph_hooks.phases.verify import Claim


def verdict(name: str, *, holds: bool = True) -> dict[str, object]:
    return {"id": name, "holds": holds, "confidence": 0.8, "reason": "So it is."}


def read(*verdicts: object, count: int) -> list[bool]:
    return [one.holds for one in verify.read(json.dumps({"verdicts": verdicts}).encode(), count)]


def test_claims_follow_the_code_they_are_about_which_is_shown_once() -> None:
    asked = verify.question([Claim("a", "code 1"), Claim("b", "code 1"), Claim("c", "code 2")], "m4rk")
    assert asked.prompt.splitlines() == ["BEGIN m4rk", "code 1", "C1: a", "C2: b", "code 2", "C3: c", "END m4rk"]
    assert asked.divisible
    assert not verify.question([Claim("a", "code")], "m").divisible


def test_verdicts_come_in_the_order_of_the_claims_whatever_their_own() -> None:
    assert read(verdict("C2", holds=False), verdict("C1"), count=2) == [True, False]
    assert read(verdict(" c1 "), count=1) == [True]


@pytest.mark.parametrize("name", ["C1.", "[C1]", "`c1`", "Claim 1", "#1", "1", "C01", "C 1:"])
def test_an_id_is_read_in_every_common_form(name: str) -> None:
    assert read(verdict(name, holds=False), count=1) == [False]
    with pytest.raises(Unreadable, match="contradicts itself about C1"):
        read(verdict("C1", holds=False), verdict(name, holds=True), count=1)


@pytest.mark.parametrize(
    "other", [{"id": "C1"}, {**verdict("C1"), "holds": "true"}, 5, verdict("C7"), verdict("")], ids=str
)
def test_an_unusable_verdict_beside_a_good_one_is_asked_again(other: object) -> None:
    with pytest.raises(Unreadable):
        read(verdict("C1", holds=False), other, count=1)


@pytest.mark.parametrize(
    "second",
    [{"id": "C2"}, {**verdict("C2"), "holds": "yes"}, {**verdict("C2"), "confidence": None}, 5],
    ids=str,
)
def test_a_claim_without_a_readable_verdict_makes_the_reply_unreadable(second: object) -> None:
    with pytest.raises(Unreadable, match="no verdict for C2"):
        read(verdict("C1"), second, count=2)


def test_contradicting_verdicts_are_none() -> None:
    with pytest.raises(Unreadable, match="contradicts itself about C1"):
        read(verdict("C1"), verdict("C1", holds=False), count=1)
    assert read(verdict("C1"), verdict("C1"), count=1) == [True]


@given(data=st.binary(), count=st.integers(1, 3))
def test_any_bytes_are_read_or_refused(data: bytes, count: int) -> None:
    with pytest.raises(Unreadable):
        verify.read(data, count)


NAMES = st.sampled_from(["C1", "C2", "c2", " C3", "C10", "", "1"])
VERDICTS = st.fixed_dictionaries(
    {
        "id": NAMES,
        "holds": st.booleans() | st.none(),
        "confidence": st.floats(0, 1) | st.text(max_size=3),
        "reason": st.text(max_size=5),
    }
)


@given(verdicts=st.lists(VERDICTS, max_size=8), count=st.integers(1, 3))
def test_there_is_one_verdict_a_claim_and_none_is_made_up(verdicts: list[dict[str, object]], count: int) -> None:
    try:
        holds = read(*verdicts, count=count)
    except Unreadable:
        return
    assert len(holds) == count
    for number, held in enumerate(holds, start=1):
        said = [
            one["holds"] for one in verdicts if re.sub(r"\W", "", str(one["id"])).upper().lstrip("C") == str(number)
        ]
        assert held in said


def test_the_verdict_is_asked_for_before_the_reason() -> None:
    asked = verify.question([Claim("It fails.", "+1 x")], "abc")
    (verdict,) = (strict_schema(asked.shape)["properties"]["verdicts"]["items"],)
    assert list(verdict["properties"]) == ["id", "holds", "confidence", "reason"]
    assert asked.system.index("holds,") < asked.system.index("reason")
