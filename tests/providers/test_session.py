"""One deadline for every step of a request, and no socket left."""

from __future__ import annotations

import gc
import socket
import threading
import time
from contextlib import suppress

import pytest

from ralph_hooks.core import model_errors
from ralph_hooks.providers import registry, session
from tests.support.asking import KEY, KEY_NAME, ask, deadline, deadline_from, model, question
from tests.support.matrix import first
from tests.support.server import ModelServer, Reply
from tests.support.wire_requests import FINE


def test_a_handshake_that_never_ends_does_not_outlive_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_drip_a_handshake, args=(listener,), daemon=True).start()
        url = f"https://127.0.0.1:{listener.getsockname()[1]}/v1"
        with pytest.raises(model_errors.DeadlineReached):
            ask(model("openai", url), deadline(0.3))


def test_a_resolver_that_hangs_does_not_outlive_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: over.wait())
    with pytest.raises(model_errors.DeadlineReached):
        ask(model("openai", "https://llm.corp.example/v1"), deadline(0.3))
    over.set()


def test_a_server_that_reads_nothing_does_not_outlive_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        to = model("openai", f"http://127.0.0.1:{listener.getsockname()[1]}/v1")
        with pytest.raises(model_errors.DeadlineReached):
            ask(to, deadline(0.5), prompt="x" * 30_000_000)


def test_a_kept_connection_has_the_deadline_of_each_call() -> None:
    with ModelServer([FINE, Reply.hang()]) as server:
        client = registry.client({KEY_NAME: KEY})
        to = question(model("openai", server.url))
        client.complete(to, deadline(600))
        with pytest.raises(model_errors.DeadlineReached):
            client.complete(to, deadline_from(server, 0.3, request=2))
        assert server.connections == 1


@pytest.mark.parametrize(
    "reply",
    first(
        4,
        [
            Reply.status(500),
            Reply.status(302, headers={"Location": "/"}),
            Reply.short_body(),
            Reply.gzip_bomb(),
            Reply.bad_gzip(),
            Reply.reset(),
            Reply.drip(0.02, 100_000),
            Reply.slow_headers(0.02, 60_000),
        ],
    ),
)
def test_no_socket_is_left_open(reply: Reply) -> None:
    before = open_sockets()
    with ModelServer(reply) as server, pytest.raises(model_errors.ModelError):
        ask(model("openai", server.url), deadline_from(server, 0.5))
    assert open_sockets() == before


def test_no_socket_is_left_open_after_a_handshake_that_fails(secure: ModelServer) -> None:
    before = open_sockets()
    with pytest.raises(model_errors.Misconfigured, match="is not trusted"):
        ask(model("openai", secure.url))
    assert open_sockets() == before


def test_no_socket_is_left_open_by_a_client_that_is_no_longer_used() -> None:
    before = open_sockets()
    with ModelServer(FINE) as server:
        client = registry.client({KEY_NAME: KEY})
        client.complete(question(model("openai", server.url)), deadline())
        assert open_sockets() == before + 1
        del client
        assert open_sockets() == before


def open_sockets() -> int:
    """Number of sockets that the product has open; a test that failed before may hold some."""
    gc.collect()
    ours = [each for each in gc.get_objects() if isinstance(each, session.LimitedSocket)]
    return sum(each.fileno() != -1 for each in ours)


def _drip_a_handshake(listener: socket.socket) -> None:
    """The beginning of a record of 16 KiB, and then a byte now and then: each of them is an answer in time."""
    with suppress(OSError), listener.accept()[0] as connection:  # the test may be over before it is asked
        connection.sendall(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc")
        while True:
            connection.sendall(b"\0")
            time.sleep(0.02)
