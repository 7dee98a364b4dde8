"""A fake command line of a coding agent: the options, formats and failures of the real programs.

``python agent_program.py NAME FOLDER [OPTION ...]``: NAME is claude, codex, gemini, copilot or opencode, and FOLDER
holds ``behaviour`` (a word, see below) and ``server`` (the URL of a model server that answers for it); each start is
written down in ``calls``. Its output was recorded from Claude Code 2.1.332, codex 0.171.0, gemini 0.61.0, copilot
1.0.102 and opencode 1.18.33, each against a server on this machine that answered, refused the key or limited the rate.

Behaviours: ``fine``, ``logged-out``, ``denied``, ``limit``, ``away``, ``hang``, ``crash``, ``update`` (wants to be
updated first), ``notice`` (announces an update, then answers), ``prose`` and ``shape`` (an unusable answer),
``uncounted`` (reports no usage).
"""

from __future__ import annotations

import json
import os
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

OPTIONS = {
    "claude": {
        "-p": 0, "--model": 1, "--output-format": 1, "--tools": 1, "--strict-mcp-config": 0,
        "--no-session-persistence": 0, "--system-prompt": 1, "--json-schema": 1, "--permission-mode": 1,
        "--max-budget-usd": 1,
    },
    "codex": {
        "exec": 0, "--model": 1, "--json": 0, "--ephemeral": 0, "--ignore-user-config": 0, "--ignore-rules": 0,
        "--skip-git-repo-check": 0, "--sandbox": 1, "--output-schema": 1, "-c": 1, "-": 0,
    },
    "gemini": {"--model": 1, "-o": 1, "-e": 1, "-p": 1, "--approval-mode": 1},
    "copilot": {
        "-s": 0, "--model": 1, "--output-format": 1, "--no-auto-update": 0, "--no-ask-user": 0, "--no-color": 0,
        "--no-remote": 0, "--no-custom-instructions": 0, "--disable-builtin-mcps": 0, "--available-tools": 1,
        "--allow-tool": 1,
    },
    "opencode": {"run": 0, "--model": 1, "--format": 1, "--pure": 0, "--agent": 1},
}  # fmt: skip
"""The number of values that each option takes; any other is refused, as by the real programs."""
INPUT, OUTPUT, CACHED, WRITTEN = 120, 30, 40, 20
"""Tokens that every answer is said to have used: fresh input, output, read from and written to the cache."""
DOLLARS = 0.00125
"""The cost of an answer that Claude Code reports, in USD."""
UPDATE = "A new version is required. Run the update first."
LOGGED_OUT = {
    "claude": "Not logged in · Please run /login",
    "codex": "unexpected status 401 Unauthorized: Missing bearer authentication: please log in",
    "gemini": "Please set an Auth method in your settings.json or specify one of the following environment variables",
    "copilot": "Error: No authentication information found.",
    "opencode": "Not logged in",
}


def options(name: str, words: list[str]) -> dict[str, list[str]]:
    """Return the options that were given, with their values."""
    known, found = OPTIONS[name], dict[str, list[str]]()
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word not in known:
            sys.exit(f"error: unknown option '{word}'")
        found.setdefault(word, []).extend(rest[: known[word]])
        del rest[: known[word]]
    return found


def instructions(name: str, given: dict[str, list[str]]) -> str:
    """Return the system prompt, from where each program takes it."""
    if name == "claude":
        return given.get("--system-prompt", [""])[0]
    if name == "codex":
        path = next((word.partition("=")[2] for word in given.get("-c", ()) if word.startswith("model_instr")), "")
        return Path(path).read_text() if path else ""
    if name == "gemini" and "GEMINI_SYSTEM_MD" in os.environ:
        return Path(os.environ["GEMINI_SYSTEM_MD"]).read_text()
    if name == "opencode" and "OPENCODE_CONFIG_CONTENT" in os.environ:
        prompt = json.loads(os.environ["OPENCODE_CONFIG_CONTENT"])["agent"][given["--agent"][0]]["prompt"]
        return Path(prompt.removeprefix("{file:").removesuffix("}")).read_text()
    return ""


def answer(server: str, system: str, prompt: str) -> str:
    """Return the answer of the model behind the program."""
    messages = [{"role": "system", "content": system or prompt}, {"role": "user", "content": prompt}]
    body = json.dumps({"model": "m", "messages": messages}).encode()
    request = urllib.request.Request(f"{server}/chat/completions", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as reply:
        return str(json.load(reply)["choices"][0]["message"]["content"])


# Output of each: for an answer, and for an error with a status of its provider


def claude(text: str, status: int | None, *, failed: bool, counted: bool) -> None:
    used = {"input_tokens": INPUT, "output_tokens": OUTPUT}
    used |= {"cache_read_input_tokens": CACHED, "cache_creation_input_tokens": WRITTEN}
    result: dict[str, Any] = {
        "type": "result", "subtype": "success", "is_error": failed, "api_error_status": status, "duration_ms": 87,
        "num_turns": 2, "result": text, "stop_reason": "tool_use", "session_id": "9c656209",
        "total_cost_usd": 0 if failed else DOLLARS, "usage": dict.fromkeys(used, 0) if failed else used,
        "permission_denials": [], "terminal_reason": "completed",
    }  # fmt: skip
    if not counted:
        del result["usage"], result["total_cost_usd"]
    if not failed and text.startswith("{"):
        result["structured_output"] = json.loads(text)
    print(json.dumps(result))


def codex(text: str, _status: int | None, *, failed: bool, counted: bool) -> None:
    events: list[dict[str, Any]] = [
        {"type": "thread.started", "thread_id": "01a2278b"},
        {"type": "item.completed", "item": {"id": "item_0", "type": "error", "message": "Model metadata not found."}},
        {"type": "turn.started"},
    ]
    if failed:
        events += [{"type": "error", "message": text}, {"type": "turn.failed", "error": {"message": text}}]
    else:
        events.append({"type": "item.completed", "item": {"id": "item_1", "type": "agent_message", "text": text}})
        whole = INPUT + CACHED + WRITTEN
        used = {"input_tokens": whole, "cached_input_tokens": CACHED, "cache_write_input_tokens": WRITTEN}
        if counted:
            events.append({"type": "turn.completed", "usage": {**used, "output_tokens": OUTPUT}})
    print("\n".join(map(json.dumps, events)))


def gemini(text: str, status: int | None, *, failed: bool, counted: bool) -> None:
    if failed:
        error = {"type": "Error", "message": text, "code": status or 1}
        print(json.dumps({"session_id": "d74af07d", "error": error}, indent=2), file=sys.stderr)
        return
    tokens = {"input": INPUT, "prompt": INPUT + CACHED + WRITTEN, "candidates": OUTPUT - 10, "total": 210}
    stats = {"models": {"g": {"api": {"totalRequests": 1}, "tokens": {**tokens, "cached": CACHED, "thoughts": 10}}}}
    answered = {"session_id": "a7cdb93b", "response": text, "stats": stats if counted else {"models": {}}}
    print(json.dumps(answered, indent=2), end="")


def copilot(text: str, status: int | None, *, failed: bool, counted: bool) -> None:  # noqa: ARG001 - as the others
    events: list[dict[str, Any]] = [
        {"type": "session.skills_loaded", "data": {"skills": []}, "ephemeral": True},
        {"type": "user.message", "data": {"content": "…"}},
    ]
    if failed:
        kind = {401: "authentication", 429: "rate_limit"}.get(status or 0, "query")
        events.append({"type": "session.error", "data": {"errorType": kind, "message": text, "statusCode": status}})
    else:
        events.append({"type": "assistant.message_delta", "data": {"deltaContent": text}})
        events.append({"type": "assistant.message", "data": {"model": "gpt-x", "content": text, "toolRequests": []}})
    events.append({"type": "result", "exitCode": int(failed), "usage": {"premiumRequests": 0}})
    print("\n".join(map(json.dumps, events)))


def opencode(text: str, status: int | None, *, failed: bool, counted: bool) -> None:
    if failed:
        data = {"message": text, "statusCode": status, "isRetryable": False}
        print(json.dumps({"type": "error", "sessionID": "ses_1", "error": {"name": "APIError", "data": data}}))
        return
    tokens = {"input": INPUT, "output": OUTPUT, "reasoning": 0, "cache": {"write": WRITTEN, "read": CACHED}}
    finish = {"type": "step-finish", "reason": "stop", "tokens": tokens, "cost": 0}
    events = [
        {"type": "step_start", "part": {"type": "step-start"}},
        {"type": "text", "part": {"type": "text", "text": text}},
        *([{"type": "step_finish", "part": finish}] if counted else []),
    ]
    print("\n".join(map(json.dumps, events)))


PRINTERS = {"claude": claude, "codex": codex, "gemini": gemini, "copilot": copilot, "opencode": opencode}


def fail(name: str, text: str, status: int | None, code: int = 1) -> None:
    PRINTERS[name](text, status, failed=True, counted=True)
    sys.exit(code)


def log_in_first(name: str) -> None:
    """Fail as logged out: Copilot prints plain text, gemini has an exit code of its own."""
    if name == "copilot":
        sys.exit(LOGGED_OUT[name] + "\n\nCopilot can be authenticated with GitHub.")
    fail(name, LOGGED_OUT[name], 41 if name == "gemini" else None, 41 if name == "gemini" else 1)


def repair(change: str) -> None:
    """Replace one text by another in the files of the folder, as somebody would who knows what is wrong."""
    old, _, new = change.partition("\n")
    for path in Path().rglob("*.py"):
        path.write_text(path.read_text().replace(old, new))


def misbehave(name: str, behaviour: str) -> None:
    """End, or never do, where that is the ``behaviour``."""
    match behaviour:
        case "logged-out":
            log_in_first(name)
        case "denied":
            fail(name, "Invalid API key · Fix external API key", 401)
        case "limit":
            fail(name, "You’ve hit your usage limit. Try again later.", None if name == "codex" else 429)
        case "away":
            fail(name, "API Error: Unable to connect to API (ECONNREFUSED)", None)
        case "hang":
            time.sleep(600)
        case "update":
            sys.exit(UPDATE)
        case "crash":
            os.abort()


def main(name: str, folder: Path, words: list[str]) -> None:
    given = options(name, words)
    prompt = sys.stdin.read()
    here = sorted(path.relative_to(Path()).as_posix() for path in Path().rglob("*"))
    with (folder / "calls").open("a") as file:
        seen = {"words": words, "prompt": prompt, "cwd": str(Path.cwd()), "here": here, "environ": dict(os.environ)}
        file.write(json.dumps(seen) + "\n")
    behaviour = (folder / "behaviour").read_text()
    misbehave(name, behaviour)
    if behaviour == "notice":
        print("Update available! Run npm install to update.\n")
    if (folder / "repair").exists() and ("--permission-mode" in given or given.get("--sandbox") == ["workspace-write"]):
        repair((folder / "repair").read_text())
        text = "The last item is counted now."
    else:
        asked = answer((folder / "server").read_text(), instructions(name, given), prompt)
        text = {"prose": "I think it is fine.", "shape": '{"verdict": "good"}'}.get(behaviour, asked)
    PRINTERS[name](text, None, failed=False, counted=behaviour != "uncounted")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
