"""requests without what could give a key away, and with limits that hold for a whole call.

Import this inside functions: requests takes as long as everything that a fully cached commit imports.
"""

from __future__ import annotations

import queue
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from http.client import HTTPException, HTTPResponse, IncompleteRead
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import certifi
import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError, MaxRetryError, ProtocolError

from ralph_hooks import __version__
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.model_errors import DeadlineReached, Misconfigured, ModelError, Unreachable, Unreadable

if TYPE_CHECKING:
    from urllib3.poolmanager import ProxyManager

_MAX_RECEIVED = 16 * 1024 * 1024
"""Bytes that may come in for one call, as they are on the wire: headers and the framing of chunks included."""
_CONNECT = 10.0  # seconds: a server that can be reached answers a connection within this
_CONNECTIONS = 64  # to one host that are kept open, which is more than a run has workers
_CA_VARIABLES = (
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
)  # the first that is set counts
_SERVER_ERRORS = 500


class HttpSession(requests.Session):
    """A session that keeps connections open. It trusts nothing in the environment and follows no redirect.

    Certificates of authorities are looked up in ``environ``. ``cert`` is the PEM file with the certificate that it
    shows to servers, with ``cert_key`` unless that file holds its key too. Use it within `limited`.
    """

    def __init__(self, environ: Mapping[str, str], cert: str = "", cert_key: str = "") -> None:
        super().__init__()
        self.trust_env = False  # neither .netrc nor a proxy
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
        self.headers.clear()
        self.headers["Accept"] = "application/json"
        self.headers["Accept-Encoding"] = "gzip"
        self.headers["User-Agent"] = f"ralph-hooks/{__version__}"
        self._adapter = _Adapter(environ, cert, cert_key)
        self.mount("https://", self._adapter)
        self.mount("http://", self._adapter)

    def prepare(self) -> None:
        """Read the certificates. Raises Misconfigured if they cannot be used."""
        self._adapter.context()

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Return none: of a redirect that is not followed requests would read all of the body."""


_TIMER = 0.05  # seconds by which the timer of a socket may end before the deadline


@contextmanager
def limited(host: str, deadline: Deadline, proxy: str = "") -> Iterator[None]:
    """Keep a call to ``host`` within ``deadline``, and raise what goes wrong as a ModelError.

    ``host`` and ``proxy`` are HOST:PORT, for people.
    """
    limits = _Limits(host, deadline)
    limits.remaining()
    token = _limits.set(limits)
    try:
        yield
    except (OSError, HTTPError, HTTPException, ValueError) as error:
        if deadline.remaining() < _TIMER:
            time.sleep(deadline.remaining())  # the caller may compare the clock with the deadline
            raise limits.too_late() from error
        raise _fault(error, host, proxy) from error
    finally:
        _limits.reset(token)


class _Limits:
    """The deadline of one call, and how many bytes may come in for it."""

    def __init__(self, host: str, deadline: Deadline) -> None:
        self._host = host
        self._deadline = deadline
        self._received = 0

    def remaining(self) -> float:
        """Return the seconds left for the next step. Raises DeadlineReached if none are left."""
        seconds = self._deadline.remaining()
        if not seconds:
            raise self.too_late()
        return seconds

    def count(self, received: int) -> None:
        """Raise Unreadable if that were too many bytes."""
        self._received += received
        if self._received > _MAX_RECEIVED:
            raise Unreadable(f"{self._host} sent more than {_MAX_RECEIVED >> 20} MiB")

    def too_late(self) -> DeadlineReached:
        return DeadlineReached(f"the deadline was reached before the answer of {self._host}")


_limits: ContextVar[_Limits] = ContextVar("limits")
"""Those of the call that this thread makes: a connection serves one call after the other."""


class LimitedSocket(socket.socket):
    """A socket that keeps to `_limits`: a timeout alone would start anew with every byte."""

    def recv_into(self, *args: Any, **options: Any) -> int:  # noqa: ANN401 - as in the class above
        """Receive into a buffer. Raises DeadlineReached and Unreadable."""
        limits = _limits.get()
        self.settimeout(limits.remaining())
        received = super().recv_into(*args, **options)
        limits.count(received)
        return received

    def send(self, *args: Any, **options: Any) -> int:  # noqa: ANN401 - TLS sends by this one
        """Send a part. Raises DeadlineReached."""
        self.settimeout(_limits.get().remaining())
        return super().send(*args, **options)

    def sendall(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - as in the class above
        """Send everything. Raises DeadlineReached."""
        self.settimeout(_limits.get().remaining())
        super().sendall(*args, **options)


class _LimitedTLSSocket(LimitedSocket, ssl.SSLSocket):
    """The same, encrypted."""


def _connected(host: str, port: int) -> socket.socket:
    """Return a socket connected to the first address of ``host`` that answers."""
    problem: OSError = socket.gaierror(socket.EAI_NONAME, "no address")
    for family, kind, protocol, _, address in _addresses(host, port):
        seconds = min(_CONNECT, _limits.get().remaining())
        connection = LimitedSocket(family, kind, protocol)
        try:
            connection.settimeout(seconds)  # which holds for the handshake of TLS too, as a whole
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.connect(address)
        except OSError as error:
            connection.close()
            problem = error
        except BaseException:
            connection.close()
            raise
        else:
            return connection
    raise problem


def _addresses(host: str, port: int) -> list[Any]:
    """Return the addresses of ``host``, resolved in another thread: the system's resolver takes no timeout."""
    answers: queue.SimpleQueue[list[Any] | Exception] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            answers.put(socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM))
        except Exception as error:  # noqa: BLE001 - raised by the caller
            answers.put(error)

    threading.Thread(target=look_up, daemon=True).start()
    try:
        answer = answers.get(timeout=min(_CONNECT, _limits.get().remaining()))
    except queue.Empty:
        raise TimeoutError from None
    if isinstance(answer, Exception):
        raise answer
    return answer


class _Response(HTTPResponse):
    """A reply in which no chunk is smaller than nothing: of such a one all that ever comes would be read, at once."""

    def _safe_read(self, amt: int) -> bytes:
        if amt < 0:
            raise IncompleteRead(b"")
        read: bytes = super()._safe_read(amt)  # type: ignore[misc]  # typeshed leaves private names out
        return read


class _Connection(HTTPConnection):
    response_class = _Response

    def _new_conn(self) -> socket.socket:
        return _connected(self._dns_host, self.port)


class _TLSConnection(HTTPSConnection):
    response_class = _Response

    def _new_conn(self) -> socket.socket:
        return _connected(self._dns_host, self.port)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _TLSConnection


_POOLS = {"http": _Pool, "https": _TLSPool}


class _Adapter(HTTPAdapter):
    """The pools of connections, all with the limits above and with one TLS context: reading a CA bundle takes 20 ms."""

    def __init__(self, environ: Mapping[str, str], cert: str, cert_key: str) -> None:
        self._trust = (environ, cert, cert_key)
        self._context: ssl.SSLContext | None = None
        self._lock = threading.Lock()
        super().__init__(pool_maxsize=_CONNECTIONS)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - as in the class above
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **options: Any) -> ProxyManager:  # noqa: ANN401 - as in the class above
        manager: ProxyManager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = _POOLS
        return manager

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, *_: object, **__: object
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        host = super().build_connection_pool_key_attributes(request, verify=True)[0]
        return host, {"ssl_context": self.context()} if host["scheme"] == "https" else {}

    def context(self) -> ssl.SSLContext:
        with self._lock:
            self._context = self._context or _trusting(*self._trust)
            return self._context

    def cert_verify(self, *_: object) -> None:
        """Leave all of it to the context."""


def _trusting(environ: Mapping[str, str], cert: str, cert_key: str) -> ssl.SSLContext:
    """Return a context that trusts the authorities named by the user's environment, else those of certifi.

    ``cert`` is the certificate that it shows to servers, with ``cert_key`` unless the file holds its key too. Raises
    Misconfigured.
    """
    variable = next((name for name in _CA_VARIABLES if environ.get(name)), "")
    path = Path(environ[variable] if variable else certifi.where())
    try:
        folder = path.is_dir()
        context = ssl.create_default_context(cafile=None if folder else path, capath=path if folder else None)
    except (OSError, ssl.SSLError) as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else "not a file of PEM certificates"
        raise Misconfigured(f"{variable or 'the CA bundle'} is {str(path)!r}: {reason}") from error
    context.sslsocket_class = _LimitedTLSSocket
    if cert:
        try:
            context.load_cert_chain(Path(cert).expanduser(), Path(cert_key).expanduser() if cert_key else None, "")
        except (OSError, ssl.SSLError) as error:
            reason = "no such file" if isinstance(error, FileNotFoundError) else "no usable PEM certificate and key"
            raise Misconfigured(f"client-cert is {cert!r}: {reason}") from error
    return context


# Errors

_FAULTS: tuple[tuple[tuple[type[Exception], ...], type[ModelError], str], ...] = (
    ((socket.gaierror,), Unreachable, "cannot resolve {host}"),
    ((ConnectionRefusedError,), Unreachable, "{host} refused the connection"),
    ((TimeoutError,), Unreachable, "{host} did not answer in time"),
    ((ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError), Unreachable, "{host} closed the connection"),
    ((ssl.SSLError,), Misconfigured, "{host} does not speak TLS as expected: check its base URL"),
    ((IncompleteRead, ProtocolError), Unreadable, "{host} sent an incomplete reply"),
    ((zlib.error,), Unreadable, "{host} sent a reply with broken compression"),
    ((ValueError,), Misconfigured, "the base URL of {host} cannot be used"),
)
"""The model error and message for each exception; the first row that fits."""
_NO_TUNNEL = "Tunnel connection failed: "
"""The text of http.client before the status with which a proxy refuses."""


def _fault(error: Exception, host: str, proxy: str) -> ModelError:
    """Return the model error for a failed exchange."""
    server = host
    if isinstance(error, requests.exceptions.ProxyError):
        host = f"the proxy {proxy}"
    error = _cause(error)
    if isinstance(error, ssl.SSLCertVerificationError):
        return Misconfigured(
            f"the certificate of {host} is not trusted: {error.verify_message}; "
            f"if a private authority signed it, set {_CA_VARIABLES[0]} to the authority's certificate"
        )
    if str(error).startswith(_NO_TUNNEL):
        return _refused(host, server, int(str(error).removeprefix(_NO_TUNNEL).partition(" ")[0]))
    for errors, kind, sentence in _FAULTS:
        if isinstance(error, errors):
            return kind(sentence.format(host=host))
    return Unreachable(f"the connection to {host} failed")


def _cause(error: Exception) -> Exception:
    """Return the error that requests and urllib3 have wrapped, each in its own way."""
    inner = error.reason if isinstance(error, MaxRetryError) else None
    inner = inner or next((part for part in error.args if isinstance(part, Exception)), None)
    return error if inner is None else _cause(inner)


def _refused(proxy: str, host: str, status: int) -> ModelError:
    if status == 407:  # noqa: PLR2004 - Proxy Authentication Required
        return Misconfigured(f"{proxy} requires a user name and password: http://USER:PASSWORD@HOST:PORT")
    kind = Unreachable if status >= _SERVER_ERRORS else Misconfigured
    return kind(f"{proxy} does not connect to {host} (it answered {status})")
