"""The formats by name. Each is imported on use, so that an ordinary commit imports only one."""

from __future__ import annotations

from ralph_hooks.core.report import Report

FORMATS = ("text", "json", "sarif", "github", "agent")
"""The values of ``--format``; the first is the default."""


def render(report: Report, name: str, *, color: bool, width: int, everything: bool = False) -> str:
    """Return ``report`` in the format ``name``, ending with a newline and safe to print.

    ``color``, ``width`` (columns) and ``everything`` (leave nothing out) affect only the text format.
    Raises KeyError for a name that is not in `FORMATS`.
    """
    match name:
        case "text":
            from ralph_hooks.reports import text

            return text.render(report, color=color, width=width, everything=everything)
        case "json":
            from ralph_hooks.reports import json

            return json.render(report)
        case "sarif":
            from ralph_hooks.reports import sarif

            return sarif.render(report)
        case "github":
            from ralph_hooks.reports import github

            return github.render(report)
        case "agent":
            from ralph_hooks.reports import agent

            return agent.render(report)
    raise KeyError(name)
