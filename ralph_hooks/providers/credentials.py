"""Keys: from the environment, the system's keyring, or a command that prints one which is valid for some time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import PurePath

from msgspec import Struct

from ralph_hooks.core.change import decode
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.model_errors import DeadlineReached, Misconfigured, NoCredential
from ralph_hooks.core.route import Provider
from ralph_hooks.core.text import one_line
from ralph_hooks.process import TimeoutExpired, run, which

KEYRING = "ralph-hooks"
"""The service name of keys in the system's keyring: ``keyring set ralph-hooks OPENROUTER_API_KEY``."""
_PATIENCE = 30.0
"""Seconds that a command may take: it is a look into a cache or one exchange with a login server."""
_LONGEST = 16 * 1024
"""Characters of a key. Tokens of Entra with many groups reach 8 KiB, and servers refuse longer headers."""
_MASK = "[key]"


class _Printed(Struct, frozen=True):
    key: str
    expires: float
    """By the clock of `Credentials`, in seconds."""


class Credentials:
    """Keys of all providers. Safe from several threads: a command runs once for all that wait for its key."""

    def __init__(self, environ: Mapping[str, str], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._environ = environ
        self._clock = clock
        self._lock = threading.Lock()
        self._printed: dict[tuple[str, ...], _Printed] = {}

    def require(self, provider: Provider) -> None:
        """Raise NoCredential or Misconfigured if no key is available. Runs no command."""
        if self._given(provider) or not provider.api_key_command:
            return
        program = provider.api_key_command[0]
        if which(program, self._environ) is None:
            raise NoCredential(f"no key for {provider.name}: {program} of its api-key-command is not on PATH")

    def get(self, provider: Provider, deadline: Deadline) -> str:
        """Return the key; empty if the provider takes none. Raises as `require`, and DeadlineReached."""
        given = self._given(provider)
        if given or not provider.api_key_command:
            return given
        with self._lock:
            printed = self._printed.get(provider.api_key_command)
            if printed is None or self._clock() >= printed.expires:
                printed = self._run(provider, deadline)
            return printed.key

    def renewed(self, provider: Provider, rejected: str, deadline: Deadline) -> str | None:
        """Return another key after the server has ``rejected`` one; None if there is no other. Raises as `get`."""
        with self._lock:
            printed = self._printed.get(provider.api_key_command)
            if printed is None:  # it came from the environment
                return None
            if printed.key == rejected:
                printed = self._run(provider, deadline)
            return printed.key if printed.key != rejected else None

    def _given(self, provider: Provider) -> str:
        """Return the key from the environment or the keyring; empty with a key command or no key."""
        name = provider.api_key_env
        if not name:
            return ""
        key = self._environ.get(name, "") or _from_keyring(name)
        if key:
            return _checked(key, f"the key in {name}")
        if provider.api_key_command:
            return ""
        raise NoCredential(f"no key for {provider.name}: set {name}")

    def _run(self, provider: Provider, deadline: Deadline) -> _Printed:
        """Run the command. Its output is never shown, also not as a part of its last line on standard error."""
        command = provider.api_key_command
        program = PurePath(command[0]).name
        started = self._clock()
        try:
            done = run(command, env=self._environ, timeout=min(_PATIENCE, deadline.remaining()))
        except OSError as error:
            raise NoCredential(f"no key for {provider.name}: {program} cannot be run: {error.strerror}") from error
        except TimeoutExpired as error:
            if deadline.passed:
                raise DeadlineReached(f"the deadline was reached before {program} printed a key") from error
            raise NoCredential(f"no key for {provider.name}: {program} took more than {_PATIENCE:.0f} s") from error
        key = decode(done.stdout).strip()
        if done.returncode or not key:
            words = decode(done.stderr).strip().splitlines()[-1:]
            said = f": {one_line(words[0].replace(key, _MASK) if key else words[0])}" if words else ""
            what = f"failed with exit code {done.returncode}" if done.returncode else "printed nothing"
            raise NoCredential(f"no key for {provider.name}: {program} {what}{said}")
        printed = _Printed(_checked(key, f"the key that {program} printed"), started + provider.api_key_ttl)
        self._printed[command] = printed
        return printed


def _checked(key: str, what: str) -> str:
    """Return ``key`` if a header can carry it. Raises Misconfigured, which does not show it."""
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise Misconfigured(f"{what} is malformed: it has a space, a line break or a character outside ASCII")
    if len(key) > _LONGEST:
        raise Misconfigured(f"{what} has more than {_LONGEST:,} characters")
    return key


def _from_keyring(name: str) -> str:
    """Return the key of that name from the system's keyring; empty if the keyring package is not installed."""
    from importlib.util import find_spec

    if find_spec("keyring") is None:
        return ""
    import keyring
    from keyring.errors import KeyringError, NoKeyringError

    try:
        return keyring.get_password(KEYRING, name) or ""
    except NoKeyringError:
        return ""
    except KeyringError as error:  # locked: that is not "no key"
        raise NoCredential(f"{name} is not set, and the system's keyring does not answer ({error})") from error
