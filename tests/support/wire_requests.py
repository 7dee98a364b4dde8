"""Requests in each wire format."""

from __future__ import annotations

from tests.support.asking import ask, model
from tests.support.server import ModelServer, Reply, Request

FINE = Reply.json_text({"findings": []})
ANSWER = {"findings": ["x"]}


def sent(wire: str, *, omit: frozenset[str] = frozenset(), system: str = "Judge.", **quirks: object) -> Request:
    """The request that reaches a provider with these quirks."""
    with ModelServer(Reply.json_text(ANSWER)) as server:
        completion = ask(model(wire, server.url, **quirks), omit=omit, system=system)
    assert completion.text.replace(" ", "") == '{"findings":["x"]}'
    return server.requests[0]
