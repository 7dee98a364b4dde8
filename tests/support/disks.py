"""Disks that are small and really full."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(folder: Path, kilobytes: int) -> Iterator[Path]:
    """``folder`` as a disk of that size; skips the test where none can be had."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder)]
    root = sys.platform == "linux" and os.geteuid() == 0
    if not root or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only the superuser of a Linux system can mount a small disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)
