"""The proxy between us and a provider, where the user's own configuration wants one."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

import msgspec

from ralph_hooks.core.model_errors import Misconfigured

ENVIRONMENT = "environment"
"""What a user writes for the proxy that HTTPS_PROXY names, except to the hosts in NO_PROXY."""
_VARIABLES = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")


class Proxy(msgspec.Struct, frozen=True):
    """Where it listens, and what it wants to be told."""

    host: str
    port: int
    headers: Mapping[str, str] = {}


def proxy_for(host: str, setting: str, environ: Mapping[str, str]) -> Proxy | None:
    """The proxy on the way to ``host``; None where the connection is direct. Raises Misconfigured.

    ``setting`` is `ENVIRONMENT`, a URL, or empty for none. NO_PROXY is read as curl does: names of hosts and domains
    between commas, ``*`` for all.
    """
    if setting != ENVIRONMENT:
        return _parsed(setting, "proxy") if setting else None
    name = named(environ)
    direct = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    if not name or _listed(host, direct):
        return None
    return _parsed(environ[name], name)


def named(environ: Mapping[str, str]) -> str:
    """The variable in ``environ`` that names a proxy; empty where none does."""
    return next((name for name in _VARIABLES if environ.get(name)), "")


def _listed(host: str, direct: str) -> bool:
    domains = [domain.strip().lower().lstrip(".") for domain in direct.split(",")]
    return any(domain == "*" or f".{host}".endswith(f".{domain}") for domain in domains if domain)


def _parsed(url: str, name: str) -> Proxy:
    """What ``url`` says, which may hold a password: it is never shown. ``name`` is where it stands."""
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host, port = parts.hostname or "", parts.port or 0
    except ValueError:
        host, port = "", 0
    if not (host and port and parts.scheme == "http"):
        raise Misconfigured(f"{name} is not the URL of an HTTP proxy: expected http://HOST:PORT")
    if parts.username is None:
        return Proxy(host, port)
    from base64 import b64encode

    user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return Proxy(host, port, {"Proxy-Authorization": f"Basic {b64encode(user.encode()).decode()}"})
