"""Find credentials in a text, for the secret check and for redaction: the one place that knows detect-secrets.

Three sources, all of them regular expressions over the whole text: the provider formats of detect-secrets, formats it
lacks, and credentials recognised by the name they are assigned to. The library's own scan loop is not used: it keeps
settings in global state, goes line by line through every plugin, and knows some keys by their prefix alone
(`GitHubTokenDetector` yields ``ghp``), where masking needs to know how far a key goes. Nor is its keyword detector,
which backtracks without bound and does not say where. Nothing here uses the network.

Importing this package is cheap; the patterns are compiled for the first text, and detect-secrets (125 ms of CPU) is
imported for the first that holds something shaped like a key.
"""

from __future__ import annotations

from collections.abc import Callable

from ralph_hooks.errors import RalphError
from ralph_hooks.secrets.secret import Secret

_RULES = "12"
"""Counts up whenever something in this package changes what is found."""

MASK = "<secret>"


def find(text: str, path: str = "", *, doubtful: bool = True) -> tuple[Secret, ...]:
    """Return every credential in ``text``, in order and without overlap; without ``doubtful`` those that block.

    ``path`` identifies formats without quotes, and test data, where a fake password does not block. A scan without
    ``doubtful`` takes a third of the time. Raises RalphError if detect-secrets is missing.
    """
    try:
        from ralph_hooks.secrets.scan import scan

        return scan(text, path, doubtful=doubtful)
    except ImportError as error:
        raise RalphError(
            f"the secret scan cannot run: {error}", "reinstall ralph-hooks with its dependencies"
        ) from error


def mask(text: str, path: str = "", placeholder: Callable[[str], str] = lambda _: MASK) -> str:
    """Return ``text`` with each credential replaced by the result of ``placeholder``."""
    parts: list[str] = []
    position = 0
    for secret in find(text, path):
        parts += [text[position : secret.start], placeholder(text[secret.start : secret.end])]
        position = secret.end
    return "".join([*parts, text[position:]])


def allowlisted(line: str, previous: str = "") -> bool:
    """Return True if the author has allowlisted ``line`` as no real secret.

    The comments of detect-secrets: ``pragma: allowlist secret`` at the end of the line, or ``pragma: allowlist
    nextline secret`` alone on the line before.
    """
    if "pragma" not in line and "pragma" not in previous:
        return False
    from detect_secrets.filters.allowlist import is_line_allowlisted
    from detect_secrets.util.code_snippet import CodeSnippet

    return bool(is_line_allowlisted("", line.rstrip(), CodeSnippet([previous.rstrip(), line], 1, 1)))


def version() -> str:
    """Return the versions that `find` depends on, without importing detect-secrets (125 ms of CPU)."""
    from importlib.machinery import PathFinder

    spec = PathFinder.find_spec("detect_secrets")
    library = ""
    for folder in (spec and spec.submodule_search_locations) or ():
        with open(f"{folder}/__version__.py", encoding="utf-8") as file:  # noqa: PTH123 - one read, no need for a Path
            library = file.read().strip()
    return f"{_RULES} {library}"
