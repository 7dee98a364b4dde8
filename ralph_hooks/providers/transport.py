"""JSON over HTTP: nothing goes anywhere but to the URL that was asked for, and no call outlives its deadline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import msgspec

from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.model_errors import Misconfigured, Unreadable
from ralph_hooks.providers.proxy import proxy_for

if TYPE_CHECKING:
    from requests import Response

MAX_BODY = 8 * 1024 * 1024
"""Bytes of a reply, decoded. The longest answer a model can give is far below."""
_CHUNK = 64 * 1024
_ENCODINGS = {"", "identity", "gzip", "x-gzip", "deflate"}
_OK = range(200, 300)
_REDIRECTS = range(300, 400)


class Reply(msgspec.Struct, frozen=True):
    """A server's response."""

    status: int
    body: bytes
    retry_after: str | None = None
    """The header of that name, as it came."""

    @property
    def ok(self) -> bool:
        """True for the statuses of success."""
        return self.status in _OK


def host_of(url: str) -> str:
    """Return the host of ``url``, with its port where it names one."""
    return urlsplit(url).netloc.rpartition("@")[2]


def check_url(url: str) -> None:
    """Raise Misconfigured unless a key may be sent to ``url``: HTTPS, or this machine."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise Misconfigured(f"the base URL {url!r} is not a URL") from None
    if parts.scheme not in {"http", "https"} or not host:
        raise Misconfigured(f"the base URL {url!r} is not a URL: expected https://HOST/…")
    if "@" in parts.netloc:
        raise Misconfigured(f"the base URL of {host_of(url)} must not hold a user name or password")
    if parts.scheme == "http" and not _is_loopback(host):
        raise Misconfigured(f"{host_of(url)} is not this machine: its base URL must begin with https://")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    import ipaddress

    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Transport:
    """Connections to all hosts, kept open between calls. Safe from several threads.

    Certificates, and a proxy where the user's configuration says ``proxy``, are looked up in ``environ``. ``cert`` and
    ``cert_key`` are PEM files for servers that want to know their clients; the key may be in the first.
    """

    def __init__(self, environ: Mapping[str, str], proxy: str = "", cert: str = "", cert_key: str = "") -> None:
        from ralph_hooks.providers.session import HttpSession

        self._environ = environ
        self._proxy = proxy
        self._session = HttpSession(environ, cert, cert_key)

    def prepare(self, base_url: str) -> None:
        """Read the certificates that a call to ``base_url`` needs. Raises Misconfigured if they cannot be used."""
        if base_url.startswith("https:"):
            self._session.prepare()

    def post_json(
        self, base_url: str, path: str, *, headers: Mapping[str, str], body: Mapping[str, Any], deadline: Deadline
    ) -> Reply:
        """Send ``body`` to ``path`` below ``base_url`` and read the whole reply, whatever its status is.

        Raises Misconfigured, Unreachable, Unreadable and DeadlineReached.
        """
        told = {"Content-Type": "application/json", **headers}
        return self.send("POST", base_url, path, told, _encode(body), deadline)

    def get_json(self, base_url: str, path: str, *, deadline: Deadline) -> Reply:
        """Ask for ``path`` below ``base_url``, without telling who asks; as `post_json`."""
        return self.send("GET", base_url, path, {}, None, deadline)

    def send_json(
        self,
        method: str,
        base_url: str,
        path: str,
        *,
        headers: Mapping[str, str],
        body: Mapping[str, Any] | None,
        deadline: Deadline,
    ) -> Reply:
        """Send any other request below ``base_url``; otherwise as `post_json`."""
        told = {"Content-Type": "application/json", **headers} if body is not None else headers
        return self.send(method, base_url, path, told, None if body is None else _encode(body), deadline)

    def send(
        self, method: str, base_url: str, path: str, headers: Mapping[str, str], body: bytes | None, deadline: Deadline
    ) -> Reply:
        """Send a request with a body of any type; otherwise as `post_json`."""
        from ralph_hooks.providers.session import limited

        check_url(base_url)
        url = urlsplit(base_url)
        url = url._replace(path=url.path.rstrip("/") + path, fragment="")
        proxy = ""
        if url.scheme == "https":  # http is this machine: `check_url` lets no other through
            proxy = proxy_for(url.hostname or "", self._proxy, self._environ)
        with (
            limited(url.netloc, deadline, host_of(proxy)),
            self._session.request(
                method,
                urlunsplit(url),
                data=body,
                headers=headers,
                proxies={"https": proxy} if proxy else None,
                stream=True,
                allow_redirects=False,
            ) as response,
        ):
            return _reply(response, url.netloc)


def _encode(body: Mapping[str, Any]) -> bytes:
    try:
        return msgspec.json.encode(body)
    except UnicodeEncodeError:  # lone surrogates, from bytes that are not UTF-8
        return msgspec.json.encode(_without_surrogates(body))


def _without_surrogates(value: Any) -> Any:  # noqa: ANN401 - a JSON value
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {key: _without_surrogates(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    return value


# Responses


def _reply(response: Response, host: str) -> Reply:
    if response.status_code in _REDIRECTS:
        raise _redirected(host, response.headers.get("Location", ""))
    if response.headers.get("Content-Encoding", "").strip().lower() not in _ENCODINGS:
        raise Unreadable(f"{host} sent a reply in an encoding that was not requested")
    body = bytearray()
    for piece in response.raw.stream(_CHUNK, decode_content=True):
        body += piece
        if len(body) > MAX_BODY:
            raise Unreadable(f"{host} sent more than {MAX_BODY >> 20} MiB")
    return Reply(response.status_code, bytes(body), response.headers.get("Retry-After"))


def _redirected(host: str, location: str) -> Misconfigured:
    try:
        target = host_of(location) or host
    except ValueError:
        target = "elsewhere"
    return Misconfigured(f"{host} redirects to {target}; nothing was sent there. Set base-url to the final URL")
