"""Which settings of a model an answer depends on."""

from __future__ import annotations

import msgspec
import pytest

from ralph_hooks.core.route import Auth, Model, Provider, Structured, Wire, settings_key

PLAIN = Provider(name="corp", wire=Wire.OPENAI, base_url="https://llm.corp.example/v1")
ANSWERS: dict[str, object] = {
    "name": "other",
    "wire": Wire.RESPONSES,
    "base_url": "https://llm.corp.example/v2",
    "headers": {"x-config": "1"},
    "query": {"api-version": "1"},
    "command": ("agent",),
    "ask": ("agent",),
    "files": {"a": "b"},
    "variables": {"A": "b"},
    "environment": ("A",),
    "structured": Structured.TOOL,
    "token_limit": "max_completion_tokens",
    "temperature": False,
    "quick": {"reasoning": "low"},
    "context": 8000,
    "cuts": True,
}
ACCOUNT: dict[str, object] = {
    "batch": True,
    "api_key_env": "OTHER",
    "api_key_command": ("vault",),
    "api_key_ttl": 1.0,
    "auth": Auth.API_KEY,
    "client_cert": "a.pem",
    "client_key": "b.pem",
    "catalogue": "openai",
}


def key(**changes: object) -> str:
    return settings_key(Model(msgspec.structs.replace(PLAIN, **changes), "small"))


@pytest.mark.parametrize(("name", "value"), ANSWERS.items())
def test_another_setting_is_another_key(name: str, value: object) -> None:
    assert key(**{name: value}) != key()


@pytest.mark.parametrize(("name", "value"), ACCOUNT.items())
def test_another_account_is_the_same_key(name: str, value: object) -> None:
    assert key(**{name: value}) == key()


def test_every_setting_is_one_of_both() -> None:
    assert {*ANSWERS, *ACCOUNT} == set(Provider.__struct_fields__)


def test_the_order_of_settings_is_the_same_key() -> None:
    assert key(quick={"a": 1, "b": 2}) == key(quick={"b": 2, "a": 1})
