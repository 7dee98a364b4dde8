"""JSON over HTTP: nothing goes anywhere but to the URL that was asked for, and no call outlives its deadline.

It uses requests' transport adapter and not its Session: what a Session adds (.netrc, proxies from the environment,
redirects, cookies) is what must not happen to a key.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import msgspec

from ralph_hooks import __version__
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.faults import DeadlineReached, Misconfigured, ModelFault, Unreachable, Unreadable

if TYPE_CHECKING:
    import ssl

    import requests

MAX_BODY = 8 * 1024 * 1024
"""Bytes of a reply, decoded. The longest answer a model can give is far below."""
_CHUNK = 64 * 1024
_CONNECT = 10.0  # seconds: a server that can be reached answers a connection within this
_CONNECTIONS = 32  # kept open for one host; more may be in use at once
_CUT_AGAIN = 0.05  # seconds between attempts to cut a connection that is only being made

_CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
_OK = range(200, 300)
_REDIRECTS = range(300, 400)


class Reply(msgspec.Struct, frozen=True):
    """What a server answered."""

    status: int
    body: bytes
    retry_after: str | None = None
    """The header of that name, as it came."""

    @property
    def ok(self) -> bool:
        """True for the statuses of success."""
        return self.status in _OK


def host_of(url: str) -> str:
    """The host of ``url``, with its port where it names one."""
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
        raise Misconfigured(f"{host_of(url)} is not this machine: expected https:// in its base URL")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    import ipaddress

    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _endpoint(base_url: str, path: str) -> str:
    """``base_url`` with ``path`` after it, before its query where it has one."""
    parts = urlsplit(base_url)
    return urlunsplit(parts._replace(path=parts.path.rstrip("/") + path, fragment=""))


class Transport:
    """Connections to all hosts, kept open between calls. Safe from several threads."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._tls: ssl.SSLContext | None = None
        self._lock = threading.Lock()
        self._adapter = _adapter(self._tls_context)

    def post_json(
        self, base_url: str, path: str, *, headers: Mapping[str, str], body: Mapping[str, Any], deadline: Deadline
    ) -> Reply:
        """Send ``body`` to ``path`` below ``base_url`` and read the whole reply, whatever its status is.

        Raises Misconfigured, Unreachable, Unreadable and DeadlineReached.
        """
        from http.client import HTTPException

        from urllib3.exceptions import HTTPError

        check_url(base_url)
        url = _endpoint(base_url, path)
        request = _prepared(url, headers, body)
        with _watched(deadline):
            try:
                return self._exchange(request, deadline)
            except (OSError, HTTPError, HTTPException) as error:
                if deadline.passed:
                    raise _too_late(url) from error
                raise _fault(error, host_of(url)) from error

    def _exchange(self, request: requests.PreparedRequest, deadline: Deadline) -> Reply:
        url = request.url or ""
        remaining = deadline.remaining()
        if not remaining:
            raise _too_late(url)
        response = self._adapter.send(request, stream=True, timeout=(min(remaining, _CONNECT), remaining))
        try:
            if response.status_code in _REDIRECTS:
                raise _redirected(url, response.headers.get("Location", ""))
            body = _read(response, deadline)
            if deadline.passed:  # where the connection was cut between headers, what came looks like a whole reply
                raise _too_late(url)
            return Reply(response.status_code, body, response.headers.get("Retry-After"))
        finally:
            response.close()

    def _tls_context(self) -> ssl.SSLContext:
        """One context for all connections: reading a CA bundle takes 20 ms of CPU."""
        with self._lock:
            if self._tls is None:
                self._tls = _tls_context(self._environ)
            return self._tls


def _prepared(url: str, headers: Mapping[str, str], body: Mapping[str, Any]) -> requests.PreparedRequest:
    import requests

    common = {
        "Accept": "application/json",
        "Accept-Encoding": "gzip",
        "Content-Type": "application/json",
        "User-Agent": f"ralph-hooks/{__version__}",
    }
    try:
        return requests.Request("POST", url, headers={**common, **headers}, data=_encode(body)).prepare()
    except (requests.RequestException, ValueError):
        raise Misconfigured(f"the base URL of {host_of(url)} cannot be used") from None


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


def _read(response: requests.Response, deadline: Deadline) -> bytes:
    """The decoded body, in pieces: neither its length nor its encoding is to be trusted."""
    pieces: list[bytes] = []
    size = 0
    for piece in response.iter_content(_CHUNK):
        pieces.append(piece)
        size += len(piece)
        if size > MAX_BODY:
            raise Unreadable(f"{host_of(response.url)} sent more than {MAX_BODY >> 20} MiB")
        if deadline.passed:
            break
    return b"".join(pieces)


def _too_late(url: str) -> DeadlineReached:
    return DeadlineReached(f"the deadline came before the answer of {host_of(url)}")


def _redirected(url: str, location: str) -> Misconfigured:
    try:
        target = host_of(location) or host_of(url)
    except ValueError:
        target = "elsewhere"
    return Misconfigured(f"{host_of(url)} redirects to {target}; nothing was sent there, set the base URL that answers")


# TLS


def _tls_context(environ: Mapping[str, str]) -> ssl.SSLContext:
    """Trusts the authorities that the user's environment names, else those that come with requests."""
    import ssl
    from pathlib import Path

    from certifi import where
    from urllib3.util.ssl_ import create_urllib3_context

    variable = next((name for name in _CA_VARIABLES if environ.get(name)), "")
    path = Path(environ[variable] if variable else where())
    context = create_urllib3_context()
    try:
        if path.is_dir():
            context.load_verify_locations(capath=path)
        else:
            context.load_verify_locations(cafile=path)
    except (OSError, ssl.SSLError) as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else "not a file of PEM certificates"
        raise Misconfigured(f"{variable or 'the CA bundle'} is {str(path)!r}: {reason}") from error
    return context


def _adapter(tls: Callable[[], ssl.SSLContext]) -> requests.adapters.HTTPAdapter:
    """An HTTPAdapter whose connections can be cut from outside. ``tls`` gives their context, and is asked for HTTPS."""
    from requests.adapters import HTTPAdapter
    from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
    from urllib3.connection import HTTPConnection, HTTPSConnection

    class Plain(HTTPConnection):
        def request(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - urllib3's own
            _here.call.connection = self
            super().request(*args, **kwargs)

    class Secure(HTTPSConnection):
        def connect(self) -> None:
            _here.call.connection = self
            super().connect()

        def request(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - urllib3's own
            _here.call.connection = self
            super().request(*args, **kwargs)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - requests' own
            super().init_poolmanager(*args, **kwargs)
            self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}

        def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:  # noqa: ANN401 - requests' own
            host, _ = super().build_connection_pool_key_attributes(request, verify, cert)
            return host, {"ssl_context": tls()} if host["scheme"] == "https" else {}

        def cert_verify(self, *args: Any) -> None:  # noqa: ANN401 - requests' own
            """The context decides; requests would add its own authorities to it at every connection."""

    return Adapter(pool_maxsize=_CONNECTIONS)


# The watchdog


class _Call:
    """One call, for the watchdog to cut."""

    connection: Any = None
    """What urllib3 sends it over; None before it has a connection."""

    def cut(self) -> None:
        """Shut the socket down, which wakes whoever waits for it. Nothing where there is none yet."""
        sock = getattr(self.connection, "sock", None)
        if sock is not None:
            with suppress(OSError):
                # Not through SSLSocket.shutdown, which takes the TLS state away from the thread that reads.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)


class _Here(threading.local):
    """The call that this thread is making."""

    call = _Call()


_here = _Here()


@contextmanager
def _watched(deadline: Deadline) -> Iterator[None]:
    """Cut this thread's call when the deadline comes: a read timeout starts anew with every byte."""
    call = _here.call = _Call()
    ended = threading.Event()

    def watch() -> None:
        pause = deadline.remaining()
        while not ended.wait(pause):
            call.cut()
            pause = _CUT_AGAIN

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        ended.set()
        call.connection = None  # it may serve another call now


# What went wrong


def _causes(error: BaseException) -> Iterator[BaseException]:
    """``error`` and everything it was made from: urllib3 and requests wrap each other's."""
    waiting: list[Any] = [error]
    seen: set[int] = set()
    while waiting:
        item = waiting.pop(0)
        if not isinstance(item, BaseException) or id(item) in seen:
            continue
        seen.add(id(item))
        yield item
        waiting += [getattr(item, "reason", None), *item.args, item.__cause__, item.__context__]


def _fault(error: Exception, host: str) -> ModelFault:
    """The fault that a failed exchange with ``host`` is."""
    from requests import exceptions
    from urllib3.exceptions import NameResolutionError
    from urllib3.exceptions import TimeoutError as PoolTimeout

    causes = tuple(_causes(error))
    untrusted = _tls_fault(causes, host)
    if untrusted is not None:
        return untrusted
    rules: tuple[tuple[tuple[type[BaseException], ...], type[ModelFault], str], ...] = (
        ((NameResolutionError,), Unreachable, f"there is no address for {host}"),
        ((ConnectionRefusedError,), Unreachable, f"{host} refused the connection"),
        ((exceptions.ContentDecodingError,), Unreadable, f"{host} sent a reply whose compression is broken"),
        ((exceptions.Timeout, PoolTimeout, TimeoutError), Unreachable, f"{host} did not answer in time"),
        ((ConnectionError,), Unreachable, f"{host} broke the connection off"),
        ((exceptions.ChunkedEncodingError,), Unreadable, f"{host} sent only a part of its reply"),
    )
    for kinds, kind, sentence in rules:
        if any(isinstance(cause, kinds) for cause in causes):
            return kind(sentence)
    return Unreachable(f"the connection to {host} failed")


def _tls_fault(causes: Sequence[BaseException], host: str) -> Misconfigured | None:
    """What is wrong with the TLS of ``host``; None where it is not TLS, or the connection just ended."""
    import ssl

    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Misconfigured(
                f"the certificate of {host} is not trusted: {cause.verify_message}; "
                "where a private authority signed it, set SSL_CERT_FILE to its certificate"
            )
    ended = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionError, TimeoutError)
    if any(isinstance(cause, ended) for cause in causes):
        return None
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return Misconfigured(f"{host} does not speak TLS as expected: check its base URL")
    return None
