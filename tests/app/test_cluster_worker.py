"""What a worker says of itself decides whether it may judge."""

from __future__ import annotations

import msgspec
import pytest

from ralph_hooks.app.cluster_worker import Greeting, answer, question, refusal, versions
from tests.support.asking import KEY, KEY_NAME, model


def test_one_of_the_same_make_with_the_key_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = question([model("openai", "http://127.0.0.1:9/v1")])
    monkeypatch.setenv(KEY_NAME, KEY)
    assert refusal(answer(asked)) == ""
    monkeypatch.delenv(KEY_NAME)
    assert refusal(answer(asked)) == f"no key for scripted: set {KEY_NAME} in its environment"


@pytest.mark.parametrize("name", ["ralph-hooks", "Python", "ruff", "detect-secrets"])
def test_one_that_could_come_to_another_verdict_is_refused_by_name(name: str) -> None:
    other = Greeting(versions={**versions(), name: "0.0.1"}, obstacles=())
    assert refusal(msgspec.msgpack.encode(other)) == f"it has {name} 0.0.1, this machine has {versions()[name]}"
