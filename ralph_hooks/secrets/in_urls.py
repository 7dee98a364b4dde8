"""Passwords and tokens in the addresses of servers."""

from __future__ import annotations

from collections.abc import Iterator

from ralph_hooks.core.lazy_pattern import lazy
from ralph_hooks.secrets.names import is_test_data
from ralph_hooks.secrets.secret import Secret
from ralph_hooks.secrets.text_index import TextIndex
from ralph_hooks.secrets.values import SHORTEST, is_placeholder, is_reference

# user:password@host of https://www.rfc-editor.org/rfc/rfc3986#section-3.2.1; passwords of real life hold characters
# that should have been percent-encoded, so the last @ counts.
_ADDRESS = lazy(r"://[^\s:/?#@\"'<>`]{0,100}:(?!\d{1,5}[/?#])([^\s\"'<>`]{1,200})@([\w.-]{1,253})")
_ENDS_A_HOST = lazy(r"[/?#]")  # and with it what may be a password
_TOKEN = lazy(r"://(?=[A-Za-z_-]*\d)([A-Za-z0-9_-]{20,})@[\w.-]")  # a token that git accepts as the user name
_NOWHERE = lazy(
    r"(?i)(?:^|\.)(?:example(?:\.\w+)?|localhost|local|test|invalid|host(?:name)?|domain(?:\.\w+)?|server)$|^127\.|^.$"
)


def in_addresses(piece: TextIndex) -> Iterator[Secret]:
    """Yield passwords in addresses. One that is a placeholder, such as ``user:password@``, is uncertain."""
    for match in _ADDRESS.finditer(piece.text):
        password, host = match[1], match[2]
        unlikely = is_placeholder(password)
        if is_reference(password) or (unlikely and len(password) < SHORTEST):
            continue
        certain = (
            not unlikely
            and not _ENDS_A_HOST.search(password)
            and not _NOWHERE.search(host)
            and len(password) >= SHORTEST
        )
        yield Secret("password in a URL", *match.span(1), certain and not is_test_data(piece.path))
    for match in _TOKEN.finditer(piece.text):
        yield Secret("token in a URL", *match.span(1), certain=False)
