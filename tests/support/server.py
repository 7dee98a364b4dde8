"""A model server that answers from a script, over real HTTP, in both wire formats.

In a test::

    with ModelServer(analyst(Finds("eval(", "runs what the user typed"))) as server:
        server.url              # a base URL: http://127.0.0.1:PORT/v1
        server.requests         # what came in

As a program, which prints its base URL on the first line: ``python -m tests.support.server --find 'eval(=runs input'``.
"""

from __future__ import annotations

import gzip
import json
import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

JSON = Any
MEBIBYTE = 1024 * 1024
NOTHING_FOUND: dict[str, Any] = {"findings": []}


def tokens(text: str) -> int:
    """Return the token count that the server reports for a text: no fewer than its words."""
    return max(-(-len(text) // 4), len(re.findall(r"\w+", text)))


@dataclass(frozen=True)
class Request:
    """One request as it came in."""

    path: str
    headers: Mapping[str, str]
    """By lower-case name."""
    raw: bytes
    at: float
    """Monotonic seconds."""

    @property
    def body(self) -> JSON:
        return json.loads(self.raw)

    @property
    def anthropic(self) -> bool:
        return self.path.split("?")[0].endswith("/messages")

    @property
    def responses(self) -> bool:
        return self.path.split("?")[0].endswith("/responses")

    @property
    def system(self) -> str:
        if self.responses:
            return str(self.body["instructions"])
        if self.anthropic:
            return "".join(block["text"] for block in self.body["system"])
        return str(self.body["messages"][0]["content"])

    @property
    def prompt(self) -> str:
        return str(self.body["input"] if self.responses else self.body["messages"][-1]["content"])

    @property
    def tool(self) -> str:
        """The tool that has to be called; empty if none has."""
        choice = self.body.get("tool_choice", {})
        return str(choice.get("name") or choice.get("function", {}).get("name", ""))

    @property
    def phase(self) -> str:
        """The phase that asks: the schema's name, else what the instructions speak of."""
        text = self.body.get("text", {}).get("format", {})
        schema = self.body.get("response_format", {}).get("json_schema", text)
        told = next((phase for words, phase in _PHASES.items() if words in self.system), "analyze")
        return self.tool or str(schema.get("name", "")) or told


_PHASES = {
    "You plan the repair": "plan",
    "You repair a code change": "implement",
    "You correct the repair": "fix",
    "claims": "verify",
}


class _Ended(Exception):
    """The server ends while a reply is under way."""


class Exchange:
    """One request and the connection that its reply goes to."""

    def __init__(self, request: Request, handler: BaseHTTPRequestHandler, ended: threading.Event) -> None:
        self.request = request
        self.handler = handler
        self._ended = ended

    def wait(self, seconds: float | None) -> None:
        """Wait, for ever where ``seconds`` is None, but not longer than the server lives."""
        if self._ended.wait(seconds):
            raise _Ended

    def write(self, data: bytes) -> None:
        self.handler.wfile.write(data)

    def answer(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        """A whole reply, in one write."""
        common = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        self.write(head(status, {**common, **(headers or {})}) + body)

    def hang_up(self) -> None:
        """End the connection after this reply."""
        self.handler.close_connection = True


def head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} Scripted", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


@dataclass(frozen=True)
class Reply:
    """The server's response to one request. Made by the functions below it."""

    act: Callable[[Exchange], None]

    def after(self, seconds: float) -> Reply:
        """Return the same report, ``seconds`` later."""

        def act(exchange: Exchange) -> None:
            exchange.wait(seconds)
            self.act(exchange)

        return Reply(act)

    @staticmethod
    def json_text(value: JSON, **envelope: JSON) -> Reply:
        """An answer whose text is ``value`` as JSON; ``envelope`` as in `text`."""
        return Reply.text(json.dumps(value), **envelope)

    @staticmethod
    def text(
        text: str,
        *,
        finish: str = "",
        usage: Mapping[str, JSON] | None = None,
        with_usage: bool = True,
        message: Mapping[str, JSON] | None = None,
    ) -> Reply:
        """An answer. ``usage`` replaces the counted figures, ``finish`` the reason, ``message`` adds to the message."""

        def act(exchange: Exchange) -> None:
            wires = {exchange.request.anthropic: _anthropic, exchange.request.responses: _responses}
            envelope = wires.get(True, _openai)
            body = envelope(exchange.request, text, finish, message or {})
            if not with_usage:
                del body["usage"]
            elif usage is not None:
                body["usage"] = usage
            exchange.answer(200, json.dumps(body).encode())

        return Reply(act)

    @staticmethod
    def status(code: int, body: JSON = None, headers: Mapping[str, str] | None = None) -> Reply:
        """Return a reply of any status; ``body`` is JSON unless it is bytes."""
        data = body if isinstance(body, bytes) else json.dumps({} if body is None else body).encode()
        return Reply(lambda exchange: exchange.answer(code, data, headers))

    @staticmethod
    def refusal() -> Reply:
        """Return a refusal by the model, in the form of the wire format."""

        def act(exchange: Exchange) -> None:
            if exchange.request.responses:
                Reply.text("", message={"content": [{"type": "refusal", "refusal": "No."}]}).act(exchange)
            elif exchange.request.anthropic:
                Reply.text("", finish="refusal").act(exchange)
            else:
                Reply.text("", message={"refusal": "I cannot help with that."}).act(exchange)

        return Reply(act)

    @staticmethod
    def length(text: str = '{"findings": [') -> Reply:
        """Return an answer that stops at its token limit."""
        return Reply(
            lambda exchange: Reply.text(text, finish="max_tokens" if exchange.request.anthropic else "length").act(
                exchange
            )
        )

    @staticmethod
    def empty() -> Reply:
        return Reply.text("")

    @staticmethod
    def html() -> Reply:
        """Return the login page of a captive portal."""
        page = b"<!doctype html><title>Log in</title>"
        return Reply(lambda exchange: exchange.answer(200, page, {"Content-Type": "text/html"}))

    @staticmethod
    def truncated_json() -> Reply:
        return Reply.status(200, b'{"choices": [{"message": {"content": "{')

    @staticmethod
    def bad_gzip() -> Reply:
        return Reply.status(200, b"this is not compressed", {"Content-Encoding": "gzip"})

    @staticmethod
    def gzip_bomb(size: int = 200 * MEBIBYTE) -> Reply:
        """``size`` zeros, which are a thousandth of it on the wire."""
        member = gzip.compress(bytes(MEBIBYTE))
        return Reply.status(200, member * (size // MEBIBYTE), {"Content-Encoding": "gzip"})

    @staticmethod
    def short_body() -> Reply:
        """Fewer bytes than were promised."""

        def act(exchange: Exchange) -> None:
            exchange.hang_up()
            exchange.answer(200, b'{"choices"', {"Content-Length": "1000"})

        return Reply(act)

    @staticmethod
    def negative_chunk() -> Reply:
        """Return a chunk of -1 bytes, then bytes for as long as the client reads."""

        def act(exchange: Exchange) -> None:
            exchange.hang_up()
            exchange.write(head(200, {"Transfer-Encoding": "chunked"}) + b"-1\r\n")
            while True:
                exchange.write(bytes(MEBIBYTE))

        return Reply(act)

    @staticmethod
    def reset() -> Reply:
        """The connection is torn down without an answer."""

        def act(exchange: Exchange) -> None:
            exchange.hang_up()
            # To linger for 0 seconds sends RST instead of FIN.
            exchange.handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

        return Reply(act)

    @staticmethod
    def hang() -> Reply:
        """Return a reply that never comes while the server lives."""
        return Reply(lambda exchange: exchange.wait(None))

    @staticmethod
    def drip(interval: float = 0.05, size: int = 1000, headers: Mapping[str, str] | None = None) -> Reply:
        """``size`` bytes of body, one every ``interval`` seconds."""

        def act(exchange: Exchange) -> None:
            exchange.write(head(200, {"Content-Length": str(size), **(headers or {})}))
            _drip(exchange, b" " * size, interval)

        return Reply(act)

    @staticmethod
    def drip_chunks(interval: float = 0.05) -> Reply:
        """Return a chunk of one byte every ``interval`` seconds, forever."""
        return _forever(head(200, {"Transfer-Encoding": "chunked"}), b"1\r\n \r\n", interval)

    @staticmethod
    def drip_interim(interval: float = 0.05) -> Reply:
        """Return an interim response every ``interval`` seconds, forever."""
        return _forever(b"", head(100, {}), interval)

    @staticmethod
    def endless(part: str) -> Reply:
        """A reply of which one ``part`` never ends: body, chunk, trailers, headers or interim."""
        chunked = head(200, {"Transfer-Encoding": "chunked"})
        start, again = {
            "body": (head(200, {}), b" "),
            "chunk": (chunked, b"1"),
            "trailers": (chunked + b"0\r\n", b"a: b\r\n"),
            "headers": (b"HTTP/1.1 200 OK\r\n", b"a: b\r\n"),
            "interim": (b"", head(100, {})),
        }[part]
        return _forever(start, again * (MEBIBYTE // len(again)), 0)

    @staticmethod
    def slow_headers(interval: float = 0.05, size: int = 1000) -> Reply:
        """``size`` bytes of a header, one every ``interval`` seconds."""
        return Reply(lambda exchange: _drip(exchange, b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * size, interval))


def _forever(start: bytes, again: bytes, interval: float) -> Reply:
    def act(exchange: Exchange) -> None:
        exchange.hang_up()
        exchange.write(start)
        while True:
            exchange.write(again)
            exchange.wait(interval)

    return Reply(act)


def _drip(exchange: Exchange, data: bytes, interval: float) -> None:
    exchange.hang_up()
    for byte in data:
        exchange.write(bytes([byte]))
        exchange.wait(interval)


def _openai(request: Request, text: str, finish: str, message: Mapping[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = {"role": "assistant", "content": text}
    if request.tool:
        answer = {"tool_calls": [{"type": "function", "function": {"name": request.tool, "arguments": text}}]}
    prompt, reply = tokens(request.system) + tokens(request.prompt), tokens(text)
    return {
        "object": "chat.completion",
        "model": request.body["model"],
        "choices": [{"index": 0, "message": {**answer, **message}, "finish_reason": finish or "stop"}],
        "usage": {"prompt_tokens": prompt, "completion_tokens": reply, "total_tokens": prompt + reply},
    }


def _responses(request: Request, text: str, finish: str, message: Mapping[str, Any]) -> dict[str, Any]:
    item: dict[str, Any] = {
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": text, "annotations": []}],
    }
    if request.tool:
        item = {"type": "function_call", "name": request.tool, "arguments": text}
    prompt, reply = tokens(request.system) + tokens(request.prompt), tokens(text)
    cut = finish in {"length", "max_output_tokens"}
    return {
        "object": "response",
        "model": request.body["model"],
        "status": "incomplete" if cut else "completed",
        "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
        "error": None,
        "output": [{"type": "reasoning", "summary": []}, {**item, **message}],
        "usage": {"input_tokens": prompt, "output_tokens": reply, "total_tokens": prompt + reply},
    }


def _anthropic(request: Request, text: str, finish: str, message: Mapping[str, Any]) -> dict[str, Any]:
    block: dict[str, Any] = {"type": "text", "text": text}
    if request.tool:
        block = {"type": "tool_use", "name": request.tool, "input": json.loads(text)}
    return {
        "type": "message",
        "model": request.body["model"],
        "content": [block],
        "stop_reason": finish or ("tool_use" if request.tool else "end_turn"),
        "usage": {
            "input_tokens": tokens(request.system) + tokens(request.prompt),
            "output_tokens": tokens(text),
        },
        **message,
    }


Responder = Callable[[Request], Reply]
Script = Responder | Reply | Iterable[Reply]


def responder(script: Script) -> Responder:
    """A script as a function: a function as it is, one reply for ever, or several in order and the last for ever."""
    if callable(script):
        return script
    if isinstance(script, Reply):
        return lambda _: script
    waiting = list(script)
    lock = threading.Lock()

    def answer(_: Request) -> Reply:
        with lock:
            return waiting.pop(0) if len(waiting) > 1 else waiting[0]

    return answer


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, handle: Callable[[Request], Reply]) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.handle_model_request = handle
        self.ended = threading.Event()
        self.connections: set[socket.socket] = set()

    def handle_error(self, request: JSON, client_address: JSON) -> None:
        """A client that hangs up is what several tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.connections.add(self.connection)

    def finish(self) -> None:
        self.server.connections.discard(self.connection)
        super().finish()

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.path, headers, raw, time.monotonic())
        try:
            self.server.handle_model_request(request).act(Exchange(request, self, self.server.ended))
        except _Ended:
            self.close_connection = True

    def log_message(self, format: str, *args: JSON) -> None:  # noqa: A002 - the name in the standard library
        """Tests look at `ModelServer.requests`."""


class ModelServer:
    """The server, from `with` to the end of its block. Ends every connection and every wait with it."""

    def __init__(self, script: Script, *, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        self._respond = responder(script)
        self._server = _Server(port, self._handle)
        self._scheme = "http"
        if tls is not None:
            self._scheme = "https"
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        """The base URL of both wire formats."""
        host = "localhost" if self._scheme == "https" else "127.0.0.1"
        return f"{self._scheme}://{host}:{self._server.server_address[1]}/v1"

    @property
    def connections(self) -> int:
        """The number of connected clients."""
        return len(self._server.connections)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._server.ended.set()
        self._server.shutdown()
        self._thread.join()
        for connection in tuple(self._server.connections):
            try:
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
            except OSError:
                continue
        self._server.server_close()

    def _handle(self, request: Request) -> Reply:
        self.requests.append(request)
        return self._respond(request)


# An analyst


@dataclass(frozen=True)
class Finds:
    """Reports ``message`` wherever an added or removed line of a change holds ``text``."""

    text: str
    message: str
    severity: str = "error"
    category: str = "bug"
    confidence: float = 0.95


_FILE = re.compile(r"### (?P<path>.*?)(?: \((?:new file|deleted|type changed|copied from|renamed from)[^()]*\))?")
_CHANGED = re.compile(r"[+-](?P<line>\d+) (?P<code>.*)")
_CLAIM = re.compile(r"^(C\d+): (.*)$", re.MULTILINE)


def analyst(*finds: Finds, holds: Callable[[str], bool] = lambda _: True, latency: float = 0.0) -> Responder:
    """Answers as a reviewer would: what it ``finds`` to analyze, whether each claim ``holds`` to verify."""

    def answer(request: Request) -> Reply:
        if request.phase == "verify":
            reply = Reply.json_text({"verdicts": verdicts(request.prompt, holds)})
        else:
            reply = Reply.json_text({"findings": findings(request.prompt, finds)})
        return reply.after(latency) if latency else reply

    return answer


def findings(prompt: str, finds: Sequence[Finds]) -> list[dict[str, Any]]:
    """Return those of ``finds`` that are in the change shown by ``prompt``."""
    found: list[dict[str, Any]] = []
    path = ""
    for row in prompt.splitlines():
        if header := _FILE.fullmatch(row):
            path = header["path"]
        elif changed := _CHANGED.fullmatch(row):
            found += [
                {
                    "path": path,
                    "line": int(changed["line"]),
                    "category": find.category,
                    "severity": find.severity,
                    "confidence": find.confidence,
                    "message": find.message,
                    "quote": changed["code"].strip(),
                }
                for find in finds
                if find.text in changed["code"]
            ]
    return found


def verdicts(prompt: str, holds: Callable[[str], bool]) -> list[dict[str, Any]]:
    """Return a verdict for every claim in ``prompt``."""
    return [
        {"id": name, "holds": holds(claim), "confidence": 0.9, "reason": "Checked against the code that is shown."}
        for name, claim in _CLAIM.findall(prompt)
    ]


# The program


@dataclass
class _Log:
    """Appends every request to a file, one JSON object a line."""

    path: str
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, request: Request) -> None:
        row = {"path": request.path, "at": request.at, "headers": dict(request.headers), "body": request.body}
        with self.lock, open(self.path, "a", encoding="utf-8") as file:  # noqa: PTH123 - pathlib is 15 ms of start-up
            file.write(json.dumps(row) + "\n")


def main() -> None:
    import argparse
    import os
    import signal

    parser = argparse.ArgumentParser(prog="python -m tests.support.server", description="A scripted model server.")
    parser.add_argument("--find", action="append", default=[], metavar="TEXT=MESSAGE", help="report MESSAGE at TEXT")
    parser.add_argument("--latency", type=float, default=0.0, metavar="SECONDS", help="before every answer")
    parser.add_argument("--port", type=int, default=0, help="0 for a free one")
    parser.add_argument("--requests-log", default="", metavar="FILE", help="append every request to FILE as JSON")
    args = parser.parse_args()
    finds = [Finds(text, message) for text, _, message in (find.partition("=") for find in args.find)]
    answer = analyst(*finds, latency=args.latency)
    log = _Log(args.requests_log) if args.requests_log else None

    def respond(request: Request) -> Reply:
        if log:
            log.add(request)
        return answer(request)

    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    parent = os.getppid()
    with ModelServer(respond, port=args.port) as server:
        print(server.url, flush=True)
        while os.getppid() == parent and not stop.wait(0.5):
            pass


if __name__ == "__main__":
    main()
