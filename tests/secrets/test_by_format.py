"""Credentials with a format of their own."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ralph_hooks import secrets
from ralph_hooks.checks.secrets import Secrets
from ralph_hooks.secrets import by_format
from tests.support.credentials import FORMS, SERVICES, shows
from tests.support.sources import run, source


@pytest.mark.parametrize("service", SERVICES)
def test_a_key_of_a_common_service_blocks_wherever_it_is_written(service: str) -> None:
    rng = random.Random(service)
    for path, form in FORMS:
        key = SERVICES[service](rng)
        result = run(Secrets(), source(path, f"first = 1\n{form.format(key)}\n", "first = 1\n"))[path]
        assert [(f.line, f.category, f.blocking, f.source) for f in result.findings] == [(2, "secret", True, "secrets")]
        assert not shows(result, key[-8:])


_LOOK_AROUND = re.compile(r"\(\?<?[=!][^()]*\)")  # drawn from, they would leave nothing: a filter is faster


@pytest.mark.parametrize(("kind", "needle", "pattern"), by_format._OWN + by_format._SHORT)  # noqa: SLF001 - not for users
@settings(max_examples=5, deadline=None)
@given(data=st.data())
def test_every_format_of_ours_is_found_by_what_it_names(
    kind: str, needle: str, pattern: str, data: st.DataObject
) -> None:
    drawn = st.from_regex(re.compile(_LOOK_AROUND.sub("", f"(?:{pattern})"), re.ASCII), fullmatch=True)
    key = data.draw(drawn.filter(lambda text: re.fullmatch(pattern, text, re.ASCII)))
    assert needle in key
    found = secrets.find(f'x = "{key}"')
    assert any(secret.start <= 5 and secret.end >= 5 + len(key.rstrip("=+/-.~")) for secret in found), kind
