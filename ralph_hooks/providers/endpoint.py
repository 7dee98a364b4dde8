"""The URL, query and headers of a request, with variables filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlencode

from msgspec import Struct

from ralph_hooks.core.model_errors import Misconfigured, NoCredential
from ralph_hooks.core.route import PLACEHOLDER, Auth, Provider

_NOT_IN_URL = re.compile(r"[\s?#@\\]|[^ -~]")


class Endpoint(Struct, frozen=True):
    """A provider as one environment fills it in."""

    url: str
    """Base URL with the provider's query, without the wire's path."""
    headers: Mapping[str, str]
    """The extra ones, without the key."""
    secrets: tuple[str, ...] = ()
    """Values from the environment that no answer or error may repeat."""


def endpoint(provider: Provider, environ: Mapping[str, str]) -> Endpoint:
    """Fill in the variables of ``provider``. Raises NoCredential for one that is not set, and Misconfigured."""
    parts = _values(provider.base_url, provider, environ, "its URL")
    for name, value in parts.items():
        if _NOT_IN_URL.search(value):
            raise Misconfigured(f"{name} has characters that are not allowed in a URL")
    url = _filled(provider.base_url, {name: value.rstrip("/") for name, value in parts.items()})
    if provider.query:
        url += "?" + urlencode(provider.query)
    headers = {
        name: _header(name, _filled(value, _values(value, provider, environ, f"the header {name}")))
        for name, value in provider.headers.items()
    }
    return Endpoint(url, headers, tuple(environ[name] for name in provider.named_variables))


def key_header(auth: Auth, key: str) -> dict[str, str]:
    """Return the header that carries ``key``; none without one."""
    if not key:
        return {}
    match auth:
        case Auth.BEARER:
            return {"Authorization": f"Bearer {key}"}
        case Auth.X_API_KEY | Auth.API_KEY:
            return {auth.value: key}
        case Auth.NONE:
            return {}


def _values(text: str, provider: Provider, environ: Mapping[str, str], where: str) -> dict[str, str]:
    """Return the variables that ``text`` names. Raises NoCredential for one that is not set."""
    names = PLACEHOLDER.findall(text)
    for name in names:
        if not environ.get(name):
            raise NoCredential(f"{provider.name} needs {name} in {where}: set it")
    return {name: environ[name] for name in names}


def _filled(text: str, values: Mapping[str, str]) -> str:
    return PLACEHOLDER.sub(lambda found: values[found[1]], text)


def _header(name: str, value: str) -> str:
    """Return ``value`` if a header can carry it. An error does not show it, because it may be a secret."""
    if not (value.isascii() and value.isprintable()):
        raise Misconfigured(f"the value of the header {name} has a line break or a character outside ASCII")
    return value
