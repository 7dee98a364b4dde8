"""A key goes to the host it belongs to and nowhere else, over connections that can be trusted."""

from __future__ import annotations

import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ralph_hooks.core import model_errors
from ralph_hooks.providers import registry
from tests.support.asking import KEY, KEY_NAME, WIRES, ask, deadline, deadline_from, model, question
from tests.support.patience import PATIENCE
from tests.support.ports import free_port
from tests.support.server import ModelServer, Reply
from tests.support.wire_requests import FINE

both_wires = pytest.mark.parametrize("wire", WIRES)


@both_wires
@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE"])
def test_a_private_authority_is_trusted_where_the_environment_names_it(
    wire: str, variable: str, secure: ModelServer, bundle: str
) -> None:
    assert ask(model(wire, secure.url), environ={variable: bundle}).text == '{"findings": []}'


def test_without_it_nothing_is_sent(secure: ModelServer) -> None:
    with pytest.raises(model_errors.Misconfigured, match=r"certificate of localhost:\d+ is not trusted.*REQUESTS_CA"):
        ask(model("openai", secure.url))
    assert secure.requests == []


def test_a_certificate_for_another_host_is_not_trusted(secure: ModelServer, bundle: str) -> None:
    url = secure.url.replace("localhost", "127.0.0.1")
    with pytest.raises(model_errors.Misconfigured, match="is not trusted"):
        ask(model("openai", url), environ={"SSL_CERT_FILE": bundle})
    assert secure.requests == []


@pytest.mark.parametrize("content", [None, "", "not a certificate"])
def test_an_unusable_ca_path_is_named(secure: ModelServer, tmp_path: Path, content: str | None) -> None:
    bundle = tmp_path / "ca.pem"
    if content is not None:
        bundle.write_text(content)
    with pytest.raises(model_errors.Misconfigured, match=r"REQUESTS_CA_BUNDLE is '.*ca\.pem'"):
        ask(model("openai", secure.url), environ={"REQUESTS_CA_BUNDLE": str(bundle)})
    assert secure.requests == []


def test_tls_with_a_server_that_speaks_none() -> None:
    with ModelServer(FINE) as server, pytest.raises(model_errors.Misconfigured, match="does not speak TLS"):
        ask(model("openai", server.url.replace("http:", "https:")))


@both_wires
def test_a_netrc_file_changes_no_header(wire: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login mallory password stolen\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    with ModelServer(FINE) as server:
        ask(model(wire, server.url))
    header = ("x-api-key", KEY) if wire == "anthropic" else ("authorization", f"Bearer {KEY}")
    assert header in server.requests[0].headers.items()
    assert "Basic" not in str(server.requests[0].headers)


@both_wires
def test_a_proxy_in_the_environment_is_not_used(wire: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with ModelServer(FINE) as proxy, ModelServer(FINE) as server:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url.removesuffix("/v1"))
        monkeypatch.delenv("no_proxy", raising=False)
        ask(model(wire, server.url))
    assert (len(server.requests), proxy.requests) == (1, [])


@both_wires
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(wire: str, status: int) -> None:
    with ModelServer(FINE) as elsewhere:
        target = elsewhere.url.removeprefix("http://").removesuffix("/v1")
        redirect = Reply.status(status, headers={"Location": f"{elsewhere.url}/messages"})
        with ModelServer(redirect) as server, pytest.raises(model_errors.Misconfigured, match=f"redirects to {target}"):
            ask(model(wire, server.url))
    assert elsewhere.requests == []


@both_wires
def test_cookies_are_not_kept(wire: str) -> None:
    replies = [Reply.status(500, headers={"Set-Cookie": "who=you; Path=/"}), FINE]
    with ModelServer(replies) as server:
        client = registry.client({KEY_NAME: KEY})
        with pytest.raises(model_errors.Unreachable):
            client.complete(question(model(wire, server.url)), deadline())
        client.complete(question(model(wire, server.url)), deadline())
    assert [request.headers.get("cookie") for request in server.requests] == [None, None]


@pytest.mark.parametrize(
    "url",
    [
        "http://llm.corp.example/v1",
        "http://10.0.0.1/v1",
        "http://localhost.example/v1",
        "http://[2001:db8::1]/v1",
        "ftp://localhost/v1",
        "https:///v1",
        "localhost:8080/v1",
        "https://host:port/v1",
        "https://[::1/v1",
        "https://me:secret@llm.corp.example/v1",
        "",
    ],
)
def test_only_https_or_this_machine(url: str) -> None:
    with pytest.raises(model_errors.Misconfigured) as caught:
        registry.client({KEY_NAME: KEY}).ready(model("openai", url))
    assert "secret" not in str(caught.value)
    with pytest.raises(model_errors.Misconfigured):
        ask(model("openai", url))


@pytest.mark.parametrize(
    "url", ["https://llm.corp.example/v1", "http://localhost:1/v1", "http://127.3.2.1/v1", "http://[::1]:8080/v1"]
)
def test_hosts_that_a_key_may_go_to(url: str) -> None:
    registry.client({KEY_NAME: KEY}).ready(model("openai", url))


@pytest.mark.parametrize(
    ("base", "path"), [("/v1/", "/v1/chat/completions"), ("/v1?version=7", "/v1/chat/completions?version=7")]
)
def test_the_endpoint_is_part_of_the_path(base: str, path: str) -> None:
    with ModelServer(FINE) as server:
        ask(model("openai", server.url.removesuffix("/v1") + base))
    assert server.requests[0].path == path


def test_nobody_listens() -> None:
    with pytest.raises(model_errors.Unreachable, match="refused the connection"):
        ask(model("openai", f"http://127.0.0.1:{free_port()}/v1"))


def test_there_is_no_such_host() -> None:
    with pytest.raises(model_errors.Unreachable, match=r"cannot resolve llm\.invalid"):
        ask(model("openai", "https://llm.invalid/v1"))


@pytest.mark.parametrize("tls", [False, True])
def test_one_connection_serves_one_call_after_the_other(*, tls: bool, secure: ModelServer, bundle: str) -> None:
    client = registry.client({KEY_NAME: KEY, "SSL_CERT_FILE": bundle})
    with ModelServer(FINE) as plain:
        server = secure if tls else plain
        for _ in range(3):
            client.complete(question(model("openai", server.url)), deadline())
        assert server.connections == 1


def test_calls_of_several_threads_run_at_once_and_share_connections() -> None:
    together = threading.Barrier(8, timeout=PATIENCE)

    def at_once(_: object) -> Reply:
        together.wait()
        return FINE

    with ModelServer(at_once) as server, ThreadPoolExecutor(8) as pool:
        client = registry.client({KEY_NAME: KEY})
        to = model("openai", server.url)
        for _ in range(2):
            calls = [pool.submit(client.complete, question(to), deadline()) for _ in range(8)]
            assert {call.result().text for call in calls} == {'{"findings": []}'}
        assert server.connections == 8


def test_a_call_that_is_cut_does_not_disturb_the_next() -> None:
    with ModelServer([Reply.slow_headers(0.02), FINE]) as server:
        client = registry.client({KEY_NAME: KEY})
        with pytest.raises(model_errors.DeadlineReached):
            client.complete(question(model("openai", server.url)), deadline_from(server, 0.2))
        assert client.complete(question(model("openai", server.url)), deadline()).text == '{"findings": []}'


def test_a_connection_that_the_server_has_closed_meanwhile_is_not_used_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:
        client = registry.client({KEY_NAME: KEY})
        to = model("openai", f"http://127.0.0.1:{listener.getsockname()[1]}/v1")
        for _ in range(2):
            answered = pool.submit(_answer_once, listener)
            assert client.complete(question(to), deadline()).text == '{"findings": []}'
            answered.result()


def _answer_once(listener: socket.socket) -> None:
    """One reply that promises a connection for more, and then there is none."""
    body = b'{"choices": [{"message": {"content": "{\\"findings\\": []}"}, "finish_reason": "stop"}]}'
    with listener.accept()[0] as connection:
        received = b""
        while not received.endswith(b"}"):
            received += connection.recv(65_536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
