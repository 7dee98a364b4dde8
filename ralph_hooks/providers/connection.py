"""What TLS trusts, the way through a proxy, how replies are read, and which fault it is when a connection breaks.

Imported with the first call: none of it is needed on the path of a commit that is known.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection, IncompleteRead
from pathlib import Path

from ralph_hooks.core.model_errors import Misconfigured, ModelError, Unreachable, Unreadable
from ralph_hooks.providers.proxy import Proxy

_CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
_NO_TUNNEL = "Tunnel connection failed: "
"""What http.client says before the status with which a proxy refuses."""
_SERVER_ERRORS = 500


def trusting(environ: Mapping[str, str], cert: str = "", cert_key: str = "") -> ssl.SSLContext:
    """Trusts the authorities that the user's environment names, else those of certifi. Raises Misconfigured.

    ``cert`` is the certificate that it shows to servers, with ``cert_key`` unless the file holds its key too.
    """
    from certifi import where

    variable = next((name for name in _CA_VARIABLES if environ.get(name)), "")
    path = Path(environ[variable] if variable else where())
    try:
        folder = path.is_dir()
        context = ssl.create_default_context(cafile=None if folder else path, capath=path if folder else None)
    except (OSError, ssl.SSLError) as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else "not a file of PEM certificates"
        raise Misconfigured(f"{variable or 'the CA bundle'} is {str(path)!r}: {reason}") from error
    context.set_alpn_protocols(["http/1.1"])
    if cert:
        try:
            context.load_cert_chain(Path(cert).expanduser(), Path(cert_key).expanduser() if cert_key else None, "")
        except (OSError, ssl.SSLError) as error:
            reason = "no such file" if isinstance(error, FileNotFoundError) else "no usable PEM certificate and key"
            raise Misconfigured(f"client-cert is {cert!r}: {reason}") from error
    return context


class Response(HTTPResponse):
    """A reply in which no chunk is smaller than nothing: http.client would read all that ever comes, at once."""

    def _read_next_chunk_size(self) -> int:
        size: int = super()._read_next_chunk_size()  # type: ignore[misc]  # typeshed leaves private names out
        if size < 0:
            raise ValueError(size)  # as for one that is no number
        return size


class Tunnelled(HTTPSConnection):
    """A connection through a proxy, which sees the host's name and nothing that is said to it."""

    def __init__(self, proxy: Proxy, host: str, port: int, *, context: ssl.SSLContext) -> None:
        super().__init__(proxy.host, proxy.port, context=context)
        self.set_tunnel(host, port, headers=dict(proxy.headers))
        self._tls = context
        self._name = host
        self._proxy = f"the proxy {proxy.host}:{proxy.port}"

    def connect(self) -> None:
        """As in the class above, with what is wrong with the proxy as a ModelError."""
        try:
            HTTPConnection.connect(self)  # TCP, and CONNECT
        except OSError as error:
            reason = str(error)
            if not reason.startswith(_NO_TUNNEL):
                raise fault(error, self._proxy) from error
            status, _, _ = reason.removeprefix(_NO_TUNNEL).partition(" ")
            raise _refused(self._proxy, self._name, int(status)) from error
        self.sock = self._tls.wrap_socket(self.sock, server_hostname=self._name)


def _refused(proxy: str, host: str, status: int) -> ModelError:
    if status == 407:  # noqa: PLR2004 - Proxy Authentication Required
        return Misconfigured(f"{proxy} wants a user name and password: http://USER:PASSWORD@HOST:PORT")
    kind = Unreachable if status >= _SERVER_ERRORS else Misconfigured
    return kind(f"{proxy} does not connect us to {host}: it answers {status}")


_FAULTS: tuple[tuple[tuple[type[Exception], ...], type[ModelError], str], ...] = (
    ((socket.gaierror,), Unreachable, "there is no address for {host}"),
    ((ConnectionRefusedError,), Unreachable, "{host} refused the connection"),
    ((TimeoutError,), Unreachable, "{host} did not answer in time"),
    ((ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError), Unreachable, "{host} broke the connection off"),
    ((ssl.SSLError,), Misconfigured, "{host} does not speak TLS as expected: check its base URL"),
    ((IncompleteRead,), Unreadable, "{host} sent only a part of its reply"),
)
"""Which fault an error is, and how it is told; the first row that fits."""


def fault(error: Exception, host: str) -> ModelError:
    """The fault that a failed exchange with ``host`` is."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return Misconfigured(
            f"the certificate of {host} is not trusted: {error.verify_message}; "
            "where a private authority signed it, set SSL_CERT_FILE to its certificate"
        )
    for errors, kind, sentence in _FAULTS:
        if isinstance(error, errors):
            return kind(sentence.format(host=host))
    return Unreachable(f"the connection to {host} failed")
