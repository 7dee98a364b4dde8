"""A fake GitHub and GitLab: the part of their APIs that comments need, as they document it."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ME = {"id": 7, "login": "bot", "type": "Bot"}
STRANGER = {"id": 8, "login": "stranger", "type": "User"}


class Hosting:
    """One request of one project, with its comments."""

    def __init__(self, head: str, shown: set[int]) -> None:
        self.head = head
        self.shown = shown
        """Lines of the diff."""
        self.comments: list[dict[str, Any]] = []
        self.remarks: list[dict[str, Any]] = []
        self.calls: list[str] = []
        self.token = "made-up-token"
        self.url = ""

    def comment(self, body: str, author: dict[str, Any]) -> None:
        entry = {"id": len(self.comments) + 100, "body": body, "author_association": "NONE"}
        self.comments.append({**entry, "user": author, "author": author})

    def answer(self, method: str, path: str, query: str, body: dict[str, Any]) -> tuple[int, Any]:
        self.calls.append(f"{method} {path}")
        for pattern, act in (
            (r"GET /repos/me/shop/pulls/5", lambda: {"head": {"sha": self.head}}),
            (r"GET /projects/me%2Fshop/merge_requests/5/versions", self._versions),
            (r"GET /user", lambda: ME),
            (r"GET (.*/issues/5/comments)", lambda: _page(self.comments, query)),
            (r"GET (.*/pulls/5/comments)", lambda: _page(self.remarks, query)),
            (r"GET (.*/notes)", lambda: _page([*self.comments, *self.remarks], query)),
        ):
            if re.fullmatch(pattern, f"{method} {path}"):
                return 200, act()
        if method == "POST" and path.endswith(("/issues/5/comments", "/notes")):
            self.comment(body["body"], ME)
            return 201, {}
        if method in {"PATCH", "PUT"} and path.startswith(("/repos/me/shop/issues/comments/", "/projects/")):
            (entry,) = (entry for entry in self.comments if path.endswith(f"/{entry['id']}"))
            entry["body"] = body["body"]
            return 200, {}
        if method == "POST" and path.endswith(("/pulls/5/comments", "/discussions")):
            place = body.get("position", body)
            line = place.get("line") or place.get("new_line") or place.get("old_line")
            if line not in self.shown:
                return 422 if "line" in place else 400, {"message": "Validation Failed"}
            self.remarks.append({**body, "id": len(self.remarks), "user": ME, "author": ME})
            return 201, {}
        return 404, {"message": "Not Found"}

    def _versions(self) -> list[dict[str, str]]:
        return [{"head_commit_sha": self.head, "base_commit_sha": "b" * 40, "start_commit_sha": "c" * 40}]


def _page(entries: list[dict[str, Any]], query: str) -> list[dict[str, Any]]:
    told = dict(part.split("=") for part in query.split("&"))
    size, page = int(told["per_page"]), int(told["page"])
    return entries[(page - 1) * size : page * size]


@contextmanager
def serve(hosting: Hosting) -> Iterator[Hosting]:
    """``hosting`` at a port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _handle(self) -> None:
            path, _, query = self.path.partition("?")
            text = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            tokens = {self.headers.get("Authorization"), self.headers.get("PRIVATE-TOKEN")}
            status: int = 401
            answer: Any = {}
            if tokens & {hosting.token, f"Bearer {hosting.token}"}:
                status, answer = hosting.answer(self.command, path, query, json.loads(text or b"{}"))
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = do_PUT = _handle  # noqa: N815 - as http.server calls them

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its signature
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        hosting.url = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield hosting
        finally:
            server.shutdown()
            thread.join()


BUG = "Runs what @root typed; see https://evil.invalid and #1."


SERVICES = ("github", "gitlab")
