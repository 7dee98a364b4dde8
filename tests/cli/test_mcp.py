"""``mcp`` serves its tools to a client of the official package, over standard input and output."""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable

import anyio
import pytest
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.types import CallToolResult, TextContent

from tests.support.project import Project
from tests.support.server import Reply

MESSAGE = "The rate is added to the price instead of being a part of it."
BUG = {
    "path": "shop.py",
    "line": 2,
    "category": "logic",
    "severity": "error",
    "confidence": 0.95,
    "message": MESSAGE,
    "quote": "return price + rate",
}
WRONG = "def tax(price, rate):\n    return price + rate\n"


def talk(project: Project, conversation: Callable[[Client], Awaitable[None]]) -> None:
    async def connect() -> None:
        parameters = StdioServerParameters(
            command=sys.executable, args=["-m", "ralph_hooks", "mcp"], cwd=project.repo.path, env=dict(os.environ)
        )
        async with Client(stdio_client(parameters)) as client:
            await conversation(client)

    anyio.run(connect)


def text(result: CallToolResult) -> str:
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


def test_it_offers_no_way_to_dismiss_or_approve(project: Project) -> None:
    async def conversation(client: Client) -> None:
        tools = (await client.list_tools()).tools
        assert [tool.name for tool in tools] == ["review", "show", "apply", "stats"]
        assert all(tool.description for tool in tools)

    talk(project, conversation)


def test_an_agent_reviews_what_it_wrote_and_looks_at_the_report(project: Project) -> None:
    project.models(Reply.json_text({"findings": [BUG]}))
    project.repo.write({"shop.py": WRONG})

    async def conversation(client: Client) -> None:
        refused = await client.call_tool("review")
        assert not refused.is_error
        assert "shop.py:2" in text(refused)
        assert MESSAGE in text(refused)
        shown = await client.call_tool("show")
        assert MESSAGE in text(shown)
        assert not (await client.call_tool("stats")).is_error

    talk(project, conversation)
    assert project.repo.git("status", "--porcelain").strip() == "?? shop.py"


MISTAKES: tuple[tuple[str, dict[str, str], str], ...] = (
    ("apply", {}, "fix"),
    ("apply", {"fix": "--help"}, "--help"),
    ("show", {"name": "--list"}, "--list"),
    ("review", {"commit": "--upload-pack=x"}, "--upload-pack=x"),
    ("review", {"commit": "HEAD", "since": "HEAD"}, "exclude each other"),
    ("review", {"folder": "/no/such/folder"}, "/no/such/folder"),
)


def test_what_cannot_be_done_is_an_error_in_words(project: Project) -> None:
    project.models(Reply.json_text({"findings": []}))

    async def conversation(client: Client) -> None:
        for tool, arguments, told in MISTAKES:
            result = await client.call_tool(tool, arguments)
            assert (tool, arguments, result.is_error) == (tool, arguments, True)
            assert told in text(result)

    talk(project, conversation)


def test_without_its_extra_it_says_what_to_install(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mcp.server.mcpserver", None)
    done = project.run("mcp")
    assert done.code == 2
    assert "pip install 'ralph-hooks[mcp]'" in done.err
