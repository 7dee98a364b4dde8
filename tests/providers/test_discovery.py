"""Servers on this machine are asked for their models, and nobody else is."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec
import pytest

from ralph_hooks.core.route import Provider
from ralph_hooks.providers import discovery, registry
from ralph_hooks.providers.discovery import served
from tests.support import llama
from tests.support.patience import PATIENCE
from tests.support.ports import free_port


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine may take longer than users would wait."""
    monkeypatch.setattr(discovery, "PATIENCE", PATIENCE)


OLLAMA = registry.built_in()["ollama"]


class Server(ThreadingHTTPServer):
    """Answers GET with ``body``."""

    daemon_threads = True

    def __init__(self, body: bytes, status: int, headers: Mapping[str, str]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.body, self.status, self.headers = body, status, headers
        self.seen: list[tuple[str, dict[str, str]]] = []


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.seen.append((self.path, dict(self.headers.items())))
        self.send_response(self.server.status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Nothing on the screen."""


@contextmanager
def serving(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Iterator[Server]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    with Server(data, status, headers or {}) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()


def at(port: int, host: str = "localhost") -> Provider:
    return msgspec.structs.replace(OLLAMA, base_url=f"http://{host}:{port}/v1")


def test_the_models_of_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with serving({"object": "list", "data": [{"id": "qwen3-coder:30b", "object": "model"}, {"id": "b"}]}) as server:
        assert served(at(server.server_port)) == ("qwen3-coder:30b", "b")
        ((path, headers),) = server.seen
    assert path == "/v1/models"
    assert set(headers) == {"Host", "Accept-Encoding", "Accept", "User-Agent"}  # no key, no cookie


@pytest.mark.parametrize(
    "body", [b"<html>", {"data": "none"}, {}, [], {"data": [{"name": "x"}]}, b"\xff", {"data": []}]
)
def test_somebody_else_on_that_port_is_nobody(body: object) -> None:
    with serving(body) as server:
        assert served(at(server.server_port)) == ()


def test_neither_errors_nor_redirects_are_followed() -> None:
    with serving({"data": [{"id": "x"}]}) as other:
        target = f"http://127.0.0.1:{other.server_port}/v1/models"
        for status in (302, 307, 401, 500):
            with serving({"data": [{"id": "y"}]}, status, {"Location": target}) as server:
                assert served(at(server.server_port)) == ()
        assert other.seen == []


def test_nobody_there() -> None:
    assert served(at(free_port())) == ()


def test_one_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "PATIENCE", 0.3)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        assert served(at(silent.getsockname()[1], "127.0.0.1")) == ()


@pytest.mark.parametrize(
    "url", ["https://localhost:1/v1", "http://192.0.2.1/v1", "http://example.invalid/v1", "ftp://x"]
)
def test_other_machines_are_not_asked(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **_: asked.append(args))
    assert served(msgspec.structs.replace(OLLAMA, base_url=url)) == ()
    assert asked == []


@pytest.mark.skipif(bool(llama.missing()), reason=f"{llama.missing()} is not installed")
def test_a_real_one() -> None:
    with llama.running() as url:
        (name,) = served(msgspec.structs.replace(OLLAMA, base_url=url))
    assert name
