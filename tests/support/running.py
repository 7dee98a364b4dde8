"""Commands at work, and waiting for what they do."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.support.patience import PATIENCE
from tests.support.project import BIN, Project


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


@contextmanager
def started(project: Project, *args: str, stdin: bytes = b"") -> Iterator[subprocess.Popen[bytes]]:
    """A command at work, which does not outlive the test."""
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [BIN / "ralph-hooks", *args], cwd=project.repo.path, env=project.environ, stdin=pipe, stdout=pipe, stderr=pipe
    ) as process:
        assert process.stdin is not None
        process.stdin.write(stdin)
        process.stdin.close()
        process.stdin = None
        try:
            yield process
        finally:
            process.kill()
