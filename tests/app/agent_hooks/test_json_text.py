"""A JSON file gets one item more, and loses it again, and nothing else in it moves."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ralph_hooks.app.agent_hooks.json_text import NotEditable, insert, remove

OURS = {"hooks": [{"type": "command", "command": "ours"}]}
PATH = ("hooks", "Stop")
TEXTS = (
    "{}",
    "{}\n",
    '{"a": 1}\n',
    '{\n  "a": 1\n}\n',
    '{\n    "a": [1,2],\n\n    "hooks": {}\n}',
    '{\n\t"hooks": {\n\t\t"Stop": []\n\t},\n\t"b": null\n}\n',
    '{"hooks": {"Stop": [{"command": "theirs"}], "PreToolUse": []}, "z": "é\\n"}',
    '{\n  "hooks": {\n    "PreToolUse": [\n      {"command": "x"}\n    ]\n  }\n}\n',
)


def ours(item: object) -> bool:
    return item == OURS


@pytest.mark.parametrize("text", TEXTS)
def test_the_item_comes_last_and_the_rest_stays(text: str) -> None:
    after = insert(text, PATH, OURS)
    wanted = json.loads(text)
    wanted.setdefault("hooks", {}).setdefault("Stop", []).append(OURS)
    assert json.loads(after) == wanted


@pytest.mark.parametrize("text", TEXTS)
def test_what_was_added_is_taken_out_again(text: str) -> None:
    back = json.loads(remove(insert(text, PATH, OURS), PATH, ours))
    before = json.loads(text)
    if before.get("hooks") in ({}, {"Stop": []}):  # what is left empty goes too
        del before["hooks"]
    assert back == before


@pytest.mark.parametrize("text", ['{\n  "a": 1\n}\n', TEXTS[6], TEXTS[7]])
def test_nothing_is_left_of_it_where_something_else_was_there(text: str) -> None:
    assert remove(insert(text, PATH, OURS), PATH, ours) == text


@pytest.mark.parametrize(
    "text", ["", "// a comment\n{}", '{"a": 1,}', "[]", '{"hooks": []}', '{"hooks": {"Stop": {}}}', "{} {}", "[" * 9999]
)
def test_what_is_something_else_is_left_alone(text: str) -> None:
    with pytest.raises(NotEditable):
        insert(text, PATH, OURS)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=40)
@given(st.dictionaries(st.text(), JSON, max_size=4), st.sampled_from([None, 0, 2, "\t"]))
def test_any_file_keeps_what_it_says(values: dict[str, Any], indent: int | str | None) -> None:
    values.pop("hooks", None)
    text = json.dumps(values, indent=indent)
    after = insert(text, PATH, OURS)
    assert json.loads(after) == {**values, "hooks": {"Stop": [OURS]}}
    assert json.loads(remove(after, PATH, ours)) == values
