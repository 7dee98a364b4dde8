"""Free ports for servers of the tests."""

from __future__ import annotations

import socket


def free_port() -> int:
    """Return a port of loopback on which no server listens at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
