"""A proxy that connects to any requested address and keeps every byte that it receives."""

from __future__ import annotations

import socket
import threading
from socketserver import BaseRequestHandler, ThreadingTCPServer
from types import TracebackType
from typing import Self

from tests.support.patience import PATIENCE


class _Handler(BaseRequestHandler):
    server: _Server

    def handle(self) -> None:
        asked = b""
        while b"\r\n\r\n" not in asked:
            piece = self.request.recv(4096)
            if not piece:
                return
            asked += piece
        self.server.asked.append(asked.decode("latin-1"))
        self.request.sendall(self.server.answer)
        if b" 200 " not in self.server.answer:
            return
        host, _, port = asked.split()[1].decode().rpartition(":")
        with socket.create_connection((host, int(port)), timeout=PATIENCE) as there:
            back = threading.Thread(target=_pipe, args=(there, self.request, None), daemon=True)
            back.start()
            _pipe(self.request, there, self.server.seen)
            back.join(PATIENCE)


def _pipe(here: socket.socket, there: socket.socket, kept: bytearray | None) -> None:
    try:
        while piece := here.recv(65_536):
            if kept is not None:
                kept += piece
            there.sendall(piece)
        there.shutdown(socket.SHUT_WR)
    except OSError:
        pass


class _Server(ThreadingTCPServer):
    daemon_threads = True
    asked: list[str]
    seen: bytearray
    answer: bytes


class Proxy:
    """Answers CONNECT with ``status``."""

    def __init__(self, status: str = "200 Connection established") -> None:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.asked = []
        self._server.seen = bytearray()
        self._server.answer = f"HTTP/1.1 {status}\r\n\r\n".encode()
        self.host = f"127.0.0.1:{self._server.server_address[1]}"

    @property
    def asked(self) -> list[str]:
        """The head of each request to the proxy itself."""
        return self._server.asked

    @property
    def seen(self) -> bytes:
        """The bytes that it passed on to the servers."""
        return bytes(self._server.seen)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
