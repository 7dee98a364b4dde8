"""Shared parts of both services: API requests, and one comment that every run updates."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from typing import Any, Protocol
from urllib.parse import quote

import msgspec
from msgspec import Struct

from ralph_hooks.core.codec import from_json
from ralph_hooks.core.deadline import Deadline
from ralph_hooks.core.finding import Finding
from ralph_hooks.core.model_errors import ModelError
from ralph_hooks.errors import RalphError
from ralph_hooks.providers.transport import Reply, Transport, host_of

_PATIENCE = 120.0  # seconds for all requests together
_PAGES = 20
_PAGE = 100  # entries: the maximum per page of either service
_REFUSED = frozenset({401, 403, 404})
JSON = Any


class Place(Struct, frozen=True, kw_only=True):
    """A pull or merge request, and the data needed to write to it."""

    service: str
    api: str
    """The base URL of the service's API."""
    project: str
    number: int
    token: str = ""
    token_name: str = ""
    """The name of the variable that holds, or should hold, the token."""

    @property
    def told(self) -> str:
        """The request for display."""
        sign = "!" if self.service == "gitlab" else "#"
        return f"{host_of(self.api)} {self.project}{sign}{self.number}"


class Service(Protocol):
    """The operations that each service provides."""

    def head(self) -> str:
        """Return the commit that the request would merge."""

    def summary(self, marker: str) -> int | None:
        """Return the id of our comment, which contains ``marker``; None if there is none."""

    def write(self, comment: int | None, text: str) -> None:
        """Update ``comment``, or write a new one."""

    def remarks(self) -> str:
        """Return all remarks on lines, joined."""

    def remark(self, finding: Finding, text: str) -> bool:
        """Write ``text`` on the line of ``finding``; False if the service has no such line in the diff."""


class Api:
    """A JSON client for one service."""

    def __init__(self, place: Place, headers: Mapping[str, str], proxy: str, rights: str) -> None:
        self._place = place
        self._headers = headers
        self._rights = rights
        self._transport = Transport(os.environ, proxy)
        self._deadline = Deadline(_PATIENCE, time.monotonic)

    def get(self, path: str) -> JSON:
        """Return the resource at ``path``."""
        return self._read(self._call("GET", path, None))

    def pages(self, path: str) -> Iterator[JSON]:
        """Yield every entry of a paginated list."""
        for page in range(1, _PAGES + 1):
            entries = self.get(f"{path}?per_page={_PAGE}&page={page}")
            yield from entries
            if len(entries) < _PAGE:
                return

    def send(self, method: str, path: str, body: Mapping[str, JSON], *, or_not: tuple[int, ...] = ()) -> bool:
        """Send JSON; return False if the service answers with one of the statuses ``or_not``."""
        reply = self._call(method, path, body)
        if reply.status in or_not:
            return False
        self._read(reply)
        return True

    def _call(self, method: str, path: str, body: Mapping[str, JSON] | None) -> Reply:
        try:
            return self._transport.send_json(
                method, self._place.api, path, headers=self._headers, body=body, deadline=self._deadline
            )
        except ModelError as fault:
            raise RalphError(f"{self._place.told}: nothing was written: {fault}", "try again later") from fault

    def _read(self, reply: Reply) -> JSON:
        place = self._place
        if reply.status in _REFUSED:
            raise RalphError(
                f"{place.told}: the token in {place.token_name} lacks the permission (HTTP {reply.status})",
                self._rights,
            )
        if not reply.ok:
            raise RalphError(f"{place.told} answered with HTTP {reply.status}", "try again later")
        try:
            return from_json(reply.body, object)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise RalphError(f"{place.told} sent a reply that is not JSON", "check the URL of the API") from None


def escaped(project: str) -> str:
    """Return a project's path as one URL segment."""
    return quote(project, safe="")
