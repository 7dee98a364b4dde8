"""The scan of a text, whatever it holds."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ralph_hooks import secrets
from ralph_hooks.checks.secrets import Secrets
from tests.support.credentials import SERVICES, shows
from tests.support.sources import run, source

PIECES = st.sampled_from([
    "password", "api_key", "token", "sk-", "eyJ", "://", "@", "'", '"', "`", "=", ":", " ", "\n", "`", ",",
    "-----BEGIN PRI" + "VATE KEY-----", "AKIA", "a", "Z", "7", "+", "/", "\0", "\udc80", "é", "\u202e", "\r", "{", "(",
    ";", "#", "pragma: allowlist secret",
])  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(parts=st.lists(PIECES, max_size=60), service=st.sampled_from(sorted(SERVICES)), seed=st.integers(0, 10**6))
def test_no_input_breaks_it_and_no_key_gets_into_a_field(parts: list[str], service: str, seed: int) -> None:
    key = SERVICES[service](random.Random(seed))
    text = "".join(parts) + f'\nvalue = "{key}"\n' + "".join(parts)
    result = run(Secrets(), source("a.py", text.encode("utf-8", "surrogatepass")))["a.py"]
    assert not shows(result, key[-10:])
    assert secrets.find(text) == secrets.find(text)


@pytest.mark.parametrize(
    "unit", ["eyJ", "sk-", "password", "`", "'", "password='", "://a:", "-----BEGIN PRI" + "VATE KEY-----\n"]
)
def test_a_hostile_line_does_not_hang(unit: str) -> None:
    import time

    started = time.process_time()
    secrets.find((unit * 50_000)[:50_000])
    assert time.process_time() - started < 5


def test_threads_do_not_disturb_each_other() -> None:
    from concurrent.futures import ThreadPoolExecutor

    rng = random.Random(3)
    texts = [f'x = "{SERVICES[service](rng)}"\n' * 20 for service in SERVICES]
    expected = [secrets.mask(text) for text in texts]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(secrets.mask, texts * 4)) == expected * 4
