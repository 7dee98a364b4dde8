"""A change as analyze sees it, and replies about it."""

from __future__ import annotations

import json
from typing import Any

from ralph_hooks.core.change import Content, Entry, Hunk, Line, Status
from ralph_hooks.core.prompt_diff import Part, render
from ralph_hooks.phases import analyze

LINES = (
    Line(" ", 1, 1, "def pay(amount):"),
    Line("-", 2, None, "    check(amount)"),
    Line("-", 3, None, "    return book(amount)"),
    Line("+", None, 2, "    log(amount)"),
    Line("+", None, 3, "    return book(amount)"),
    Line("+", None, 4, ""),
    Line("+", None, 5, "    log(amount)"),
)


def part(path: str = "pay.py", lines: tuple[Line, ...] = LINES) -> Part:
    entry = Entry(path, Status.MODIFIED, path, "100644", "100644", "1" * 40, "2" * 40)
    return render(entry, Content(b"", b""), [Hunk(lines)], 10_000)[0]


def item(**changes: object) -> dict[str, Any]:
    plain = {
        "path": "pay.py",
        "line": 2,
        "category": "bug",
        "severity": "error",
        "confidence": 0.9,
        "message": "It is not checked.",
        "quote": "log(amount)",
    }
    return {**plain, **changes}


def read(*items: object, parts: tuple[Part, ...] = (part(),)) -> analyze.Review:
    return analyze.read(json.dumps({"findings": items}).encode(), parts)
