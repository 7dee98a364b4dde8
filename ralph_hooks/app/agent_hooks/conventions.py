"""What each coding agent says to its hooks, reads from them, and where it looks for them: a table.

Sources, as of 2026-11:

- claude-code: https://code.claude.com/docs/en/hooks (Stop: exit code 2 blocks, and Claude reads standard error)
- codex: https://developers.openai.com/codex/hooks (Stop: ``decision: block`` goes on with ``reason`` as a new prompt)
- cursor: https://cursor.com/docs/agent/hooks (stop: ``followup_message`` is sent as the next message)
- gemini-cli: https://geminicli.com/docs/hooks/reference (AfterAgent: ``decision: deny`` retries with ``reason``)
- copilot: https://docs.github.com/copilot/reference/hooks-reference (agentStop: ``decision: block``; a line of type
  ``progress`` is shown to the person)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

TIMEOUT = 300
"""Seconds that an agent gives a hook; a review ends before, by `gate.deadline`."""
BLOCK = 2
"""The exit code by which a hook blocks."""


class HookCall(Struct, frozen=True):
    """What an agent says when it wants to end its turn."""

    session: str = ""
    cwd: str = ""
    """Where the agent works; empty where it does not say."""
    continued: bool = False
    """True where this turn goes on only because a hook blocked its end before."""
    ended_well: bool = True
    """False where the person stopped the agent, or it failed: then nothing is to be judged."""


class Answer(Struct, frozen=True):
    """What a hook prints, and its exit code."""

    stdout: str = ""
    stderr: str = ""
    exit_code: int = 0


class Convention(Struct, frozen=True, kw_only=True):
    """One agent."""

    name: str
    file: str
    """Its settings in a repository, from the top."""
    event: str
    entry: Callable[[str], Mapping[str, Any]]
    """What is added to the list of hooks for ``event``; takes the command."""
    others: Mapping[str, Any] = {}
    """What a new file holds besides the hooks."""
    block: Callable[[str], Answer]
    """Let the agent go on with a text to act on."""
    tell: Callable[[str], Answer]
    """Let it end, and tell the person."""
    quiet: str = ""
    """What is printed where there is nothing to say."""

    @property
    def command(self) -> str:
        """What the agent starts. It does nothing where ralph-hooks is not installed: colleagues share the file."""
        return f"if command -v ralph-hooks >/dev/null 2>&1; then ralph-hooks agent-hook {self.name}; fi"


def _json(value: Mapping[str, Any]) -> str:
    return msgspec.json.encode(value).decode() + "\n"


def _command(command: str) -> dict[str, Any]:
    return {"hooks": [{"type": "command", "command": command, "timeout": TIMEOUT}]}


def _system_message(text: str) -> Answer:
    return Answer(stdout=_json({"systemMessage": text}))


CONVENTIONS = {
    convention.name: convention
    for convention in (
        Convention(
            name="claude-code",
            file=".claude/settings.json",
            event="Stop",
            entry=_command,
            block=lambda text: Answer(stderr=text, exit_code=BLOCK),
            tell=_system_message,
        ),
        Convention(
            name="codex",
            file=".codex/hooks.json",
            event="Stop",
            entry=_command,
            block=lambda text: Answer(stdout=_json({"decision": "block", "reason": text})),
            tell=_system_message,
            quiet="{}\n",
        ),
        Convention(
            name="cursor",
            file=".cursor/hooks.json",
            event="stop",
            entry=lambda command: {"command": command, "timeout": TIMEOUT, "loop_limit": 5},
            others={"version": 1},
            block=lambda text: Answer(stdout=_json({"followup_message": text})),
            tell=lambda text: Answer(stdout="{}\n", stderr=text + "\n"),  # its hooks can show the person nothing else
            quiet="{}\n",
        ),
        Convention(
            name="gemini-cli",
            file=".gemini/settings.json",
            event="AfterAgent",
            entry=lambda command: {
                "hooks": [{"name": "ralph-hooks", "type": "command", "command": command, "timeout": TIMEOUT * 1000}]
            },
            block=lambda text: Answer(stdout=_json({"decision": "deny", "reason": text})),
            tell=_system_message,
            quiet="{}\n",
        ),
        Convention(
            name="copilot",
            file=".github/hooks/ralph-hooks.json",
            event="agentStop",
            entry=lambda command: {
                "type": "command",
                "bash": command,
                "powershell": "ralph-hooks agent-hook copilot",
                "timeoutSec": TIMEOUT,
            },
            others={"version": 1},
            block=lambda text: Answer(stdout=_json({"decision": "block", "reason": text})),
            tell=lambda text: Answer(stdout=_json({"type": "progress", "message": text})),
        ),
    )
}
"""By the name that `ralph-hooks agent-hook` takes."""


def read_call(data: bytes) -> HookCall:
    """Read what an agent wrote to standard input; what cannot be read says nothing."""
    try:
        said = msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"))  # Cursor begins with a byte order mark
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return HookCall()
    if not isinstance(said, dict):
        return HookCall()
    roots = said.get("workspace_roots")
    cwd = said.get("cwd") or (roots[0] if isinstance(roots, list) and roots else "")
    count = said.get("loop_count")
    return HookCall(
        session=_text(said.get("session_id") or said.get("sessionId") or said.get("conversation_id")),
        cwd=_text(cwd),
        continued=said.get("stop_hook_active") is True or (isinstance(count, int) and count > 0),
        ended_well=said.get("status", "completed") == "completed",
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) and "\0" not in value else ""
