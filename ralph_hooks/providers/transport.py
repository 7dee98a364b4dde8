"""JSON over HTTP: nothing goes anywhere but to the URL that was asked for, and no call outlives its deadline.

It stands on http.client, which adds nothing of its own: .netrc, proxies from the environment, redirects and cookies are
what must not happen to a key.
"""

from __future__ import annotations

import socket
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit, urlunsplit
from weakref import finalize

import msgspec

from ralph_hooks import __version__
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.model_errors import DeadlineReached, Misconfigured, Unreadable

if TYPE_CHECKING:
    from http.client import HTTPConnection, HTTPResponse
    from ssl import SSLContext

MAX_BODY = 8 * 1024 * 1024
"""Bytes of a reply, decoded. The longest answer a model can give is far below."""
_CHUNK = 64 * 1024
_CONNECT = 10.0  # seconds: a server that can be reached answers a connection within this
_CUT_AGAIN = 0.05  # seconds between attempts to cut a connection that is only being made
_EITHER_HEADER = 32  # zlib's flag for gzip's or its own, whichever there is
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


class _Request(msgspec.Struct, frozen=True):
    method: str
    url: SplitResult
    headers: Mapping[str, str]
    body: bytes | None


class Transport:
    """Connections to all hosts, kept open between calls. Safe from several threads.

    Certificates, and a proxy where the user's configuration says ``proxy``, are looked up in ``environ``. ``cert`` and
    ``cert_key`` are PEM files for servers that want to know their clients; the key may be in the first.
    """

    def __init__(self, environ: Mapping[str, str], proxy: str = "", cert: str = "", cert_key: str = "") -> None:
        self._environ = environ
        self._proxy = proxy
        self._cert = (cert, cert_key)
        self._tls: SSLContext | None = None
        self._lock = threading.Lock()
        self._idle: defaultdict[str, list[HTTPConnection]] = defaultdict(list)
        """By scheme, host and port."""
        finalize(self, _close, self._idle)

    def post_json(
        self, base_url: str, path: str, *, headers: Mapping[str, str], body: Mapping[str, Any], deadline: Deadline
    ) -> Reply:
        """Send ``body`` to ``path`` below ``base_url`` and read the whole reply, whatever its status is.

        Raises Misconfigured, Unreachable, Unreadable and DeadlineReached.
        """
        told = {"Content-Type": "application/json", **headers}
        return self._call("POST", base_url, path, told, _encode(body), deadline)

    def get_json(self, base_url: str, path: str, *, deadline: Deadline) -> Reply:
        """Ask for ``path`` below ``base_url``, without telling who asks; as `post_json`."""
        return self._call("GET", base_url, path, {}, None, deadline)

    def _call(
        self, method: str, base_url: str, path: str, headers: Mapping[str, str], body: bytes | None, deadline: Deadline
    ) -> Reply:
        from http.client import HTTPException

        from ralph_hooks.providers.connection import fault

        check_url(base_url)
        url = urlsplit(_endpoint(base_url, path))
        with _watched(deadline) as call:
            try:
                return self._exchange(call, _Request(method, url, headers, body), deadline)
            except (OSError, HTTPException) as error:
                if deadline.passed:
                    raise _too_late(url) from error
                raise fault(error, _host(url)) from error

    def _exchange(self, call: _Call, request: _Request, deadline: Deadline) -> Reply:
        url = request.url
        connection = call.connection = self._connection(url)
        try:
            if connection.sock is None:
                connection.timeout = min(_left(url, deadline), _CONNECT)
                connection.connect()
            connection.sock.settimeout(_left(url, deadline))
            call.sock = connection.sock  # the connection forgets it where the server wants to end it
            _send(connection, request)
            with connection.getresponse() as response:
                reply = _reply(response, url, deadline)
        except BaseException:
            connection.close()
            raise
        if response.will_close:
            connection.close()
        else:
            call.release()
            with self._lock:
                self._idle[_origin(url)].append(connection)
        return reply

    def _connection(self, url: SplitResult) -> HTTPConnection:
        """One that an earlier call has left open, else one that is still to be made."""
        from ralph_hooks.providers.connection import Response

        with self._lock:
            waiting = self._idle[_origin(url)]
            while waiting:
                connection = waiting.pop()
                if not _ended(connection):
                    return connection
                connection.close()
        connection = self._new(url)
        connection.response_class = Response
        return connection

    def _new(self, url: SplitResult) -> HTTPConnection:
        from http.client import HTTPConnection, HTTPSConnection

        host = url.hostname or ""
        if url.scheme == "http":  # this machine: `check_url` lets no other through
            return HTTPConnection(host, url.port or 80)
        from ralph_hooks.providers.connection import Tunnelled
        from ralph_hooks.providers.proxy import proxy_for

        port = url.port or 443
        proxy = proxy_for(host, self._proxy, self._environ)
        if proxy is None:
            return HTTPSConnection(host, port, context=self._tls_context())
        return Tunnelled(proxy, host, port, context=self._tls_context())

    def _tls_context(self) -> SSLContext:
        """One context for all connections: reading a CA bundle takes 20 ms of CPU."""
        from ralph_hooks.providers.connection import trusting

        with self._lock:
            if self._tls is None:
                self._tls = trusting(self._environ, *self._cert)
            return self._tls


def _close(idle: Mapping[str, Sequence[HTTPConnection]]) -> None:
    for connections in idle.values():
        for connection in connections:
            connection.close()


def _origin(url: SplitResult) -> str:
    return f"{url.scheme}://{url.netloc}"


def _host(url: SplitResult) -> str:
    return host_of(url.geturl())


def _left(url: SplitResult, deadline: Deadline) -> float:
    """Seconds for the next step. Raises DeadlineReached where none are left."""
    seconds = deadline.remaining()
    if not seconds:
        raise _too_late(url)
    return seconds


def _too_late(url: SplitResult) -> DeadlineReached:
    return DeadlineReached(f"the deadline came before the answer of {_host(url)}")


def _ended(connection: HTTPConnection) -> bool:
    """Whether the other side has closed a ``connection`` that waits: there is nothing else it could say unasked."""
    from selectors import EVENT_READ, DefaultSelector

    with DefaultSelector() as selector:
        selector.register(connection.sock, EVENT_READ)
        return bool(selector.select(0))


def _send(connection: HTTPConnection, request: _Request) -> None:
    url = request.url
    target = f"{url.path}?{url.query}" if url.query else url.path
    headers = {
        "Accept": "application/json",
        "Accept-Encoding": "gzip",
        "User-Agent": f"ralph-hooks/{__version__}",
        **request.headers,
    }
    try:
        with suppress(BrokenPipeError, ConnectionResetError):  # it may have answered before it had read everything
            connection.request(request.method, target, body=request.body, headers=headers)
    except ValueError:
        raise Misconfigured(f"the base URL of {_host(url)} cannot be used") from None


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


# What comes back


def _reply(response: HTTPResponse, url: SplitResult, deadline: Deadline) -> Reply:
    if response.status in _REDIRECTS:
        raise _redirected(url, response.getheader("Location", ""))
    content = _read(response, _host(url), deadline)
    _left(url, deadline)  # where the connection was cut between headers, what came looks like a whole reply
    return Reply(response.status, content, response.getheader("Retry-After"))


def _redirected(url: SplitResult, location: str) -> Misconfigured:
    try:
        target = host_of(location) or _host(url)
    except ValueError:
        target = "elsewhere"
    return Misconfigured(f"{_host(url)} redirects to {target}; nothing was sent there, set the base URL that answers")


def _read(response: HTTPResponse, host: str, deadline: Deadline) -> bytes:
    """The decoded body, in pieces: neither its length nor its encoding is to be trusted."""
    whole = bytearray()
    for piece in _decoded(response, host):
        whole += piece
        if len(whole) > MAX_BODY:
            raise Unreadable(f"{host} sent more than {MAX_BODY >> 20} MiB")
        if deadline.passed:
            break
    return bytes(whole)


def _decoded(response: HTTPResponse, host: str) -> Iterator[bytes]:
    encoding = response.getheader("Content-Encoding", "").strip().lower()
    if encoding in {"", "identity"}:
        yield from _raw(response, host)
    elif encoding in {"gzip", "x-gzip", "deflate"}:
        yield from _unpacked(_raw(response, host), host)
    else:
        raise Unreadable(f"{host} sent a reply in an encoding that it was not asked for")


def _raw(response: HTTPResponse, host: str) -> Iterator[bytes]:
    while piece := response.read(_CHUNK):
        yield piece
    if response.length:  # of the Content-Length, what has not come
        raise Unreadable(f"{host} sent only a part of its reply")


def _unpacked(pieces: Iterator[bytes], host: str) -> Iterator[bytes]:
    """``pieces`` without their gzip or zlib, never much more than one chunk at once."""
    import zlib

    stream = None
    try:
        for piece in pieces:
            rest = piece
            while rest:
                if stream is None or stream.eof:  # a reply may have several members: RFC 1952, 2.2
                    stream = zlib.decompressobj(zlib.MAX_WBITS | _EITHER_HEADER)
                yield stream.decompress(rest, _CHUNK)
                rest = stream.unused_data if stream.eof else stream.unconsumed_tail
    except zlib.error:
        raise Unreadable(f"{host} sent a reply whose compression is broken") from None
    if stream is not None and not stream.eof:
        raise Unreadable(f"{host} sent only a part of its reply")


# The watchdog


class _Call:
    """One call, for the watchdog to cut."""

    connection: HTTPConnection | None = None
    sock: socket.socket | None = None
    """That of the connection, once it is made."""

    def release(self) -> None:
        """From here on the connection may serve another call."""
        self.connection = self.sock = None

    def cut(self) -> None:
        """Shut the socket down, which wakes whoever waits for it. Nothing where there is none yet."""
        sock = self.sock or getattr(self.connection, "sock", None)
        if sock is not None:
            with suppress(OSError):
                # Not through SSLSocket.shutdown, which takes the TLS state away from the thread that reads.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)


@contextmanager
def _watched(deadline: Deadline) -> Iterator[_Call]:
    """A call that is cut when the deadline comes: a read timeout starts anew with every byte."""
    call = _Call()
    ended = threading.Event()

    def watch() -> None:
        pause = deadline.remaining()
        while not ended.wait(pause):
            call.cut()
            pause = _CUT_AGAIN

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield call
    finally:
        ended.set()
