"""Where the user's own configuration names a proxy, calls go through it, and it learns nothing but where to."""

from __future__ import annotations

import re
import socket
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from select import select

import pytest

from ralph_hooks.core import model_errors
from ralph_hooks.core.ports.models import Completion
from ralph_hooks.providers import registry
from ralph_hooks.providers.proxy import ENVIRONMENT, proxy_for
from tests.support.asking import KEY, KEY_NAME, deadline, model, question
from tests.support.ports import free_port
from tests.support.proxy import Proxy
from tests.support.server import ModelServer, Reply

FINE = Reply.json_text({"findings": []})


def ask(url: str, setting: str, bundle: str = "", **environ: str) -> Completion:
    client = registry.client({KEY_NAME: KEY, "SSL_CERT_FILE": bundle, **environ}, setting)
    return client.complete(question(model("openai", url)), deadline())


def test_a_call_goes_through_the_proxy_which_sees_neither_key_nor_code(secure: ModelServer, bundle: str) -> None:
    with Proxy() as proxy:
        assert ask(secure.url, f"http://ann:s3%40cret@{proxy.host}", bundle).text == '{"findings": []}'
    assert len(secure.requests) == 1
    (head,) = proxy.asked
    place = secure.url.removeprefix("https://").removesuffix("/v1")
    assert head.startswith(f"CONNECT {place} HTTP/1.")
    assert f"Proxy-Authorization: Basic {b64encode(b'ann:s3@cret').decode()}" in head
    assert KEY not in head
    assert proxy.seen
    assert KEY.encode() not in proxy.seen
    assert b"eval(line)" not in proxy.seen
    assert "proxy-authorization" not in secure.requests[0].headers


def test_the_environments_proxy_is_used_where_the_user_says_so(secure: ModelServer, bundle: str) -> None:
    with Proxy() as proxy:
        ask(secure.url, ENVIRONMENT, bundle, HTTPS_PROXY=f"http://{proxy.host}")
    assert len(proxy.asked) == 1


def test_the_environments_proxy_is_not_used_unasked(secure: ModelServer, bundle: str) -> None:
    with Proxy() as proxy:
        ask(secure.url, "", bundle, HTTPS_PROXY=f"http://{proxy.host}", ALL_PROXY=f"http://{proxy.host}")
    assert (len(secure.requests), proxy.asked) == (1, [])


def test_this_machine_is_never_asked_through_a_proxy() -> None:
    with ModelServer(FINE) as server, Proxy() as proxy:
        ask(server.url, f"http://{proxy.host}")
    assert (len(server.requests), proxy.asked) == (1, [])


@pytest.mark.parametrize(
    ("status", "kind", "sentence"),
    [
        ("407 Proxy Authentication Required", model_errors.Misconfigured, "requires a user name and password"),
        ("403 Forbidden", model_errors.Misconfigured, r"does not connect to localhost:\d+ \(it answered 403\)"),
        (
            "503 Service Unavailable",
            model_errors.Unreachable,
            r"does not connect to localhost:\d+ \(it answered 503\)",
        ),
    ],
)
def test_a_proxy_that_refuses(
    secure: ModelServer, bundle: str, status: str, kind: type[Exception], sentence: str
) -> None:
    with Proxy(status) as proxy, pytest.raises(model_errors.ModelError) as caught:
        ask(secure.url, f"http://ann:s3cret@{proxy.host}", bundle)
    assert type(caught.value) is kind
    assert re.match(f"the proxy {proxy.host} {sentence}", str(caught.value))
    assert "s3cret" not in str(caught.value)
    assert secure.requests == []


def test_one_connection_through_the_proxy_serves_one_call_after_the_other(secure: ModelServer, bundle: str) -> None:
    with Proxy() as proxy:
        client = registry.client({KEY_NAME: KEY, "SSL_CERT_FILE": bundle}, f"http://{proxy.host}")
        for _ in range(3):
            client.complete(question(model("openai", secure.url)), deadline())
        assert (len(secure.requests), len(proxy.asked)) == (3, 1)


def test_a_certificate_behind_the_proxy_is_checked(secure: ModelServer) -> None:
    with (
        Proxy() as proxy,
        pytest.raises(model_errors.Misconfigured, match=r"certificate of localhost:\d+ is not trusted"),
    ):
        ask(secure.url, f"http://{proxy.host}")
    assert secure.requests == []


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nX-Slow: "])
def test_a_proxy_that_never_finishes_does_not_outlive_the_deadline(bundle: str, answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:
        dripped = pool.submit(_drip, listener, answer)
        client = registry.client(
            {KEY_NAME: KEY, "SSL_CERT_FILE": bundle}, f"http://127.0.0.1:{listener.getsockname()[1]}"
        )
        with pytest.raises(model_errors.DeadlineReached):
            client.complete(question(model("openai", "https://llm.corp.example/v1")), deadline(0.3))
        socket.create_connection(listener.getsockname()).close()  # where the deadline was reached before the connection
        dripped.result()


def _drip(listener: socket.socket, answer: bytes) -> None:
    """``answer``, and then a byte now and then until the other side has had enough."""
    with suppress(OSError), listener.accept()[0] as connection:
        connection.sendall(answer)
        while True:
            connection.sendall(b"x" if answer else b"")
            if select([connection], [], [], 0.02)[0] and not connection.recv(65_536):
                return


def test_a_proxy_that_is_not_there(bundle: str) -> None:
    place = f"127.0.0.1:{free_port()}"
    with pytest.raises(model_errors.Unreachable, match=f"the proxy {place} refused the connection"):
        ask("https://llm.corp.example/v1", f"http://{place}", bundle)


@pytest.mark.parametrize("url", ["socks5://s3cret:1080", "https://s3cret:443", "http://s3cret", "http://s3cret:port"])
def test_what_is_no_http_proxy_is_told_and_not_shown(url: str) -> None:
    with pytest.raises(model_errors.Misconfigured, match="ALL_PROXY is not the URL of an HTTP proxy") as caught:
        proxy_for("llm.corp.example", ENVIRONMENT, {"ALL_PROXY": url})
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("direct", "through"),
    [
        ("", True),
        ("corp.example", False),
        (" other.example, .corp.example", False),
        ("llm.corp.example", False),
        ("*", False),
        ("orp.example", True),
        ("llm.corp.example.org", True),
    ],
)
def test_hosts_in_no_proxy_are_asked_directly(direct: str, through: bool) -> None:  # noqa: FBT001 - a row of the table
    environ = {"https_proxy": "proxy.corp.example:3128", "NO_PROXY": direct}
    assert (proxy_for("llm.corp.example", ENVIRONMENT, environ) != "") is through
