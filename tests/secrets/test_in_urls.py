"""Passwords in the addresses of servers."""

from __future__ import annotations

import pytest

from ralph_hooks import secrets

PASSWORD = "hunter" + "2x!"


@pytest.mark.parametrize(
    ("text", "found", "certain"),
    [
        (f"postgres://app:{PASSWORD}@db.acme.io/x", PASSWORD, True),
        (f"https://me:p@{PASSWORD}@db.acme.io/x", f"p@{PASSWORD}", True),
        (f"postgres://app:{PASSWORD}@localhost/x", PASSWORD, False),
        ("https://deploy-7f3a9c1e5b2d4f60@git.acme.io/x", "deploy-7f3a9c1e5b2d4f60", False),
        ("https://user:${PASSWORD}@db.acme.io/x", "", False),
        ("http://acme.io:8080/a@b", "", False),
    ],
)
def test_password_of_an_address_is_found(text: str, found: str, *, certain: bool) -> None:
    values = [(text[secret.start : secret.end], secret.certain) for secret in secrets.find(text, "a.txt")]
    assert values == ([(found, certain)] if found else [])
