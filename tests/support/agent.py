"""A fake coding agent: a real program that follows its first argument, in the folder it is started in.

``python -P tests/support/agent.py BEHAVIOUR [ARGUMENT ...]``. It never calls a model.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

CLAUDE = {
    "type": "result",
    "subtype": "success",
    "is_error": False,
    "duration_ms": 1200,
    "num_turns": 3,
    "result": "The loop now ends.",
    "session_id": "0",
    "total_cost_usd": 0.0421,
    "usage": {
        "input_tokens": 100,
        "cache_creation_input_tokens": 2000,
        "cache_read_input_tokens": 30000,
        "output_tokens": 400,
        "server_tool_use": {"web_search_requests": 0},
        "service_tier": "standard",
    },
}
"""The last output of `claude -p --output-format json`."""


def say(**changes: object) -> None:
    print(json.dumps({**CLAUDE, **changes}))


def repair(path: str, old: str, new: str) -> None:
    """Replace ``old`` by ``new``, as a model would that knows what is wrong."""
    file = Path(path)
    file.write_text(file.read_text().replace(old, new))
    say()


def note(path: str, task: str = "") -> None:
    """Write its task and its environment to ``path``; change nothing."""
    told = Path(task).read_text() if task else sys.stdin.read()
    seen = {"task": told, "stdin": "" if task else told, "cwd": str(Path.cwd()), "environment": dict(os.environ)}
    Path(path).write_text(json.dumps(seen))
    say()


def hang(path: str = "") -> None:
    """Say by ``path`` that it has begun, and never end."""
    if path:
        Path(path).write_text(str(os.getpid()))
    time.sleep(600)


def flood() -> None:
    """Print more than the output limit, on both streams, then repair nothing."""
    for _ in range(64):
        os.write(1, b"o" * 1_000_000 + b"\n")
        os.write(2, b"e" * 1_000_000 + b"\n")
    say()


def leave(outside: str) -> None:
    """Try to get out of the folder: an absolute path, one with .., and a symbolic link to write through."""
    Path("../stray.py").write_text("left\n")
    Path("way-out").symlink_to(outside)
    Path("way-out", "through-the-link.py").write_text("left\n")
    say()


def write(path: str, content: str) -> None:
    """Write a file whatever it is."""
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)
    say()


def commit(path: str, old: str, new: str) -> None:
    """Repair, then commit it on a branch of its own, and switch to another."""
    file = Path(path)
    file.write_text(file.read_text().replace(old, new))
    identity = ("-c", "user.name=Agent", "-c", "user.email=agent@localhost")
    for args in (
        ("checkout", "-q", "-b", "mended"),
        ("add", "-A"),
        (*identity, "commit", "-q", "-m", "Mend"),
        ("branch", "another"),
        ("tag", "done"),
        ("config", "core.hooksPath", "hooks"),
    ):
        subprocess.run(["git", *args], check=True)
    say()


def breed(pids: str, path: str, old: str, new: str) -> None:
    """Repair, and leave two processes behind: one in the group, one that has left it."""
    children = [
        subprocess.Popen(["sleep", "600"]),
        subprocess.Popen(["sleep", "600"], start_new_session=True),
    ]
    Path(pids).write_text(" ".join(str(child.pid) for child in children))
    repair(path, old, new)
    sys.stdout.flush()
    os._exit(0)


def fail(code: str = "1") -> None:
    """Give up, as for want of a login."""
    print("starting", file=sys.stderr)
    print("Invalid API key: please log in", file=sys.stderr)
    sys.exit(int(code))


def spoil(path: str) -> None:
    """Leave a file half written, and give up."""
    Path(path).write_text("def area(a, b):\n    ret")
    Path("leftover.py").write_text("x = 1\n")
    fail()


def say_error() -> None:
    """Fail as claude does without a login: an error in JSON, and exit code 1."""
    say(is_error=True, result="Invalid API key. Please run /login", total_cost_usd=0)
    sys.exit(1)


def mute(path: str, old: str, new: str) -> None:
    """Repair without reporting any usage."""
    file = Path(path)
    file.write_text(file.read_text().replace(old, new))
    print("I have mended it.")


BEHAVIOURS: dict[str, Callable[..., None]] = {
    function.__name__.replace("_", "-"): function
    for function in (repair, note, hang, flood, leave, write, commit, breed, fail, spoil, say_error, mute)
}

if __name__ == "__main__":
    BEHAVIOURS[sys.argv[1]](*sys.argv[2:])
