"""Starts the scripted model server, which answers over HTTP as a provider would."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from demo.sample import CHECKOUT


@contextmanager
def scripted_models(*, env: Mapping[str, str], log: Path) -> Iterator[str]:
    """The server of `demo.models`, which ends with the block. Yields its base URL."""
    args = [sys.executable, "-m", "demo.models"]
    with (
        log.open("wb") as errors,
        subprocess.Popen(args, cwd=CHECKOUT, env=env, stdout=subprocess.PIPE, stderr=errors, text=True) as server,
    ):
        try:
            assert server.stdout is not None
            url = server.stdout.readline().strip()
            if not url:
                raise OSError(f"the scripted model server did not start: {log.read_text(errors='replace').strip()}")
            yield url
        finally:
            server.terminate()
