"""Texts that may hold a key are told from others at once."""

from __future__ import annotations

import random

import pytest

from ralph_hooks import secrets
from tests.support.credentials import FORMS, SERVICES


@pytest.mark.parametrize("service", SERVICES)
def test_a_key_is_found_without_anything_else_in_the_text_that_looks_like_one(service: str) -> None:
    rng = random.Random(service)
    for path, form in FORMS * 8:
        text = f"{form.format(SERVICES[service](rng))}\n"
        assert secrets.find(text, path) == secrets.find(f"{text}# AK{'IA'} begins a key\n", path), text
