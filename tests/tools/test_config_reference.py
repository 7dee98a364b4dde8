"""The JSON Schema and the reference are current, and say the same as the decoder."""

from __future__ import annotations

import json
from typing import Any

import pytest
import tomli
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # ships no types

from tests.support.configuration import EVERYTHING
from tools.config_reference import DOCUMENT, MARKER, SCHEMA, reference, schema

REFRESH = "run: python -m tools.config_reference"


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    document = json.loads(SCHEMA.read_bytes())
    Draft202012Validator.check_schema(document)
    return Draft202012Validator(document)


def test_the_schema_is_current() -> None:
    assert SCHEMA.read_bytes() == schema(), REFRESH


def test_the_reference_is_current() -> None:
    assert DOCUMENT.read_text(encoding="utf-8").partition(MARKER)[2].strip() == reference().strip(), REFRESH


def test_the_schema_takes_everything(validator: Draft202012Validator) -> None:
    validator.validate(tomli.loads(EVERYTHING)["tool"]["ralph-hooks"])


@pytest.mark.parametrize(
    "wrong",
    [
        {"gate": {"deadlin": 1}},
        {"gate": {"min-confidence": 2}},
        {"cheap": "deepseek-v4-flash"},
        {"providers": {"corp": {"api-key-env": "sk-1"}}},
        {"providers": {"a/b": {}}},
        {"prices": {"a/b": {"input": 1}}},
        {"routes": [{"paths": []}]},
        {"models": {"review": "a/b"}},
    ],
)
def test_an_editor_sees_the_mistakes_too(validator: Draft202012Validator, wrong: dict[str, Any]) -> None:
    assert not validator.is_valid(wrong)


def test_every_key_is_explained() -> None:
    rows = [line for line in reference().splitlines() if line.startswith("| `")]
    assert len(rows) > 40
    assert [row for row in rows if "|  |" in row] == []


def test_keys_of_push_say_where_their_default_comes_from() -> None:
    push = reference().partition("`[tool.ralph-hooks.push]`")[2].partition("## ")[0]
    assert push.count("as in `gate` |") == 9
    assert "default" not in json.loads(schema())["$defs"]["PushSettings"]["properties"]["block-at"]
