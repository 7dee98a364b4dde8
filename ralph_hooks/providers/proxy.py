"""The proxy between us and a provider, where the user's own configuration wants one."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from ralph_hooks.core.model_errors import Misconfigured

ENVIRONMENT = "environment"
"""The setting for the proxy that HTTPS_PROXY names, except to the hosts in NO_PROXY."""
_VARIABLES = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")


def proxy_for(host: str, setting: str, environ: Mapping[str, str]) -> str:
    """Return the URL of the proxy for ``host``, user name and password included; empty for none.

    ``setting`` is `ENVIRONMENT`, a URL, or empty for none. NO_PROXY is read as curl does: names of hosts and domains
    between commas, ``*`` for all. Raises Misconfigured.
    """
    if setting != ENVIRONMENT:
        return _checked(setting, "proxy") if setting else ""
    name = named(environ)
    if not name:
        return ""
    from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]  # typeshed leaves it out

    direct = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    return "" if proxy_bypass_environment(host, {"no": direct}) else _checked(environ[name], name)


def named(environ: Mapping[str, str]) -> str:
    """Return the variable in ``environ`` that names a proxy; empty if none does."""
    return next((name for name in _VARIABLES if environ.get(name)), "")


def _checked(url: str, name: str) -> str:
    """Return ``url`` with its scheme. It may hold a password, so an error shows only ``name``, where it comes from."""
    url = url if "://" in url else f"http://{url}"
    try:
        parts = urlsplit(url)
        usable = bool(parts.scheme == "http" and parts.hostname and parts.port)
    except ValueError:
        usable = False
    if not usable:
        raise Misconfigured(f"{name} is not the URL of an HTTP proxy: expected http://HOST:PORT")
    return url
