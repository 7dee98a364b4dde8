"""A reproducer is asked for and read."""

from __future__ import annotations

import json

import pytest

from ralph_hooks.core.model_errors import Unreadable
from ralph_hooks.phases.reproduce import ProofTask, question, read

TASK = ProofTask(statement="It divides by zero.", code="+1 a / b", path="test_it.py", framework="pytest")


def reply(*items: dict[str, str]) -> bytes:
    return json.dumps({"reproducers": [{"id": "C1", **item} for item in items]}).encode()


def test_rejected_test_is_told_with_its_output() -> None:
    assert "IT WAS NOT ACCEPTED" not in question(TASK, "m4rk").prompt
    again = ProofTask(
        statement="It divides by zero.", code="+1 a / b", path="test_it.py", framework="pytest",
        rejected="ImportError: no such name", earlier="import nothing",
    )  # fmt: skip
    prompt = question(again, "m4rk").prompt
    assert "YOUR EARLIER TEST\nimport nothing" in prompt
    assert "ImportError: no such name" in prompt
    assert prompt.rstrip().endswith("END m4rk")


def test_reproducer_is_a_test_or_a_reason() -> None:
    assert read(reply({"test": "def test_it(): ..."})).test == "def test_it(): ..."
    assert read(reply({"cannot": "It needs a database."})).cannot == "It needs a database."


@pytest.mark.parametrize(
    "data",
    [
        reply(),
        reply({"test": "a"}, {"test": "b"}),
        reply({}),
        reply({"test": "a", "cannot": "b"}),
        reply({"test": "x" * 20_001}),
        reply({"test": "a\0"}),
        b"{",
    ],
)
def test_reply_that_is_neither_is_unreadable(data: bytes) -> None:
    with pytest.raises(Unreadable):
        read(data)
