"""A credential that was told once is recognised where no name stands beside it."""

from __future__ import annotations

import base64
import html
import json
import random
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest

from ralph_hooks.secrets.known import KnownSecrets
from tests.support.credentials import ALNUM, draw

VALUE = "q7Rk#2x" + "\"Vp9&T'z4"
PRINTED: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "representation": repr,
    "JSON": json.dumps,
    "JSON in JSON": lambda value: json.dumps(json.dumps(value)),
    "HTML": html.escape,
    "percent": quote,
    "form": quote_plus,
    "base64": lambda value: base64.b64encode(value.encode()).decode(),
}


@pytest.mark.parametrize("form", PRINTED)
def test_value_is_masked_however_it_is_printed(form: str) -> None:
    known = KnownSecrets()
    known.learn(VALUE, "<s>")
    shown = known.mask(f"E  assert {PRINTED[form](VALUE)} == ''")
    assert "<s>" in shown
    assert not any(part in shown for part in ("q7Rk", "Vp9", "cTdSayMy"))


@pytest.mark.parametrize("quoted", [VALUE.replace("'", ""), VALUE.replace('"', "")])
def test_value_with_the_other_quotes_is_learned_from_code(quoted: str) -> None:
    known = KnownSecrets()
    known.learn_from(f"password = {quoted!r}\n", "app.py", "<s>")
    assert known.mask(quoted) == "<s>"


@pytest.mark.parametrize("value", ["password", "service1", "short1!", "my-database-name"])
def test_ordinary_word_is_not_learned(value: str) -> None:
    known = KnownSecrets()
    known.learn(value, "<s>")
    assert known.mask(f"connect to {value}") == f"connect to {value}"


def test_many_values_come_to_the_same_as_few() -> None:
    rng = random.Random(1)
    values = [draw(rng, ALNUM, 10) + "7a#" for _ in range(500)]
    few, many = KnownSecrets(), KnownSecrets()
    for value in values[:20]:
        few.learn(value, "<s>")
    for value in values:
        many.learn(value, "<s>")
    text = "".join(f"line {value}{value[:8]} {value}\n" for value in values[:20])
    assert many.mask(text) == few.mask(text)
