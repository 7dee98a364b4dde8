"""A keyring of the keyring package that holds one key, for tests to name in PYTHON_KEYRING_BACKEND."""

from __future__ import annotations

from keyring.backend import KeyringBackend


class OneKey(KeyringBackend):
    """Answers for the service ralph-hooks and the name HERE_KEY."""

    priority = 1

    def get_password(self, service: str, username: str) -> str | None:
        return "kept-in-the-keyring" if (service, username) == ("ralph-hooks", "HERE_KEY") else None

    def set_password(self, service: str, username: str, password: str) -> None:
        raise NotImplementedError

    def delete_password(self, service: str, username: str) -> None:
        raise NotImplementedError
