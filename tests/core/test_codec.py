"""Answers that arrive at once are read at once, and nothing crashes."""

from __future__ import annotations

import subprocess
import sys

RACE = """
import sys, threading
from typing import Annotated
from msgspec import Meta, Struct, defstruct
from ralph_hooks.core.codec import from_json

sys.setswitchinterval(1e-6)
tokens = Annotated[int, Meta(ge=0)] | None
for number in range(40):
    inner = defstruct(f"Inner{number}", [("cached", tokens, None), ("written", tokens, None)])
    outer = defstruct(f"Outer{number}", [("prompt", tokens, None), ("details", inner | None, None)])
    shape = defstruct(f"Reply{number}", [("usage", outer | None, None)])
    together = threading.Barrier(8)

    def read():
        together.wait()
        assert from_json('{"usage": {"prompt": 3, "details": {"written": 2}}}', shape).usage.details.written == 2

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
print("read")
"""


def test_threads_that_read_a_shape_for_the_first_time_do_not_crash() -> None:
    done = subprocess.run([sys.executable, "-c", RACE], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "read\n", "")
