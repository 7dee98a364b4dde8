"""Credentials in text within text."""

from __future__ import annotations

import html
import json
import random
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ralph_hooks import secrets
from ralph_hooks.trust.redaction import Redaction
from tests.support.credentials import draw
from tests.support.notations import ALNUM, NAMES, NOTATIONS, PASSWORDS, QUOTED, leaks, written

NESTINGS: dict[str, Callable[[str], str]] = {
    "JSON": lambda text: json.dumps({"source": text}),
    "JSON, pretty": lambda text: json.dumps({"body": text}, indent=1),
    "notebook": lambda text: json.dumps({"source": [*(f"{line}\n" for line in text.split("\n"))]}, indent=1),
    "representation": lambda text: f"x = {text!r}",
    "HTML": lambda text: f"<pre>{html.escape(text)}</pre>",
    "URL": lambda text: f"https://acme.io/?q={quote(text, safe='')}",
    "assertion": lambda text: f"E   AssertionError: assert {text!r} == None",
    "shell": lambda text: "curl -d " + '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '" https://acme.io',
}


@pytest.mark.parametrize("outer", NESTINGS)
def test_password_is_masked_in_text_within_text(outer: str) -> None:
    rng = random.Random(outer)
    for notation in QUOTED:
        for inner in ("", *NESTINGS):
            value = draw(rng, ALNUM, 10) + "7a"
            text = written(notation, "password", value)
            for nesting in filter(None, (inner, outer)):
                text = NESTINGS[nesting](text)
            assert not leaks(value, Redaction().mask(text)), (notation, inner, text)


@settings(max_examples=200, deadline=None)
@given(
    notation=st.sampled_from(sorted(NOTATIONS)),
    name=st.sampled_from(NAMES),
    kind=st.sampled_from(sorted(PASSWORDS)),
    nestings=st.lists(st.sampled_from(sorted(NESTINGS)), max_size=3),
    before=st.text(max_size=30),
    seed=st.integers(0, 10**6),
)
def test_no_nesting_changes_what_is_outside_a_credential(
    notation: str, name: str, kind: str, nestings: list[str], before: str, seed: int
) -> None:
    text = written(notation, name, PASSWORDS[kind](random.Random(seed)))
    for nesting in nestings:
        text = NESTINGS[nesting](text)
    text = f"{before}\n{text}"
    end = 0
    for secret in secrets.find(text):
        assert end <= secret.start < secret.end <= len(text)
        end = secret.end
