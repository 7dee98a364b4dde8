"""A server with the batch APIs of OpenAI and Anthropic, whose answers come from a scripted model server."""

from __future__ import annotations

import json
import re
import threading
import urllib.request
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from tests.support.server import ModelServer, Responder

KEY = "sk-made-up-0123456789abcdefghijklmnop"


class BatchServer:
    """Answers batches as the vendors document it. They end at the second look, or once ``opened`` is set."""

    def __init__(self, answer: Responder, *, held: bool = False, refused: str = "") -> None:
        self.refused = refused
        """What OpenAI says of a batch that it does not process."""
        self.seen: list[tuple[str, str]] = []
        """Method and path of every request."""
        self.looked = threading.Event()
        """Set when somebody has looked at a batch."""
        self.opened = threading.Event()
        if not held:
            self.opened.set()
        self.batches: dict[str, list[dict[str, Any]]] = {}
        """Lines or requests by the id of their batch."""
        self.headers: list[dict[str, str]] = []
        self._files: dict[str, bytes] = {}
        self._models = ModelServer(answer)
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self._answer(self.rfile.read(int(self.headers["Content-Length"])))

            def do_GET(self) -> None:
                self._answer(b"")

            def _answer(self, body: bytes) -> None:
                outer.headers.append({name.lower(): value for name, value in self.headers.items()})
                outer.seen.append((self.command, self.path))
                made = outer.reply(self.command, self.path.removeprefix("/v1"), self.headers["Content-Type"], body)
                self.send_response(200)
                self.send_header("Content-Length", str(len(made)))
                self.end_headers()
                self.wfile.write(made)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                """Nothing on the screen."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self) -> Self:
        self._models.__enter__()
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._models.close()

    def reply(self, method: str, path: str, content_type: str, body: bytes) -> bytes:  # noqa: PLR0911 - one for each endpoint
        """Return the JSON, or the lines, that answer one request."""
        match method, path.strip("/").split("/"):
            case "POST", ["files"]:
                form = message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
                fields = {part.get_param("name", header="content-disposition"): part for part in form.get_payload()}  # type: ignore[union-attr] # parts
                assert fields["purpose"].get_payload() == "batch"  # type: ignore[union-attr] # a part
                name = f"file-{len(self._files)}"
                self._files[name] = fields["file"].get_payload(decode=True)  # type: ignore[union-attr,assignment]
                return json.dumps({"id": name, "object": "file", "purpose": "batch"}).encode()
            case "POST", ["batches"]:
                order = json.loads(body)
                assert order["completion_window"] == "24h"
                lines = [json.loads(line) for line in self._files[order["input_file_id"]].splitlines()]
                assert {line["url"] for line in lines} == {order["endpoint"]}
                return json.dumps(self._openai(self._begin(lines), "validating")).encode()
            case "POST", ["messages", "batches"]:
                return json.dumps(self._anthropic(self._begin(json.loads(body)["requests"]), "in_progress")).encode()
            case "GET", ["batches", batch]:
                ended = "failed" if self.refused else "completed"
                return json.dumps(self._openai(batch, ended if self._ended() else "in_progress")).encode()
            case "GET", ["messages", "batches", batch]:
                return json.dumps(self._anthropic(batch, "ended" if self._ended() else "in_progress")).encode()
            case "GET", ["files", file, "content"]:
                return b"\n".join(map(self._openai_line, self.batches[file.removeprefix("file-out-")])) + b"\n"
            case "GET", ["messages", "batches", batch, "results"]:
                return b"\n".join(map(self._anthropic_line, self.batches[batch])) + b"\n"
        raise AssertionError(path)

    def _begin(self, lines: list[dict[str, Any]]) -> str:
        name = f"batch_{len(self.batches)}"
        assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", line["custom_id"]) for line in lines)
        self.batches[name] = lines
        return name

    def _ended(self) -> bool:
        self.looked.set()
        return self.opened.is_set()

    def _openai(self, batch: str, status: str) -> dict[str, Any]:
        done = status == "completed"
        return {
            "id": batch, "object": "batch", "endpoint": "/v1/chat/completions", "status": status,
            "errors": {"object": "list", "data": [{"code": "x", "message": self.refused}]} if self.refused else None,
            "completion_window": "24h", "output_file_id": f"file-out-{batch}" if done else None, "error_file_id": None,
        }  # fmt: skip

    def _anthropic(self, batch: str, status: str) -> dict[str, Any]:
        url = f"https://api.anthropic.com/v1/messages/batches/{batch}/results" if status == "ended" else None
        return {"id": batch, "type": "message_batch", "processing_status": status, "results_url": url}

    def _openai_line(self, line: dict[str, Any]) -> bytes:
        response = {"status_code": 200, "request_id": "r", "body": self._asked("/chat/completions", line["body"])}
        return json.dumps({"id": "x", "custom_id": line["custom_id"], "response": response, "error": None}).encode()

    def _anthropic_line(self, line: dict[str, Any]) -> bytes:
        result = {"type": "succeeded", "message": self._asked("/messages", line["params"])}
        return json.dumps({"custom_id": line["custom_id"], "result": result}).encode()

    def _asked(self, path: str, body: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON
        request = urllib.request.Request(
            self._models.url + path, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request) as reply:
            return json.load(reply)
