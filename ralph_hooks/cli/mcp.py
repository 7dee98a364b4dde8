"""``ralph-hooks mcp``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ralph_hooks import __version__, process
from ralph_hooks.errors import ExitCode, RalphError

if TYPE_CHECKING:
    from mcp.server.mcpserver import MCPServer

HELP = """\
Serve the tools review, show, apply and stats to a coding agent, by the Model Context Protocol on standard input and
output.

The agent starts this server; it needs the extra: pip install 'ralph-hooks[mcp]'. The tools work on the repository it
was started in, or on the one whose folder they are given. Approvals stay yours: no tool
approves or dismisses anything.

\b
Examples:
  claude mcp add ralph-hooks -- ralph-hooks mcp
  codex mcp add ralph-hooks -- ralph-hooks mcp
"""
_INSTRUCTIONS = (
    "ralph-hooks reviews changes before they are committed. When you finish a piece of work, call review; fix "
    "what it rejects and call it again. If a finding is wrong, tell the user: only the user may dismiss it."
)
_PATIENCE = 1800.0  # seconds: far longer than any deadline
_MOST_TEXT = 256 * 1024  # bytes of a report
_AN_ANSWER = frozenset({ExitCode.PASS, ExitCode.REJECTED})


@click.command("mcp", help=HELP)
def command() -> None:
    """Serve until the agent closes the pipe."""
    try:
        server = _server()
    except ImportError as error:
        raise RalphError(
            f"the MCP server needs a package that is not installed ({error})", "pip install 'ralph-hooks[mcp]'"
        ) from error
    server.run("stdio")


def _server() -> MCPServer:
    """Return the server. Each tool runs a command in its own process, whose output stays out of the protocol's."""
    from mcp.server.mcpserver import MCPServer
    from mcp.types import ToolAnnotations

    server = MCPServer("ralph-hooks", instructions=_INSTRUCTIONS, version=__version__, log_level="ERROR")
    looks = ToolAnnotations(read_only_hint=True)
    server.tool(annotations=looks)(review)
    server.tool(annotations=looks)(show)
    server.tool(annotations=ToolAnnotations(read_only_hint=False, destructive_hint=False))(apply)
    server.tool(annotations=looks)(stats)
    return server


def review(commit: str = "", since: str = "", folder: str = "") -> str:
    """Judge all uncommitted changes, new files included: checks, models and the repository's own commands.

    Returns findings with file and line, and ends with the next step. Nothing in the repository is changed. Cached
    verdicts cost nothing.

    commit: judge this commit against its first parent instead. since: judge the range from this commit to HEAD instead.
    folder: a folder of the repository, if it is not the one in which the server was started.
    """
    if commit and since:
        raise _error("commit and since exclude each other")
    chosen = f"--commit={commit}" if commit else f"--from-ref={since}" if since else "--worktree"
    return _call("gate", "--format=agent", chosen, folder=folder)


def show(name: str = "", folder: str = "") -> str:
    """Show the last report of this repository, an earlier one, or a stored fix: its plan and its diff.

    name: the id of a run or of a fix. folder: a folder of the repository, if it is not the one in which the server was
    started.
    """
    return _call("show", "--format=agent", "--", *filter(None, [name]), folder=folder)


def apply(fix: str = "", folder: str = "") -> str:
    """Apply a stored fix to the working tree, merged with later edits; `ralph-hooks undo` reverts it.

    fix: its id; without it, the fix of the staged change, or of the last rejected one. folder: a folder of the
    repository, if it is not the one in which the server was started.
    """
    return _call("apply", "--", *filter(None, [fix]), folder=folder)


def stats(folder: str = "") -> str:
    """Show the gate's record in this repository: precision per model and check, false blocks, cost of a true finding.

    folder: a folder of the repository, if it is not the one in which the server was started.
    """
    return _call("stats", "--here", folder=folder)


def _call(*args: str, folder: str) -> str:
    """Return the command's output. Raises the protocol's error if the command failed to do its task."""
    try:
        done = process.run(
            [sys.executable, "-m", "ralph_hooks", *args],
            cwd=Path(folder) if folder else None,
            env={**os.environ, "NO_COLOR": "1"},
            timeout=_PATIENCE,
        )
    except OSError as error:
        raise _error(f"{folder or sys.executable}: {error.strerror}") from error
    said = b"\n".join(filter(None, (done.stdout.strip(), done.stderr.strip())))
    text = said[:_MOST_TEXT].decode(errors="replace")
    if done.returncode not in _AN_ANSWER:
        raise _error(text)
    return text


def _error(text: str) -> Exception:
    from mcp.server.mcpserver.exceptions import ToolError

    return ToolError(text)
