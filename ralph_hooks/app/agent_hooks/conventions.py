"""A table of each coding agent's hook convention: its input, its expected output, and its settings file.

Sources, as of 2026-11:

- claude-code: https://code.claude.com/docs/en/hooks (Stop: exit code 2 blocks, and Claude reads standard error)
- codex: https://developers.openai.com/codex/hooks (Stop: ``decision: block`` continues with ``reason`` as a new prompt)
- cursor: https://cursor.com/docs/agent/hooks (stop: ``followup_message`` is sent as the next message)
- gemini-cli: https://geminicli.com/docs/hooks/reference (AfterAgent: ``decision: deny`` retries with ``reason``)
- copilot: https://docs.github.com/copilot/reference/hooks-reference (agentStop: ``decision: block``; a line of type
  ``progress`` is shown to the user)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

TIMEOUT = 300
"""The timeout in seconds that an agent gives a hook; `gate.deadline` ends a review earlier."""
BLOCK = 2
"""The exit code that makes a hook block."""


class HookCall(Struct, frozen=True):
    """An agent's message when it wants to end its turn."""

    session: str = ""
    cwd: str = ""
    """The agent's working folder; empty if it sends none."""
    continued: bool = False
    """True if this turn continues only because a hook blocked its previous end."""
    ended_well: bool = True
    """False if the user stopped the agent or it failed: then nothing is judged."""


class Answer(Struct, frozen=True):
    """A hook's output and its exit code."""

    stdout: str = ""
    stderr: str = ""
    exit_code: int = 0


class Convention(Struct, frozen=True, kw_only=True):
    """The hook convention of one agent."""

    name: str
    file: str
    """The path of its settings file, relative to the top of the repository."""
    event: str
    entry: Callable[[str], Mapping[str, Any]]
    """A function from the command to the entry for the list of hooks for ``event``."""
    others: Mapping[str, Any] = {}
    """The content of a new file besides the hooks."""
    block: Callable[[str], Answer]
    """A function that makes the agent continue, with a text to act on."""
    tell: Callable[[str], Answer]
    """A function that lets the agent end and shows the user a message."""
    quiet: str = ""
    """The output if there is no message."""

    @property
    def command(self) -> str:
        """The command in the agent's settings. Without ralph-hooks it does nothing: colleagues share the file."""
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
            tell=lambda text: Answer(stdout="{}\n", stderr=text + "\n"),  # the only message its hooks can show the user
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
"""The conventions, by the name that `ralph-hooks agent-hook` takes."""


def read_call(data: bytes) -> HookCall:
    """Return the call that an agent wrote to standard input; unreadable input gives an empty call."""
    try:
        said = msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"))  # Cursor's output starts with a byte order mark
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
